"""Whatever is where a text should be: an outcome is on record, no secret in it, and no raw error gets out."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from remediator.deadline import Deadline
from remediator.errors import RemediatorError, Unhealed
from remediator.ingest import Ingest
from remediator.jwt import Keys, read_keys
from remediator.masking import Mask
from remediator.sample import Sample
from tests.support.builders import (
    BEGAN,
    GOOD,
    KEY,
    LINK,
    LOGIN,
    NO_LINK,
    PASSWORD,
    TOKEN,
    Harness,
    alarm,
    answer,
    failing,
    sns,
)
from tests.support.fuzz import EXAMPLES, TEXTS, VALUES, objects
from tests.unit.test_strangers import canary_of, knowing

ALARM_KEYS = (
    "AlarmName",
    "NewStateValue",
    "StateChangeTime",
    "alerts",
    "status",
    "labels",
    "detail",
    "state",
    "Records",
)


def encoded(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


JWTS = st.builds(
    lambda header, body: f"{encoded(header)}.{encoded(body)}.{encoded('x')}",
    objects("kid").map(lambda header: {"alg": "RS256", **header}) | VALUES,
    VALUES,
)
ANSWERS = st.sampled_from([GOOD, failing(), NO_LINK]) | st.builds(
    answer,
    st.sampled_from([200, 204, 302, 400, 401, 404, 429, 500, 503, 504]),
    objects("jwt", "order", "message", "followLinkToEndChaos", "token", "error", "upstreamMessage", "statusText")
    | st.fixed_dictionaries({"order": VALUES, "jwt": JWTS})
    | VALUES,
)
LOGINS = st.just(LOGIN) | st.builds(lambda body: answer(200, body), objects("token", "user"))
KEY_SETS = st.builds(
    lambda keys: read_keys(json.dumps({"keys": keys}).encode()),
    st.lists(objects("kid", "kty", "n", "e", "alg") | VALUES, max_size=3),
)


@EXAMPLES
@given(VALUES | objects(*ALARM_KEYS) | objects(*ALARM_KEYS).map(lambda o: sns(json.dumps(o))))
def test_any_event_ends_on_record_and_gives_the_lease_back(event: object) -> None:
    harness = Harness()

    with suppress(RemediatorError):
        harness.remediator.handle(event, "r-1", Deadline.after(100))

    assert harness.store.records
    assert harness.store.current.check is None


@EXAMPLES
@given(st.lists(ANSWERS, min_size=7, max_size=7), LOGINS, ANSWERS, KEY_SETS)
def test_any_answers_end_in_an_outcome_that_is_no_fault_of_ours_without_a_secret(
    answers: list[Sample], login: Sample, report: Sample, keys: Keys
) -> None:
    menu, *orders = answers
    harness = knowing(Harness(*orders, logins=(login, LOGIN, LOGIN), report=report))
    harness.shop.probes = {"/api/order/menu": [menu]}
    harness.remediator = replace(harness.remediator, factory=replace(harness.factory, known=keys))

    canary_of(harness, []).run(BEGAN, Deadline.after(30))
    with suppress(Unhealed):
        harness.remediator.handle(alarm(name=f"orders {LINK}"), "r-1", Deadline.after(100))

    assert harness.outcomes
    assert "FAILED" not in harness.outcomes
    assert harness.store.current.check is None
    written = repr((harness.store, harness.notifier))
    assert not [secret for secret in (KEY, PASSWORD, TOKEN) if secret in written]


@EXAMPLES
@given(TEXTS, TEXTS, st.text(min_size=6, max_size=12))
def test_any_text_can_be_masked_and_what_comes_out_can_be_written(before: str, after: str, secret: str) -> None:
    mask = Mask()
    mask.add(secret)

    mask.text(f"{before}\x00{secret}\x00{after}").encode()


@EXAMPLES
@given(VALUES | objects("requestContext", "headers", "body", "isBase64Encoded", "http", "method"))
def test_any_request_to_ingest_is_answered(event: object) -> None:
    status, reason = Ingest(lambda: b"secret", lambda _: None, lambda: BEGAN).answer(event)

    assert status == 401
    reason.encode()
