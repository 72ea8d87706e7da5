"""What the doctor decides by itself: a topic's policy, a clock, the order of its rows; and its question."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import pytest

from remediator.alarms import AlarmVerdict, read
from remediator.bootstrap.remediate import ACCESS
from remediator.deadline import Deadline
from remediator.diagnosis import COOKIE_ALONE, WRONG_ORDER, Diagnosis, judge_login
from remediator.outcome import Outcome
from remediator.sample import Sample
from remediator.state import State
from remediator_cli.doctor.checks import CHECKS
from remediator_cli.doctor.deployment import seconds_off
from remediator_cli.doctor.rate_limit import RateLimit, read_limit
from remediator_cli.doctor.remediation import check_incident, check_limits, check_sample
from remediator_cli.doctor.target import Target
from remediator_cli.doctor.topic_policy import lets_cloudwatch_publish
from remediator_cli.function import ask_function
from remediator_cli.stack import Stack
from remediator_cli.status import say_when_asked_again
from tests.support.builders import BEGAN, LOGIN, answer, changed, claim, finish
from tests.support.fakes import MemoryShop

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
OURS: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": TOPIC,
    "Condition": {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:*"},
    },
}
# What SNS itself gives a new topic (SNS developer guide, "Default policy").
DEFAULT = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": ["SNS:GetTopicAttributes", "SNS:Publish"],
    "Condition": {"StringEquals": {"AWS:SourceOwner": "123456789012"}},
}
NO_PLAIN_HTTP = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sns:Publish",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.mark.parametrize(
    ("statements", "lets"),
    [
        ([OURS], True),
        ([DEFAULT], True),
        (OURS, True),  # a single one may stand without a list
        ([OURS | {"Condition": {}}], True),
        ([OURS | {"Principal": {"Service": ["events.amazonaws.com", "cloudwatch.amazonaws.com"]}}], True),
        ([OURS | {"Action": "sns:*"}], True),
        ([OURS, NO_PLAIN_HTTP], True),
        ([], False),
        ([OURS | {"Action": "sns:Subscribe"}], False),
        ([OURS | {"Principal": {"Service": "events.amazonaws.com"}}], False),
        ([OURS | {"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}}], False),
        ([OURS | {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:*:alarm:*"}}}], False),
        ([OURS | {"Condition": {"StringNotEquals": {"aws:SourceAccount": "123456789012"}}}], False),
        ([OURS, OURS | {"Effect": "Deny", "Condition": {}}], False),
    ],
)
def test_cloudwatch_may_publish_only_where_a_statement_of_this_account_allows_it_and_none_denies_it(
    statements: object, lets: bool
) -> None:
    assert lets_cloudwatch_publish({"Statement": statements}, TOPIC) is lets


@pytest.mark.parametrize(("ahead", "off"), [(0.0, 0.0), (0.4, 0.0), (-20.0, 19.1), (20.0, 19.5)])
def test_clock_is_off_by_what_neither_the_wait_nor_the_headers_whole_seconds_explain(ahead: float, off: float) -> None:
    before = datetime.fromisoformat("2026-11-23T08:00:00.500+00:00") + timedelta(seconds=ahead)
    after = before + timedelta(seconds=0.4)

    assert seconds_off(before, "Mon, 23 Nov 2026 08:00:00 GMT", after) == pytest.approx(off)


def test_question_what_the_function_may_read_is_refused_as_an_alarm() -> None:
    (delivery,) = read(ACCESS)

    assert delivery.verdict is AlarmVerdict.REFUSE


@pytest.mark.parametrize(
    ("headers", "limit"),
    [
        *(({}, None), ({"ratelimit-limit": ""}, None), ({"ratelimit-policy": "soon;w=1"}, None)),
        *(({"ratelimit-policy": "100;w=0"}, None), ({"ratelimit": "limit=none"}, None)),
        (
            {"ratelimit-limit": "500", "ratelimit-remaining": "499", "ratelimit-policy": "500;w=600"},
            RateLimit(500, 600),
        ),
        ({"ratelimit": "limit=100, remaining=0, reset=611", "ratelimit-policy": "100;w=900"}, RateLimit(100, 900)),
        (
            {"ratelimit": '"a"; r=9; t=5', "ratelimit-policy": '"100-in-5min"; q=100; w=300; pk=:YQ==:'},
            RateLimit(100, 300),
        ),
        ({"x-ratelimit-limit": "100", "x-ratelimit-reset": "1795680000"}, RateLimit(100, 900)),
        ({"ratelimit": "limit=20, remaining=3"}, RateLimit(20, 900)),
    ],
)
def test_limit_is_read_as_each_draft_of_the_headers_names_it(headers: dict[str, str], limit: RateLimit | None) -> None:
    assert read_limit(headers) == limit


def target_of(shop: Sample, minutes: str, state: State | None = None) -> Any:
    """What a check asks of a target whose shop answers so."""
    settings = SimpleNamespace(shop_url="https://shop.test/")
    http = SimpleNamespace(ask=lambda method, url, *_: shop if (method, url) == ("GET", "https://shop.test/") else None)
    stack = SimpleNamespace(parameters={"CanaryMinutes": minutes})
    return SimpleNamespace(settings=settings, http=http, stack=stack, state=state, clock=lambda: BEGAN)


@pytest.mark.parametrize(
    ("allowed", "minutes", "grade", "words"),
    [
        pytest.param("500;w=900", "1", "ok", "fits CanaryMinutes=1", id="wide"),
        pytest.param("100;w=900", "1", "ok", "fits CanaryMinutes=1", id="just wide enough"),
        pytest.param("92;w=900", "1", "broken", "CanaryMinutes=3 or more", id="too narrow for so many orders"),
        pytest.param("86;w=900", "5", "broken", "CanaryMinutes=15 or more", id="just room for an order"),
        pytest.param("85;w=900", "5", "broken", "no canary: CanaryMinutes=0", id="too narrow for the probes"),
        pytest.param("20;w=900", "0", "ok", "fits CanaryMinutes=0", id="without a canary"),
        pytest.param("", "5", "ok", "none", id="none named"),
    ],
)
def test_doctor_says_which_canary_fits_the_shops_limits(allowed: str, minutes: str, grade: str, words: str) -> None:
    found = check_limits(target_of(Sample(BEGAN, 0.0, 200, limits={"ratelimit-policy": allowed}), minutes))

    assert found.grade == grade
    assert words in found.found


@pytest.mark.parametrize(("minutes", "grade", "who"), [("5", "note", "the canary"), ("0", "broken", "no canary: run")])
def test_incident_that_waits_for_the_shops_limit_is_named_with_the_time_and_who_asks_again(
    minutes: str, grade: str, who: str
) -> None:
    found = finish(claim().new, Outcome.RATE_LIMITED, not_before=BEGAN + timedelta(minutes=10))
    waiting = target_of(Sample(BEGAN, 0.0, 200), minutes, changed(found))

    answer = check_incident(waiting)

    assert answer.grade == grade
    assert "2026-11-23 08:10:00 UTC" in answer.found
    assert who in answer.found
    assert (say_when_asked_again(waiting.stack, waiting.state) or "-") in answer.found
    assert say_when_asked_again(waiting.stack, State()) is None


def test_each_check_comes_after_those_it_needs() -> None:
    names = [check.name for check in CHECKS]

    assert len(set(names)) == len(names)
    assert all(set(check.needs) <= set(names[:at]) for at, check in enumerate(CHECKS))


@pytest.mark.parametrize(
    ("login", "order", "do"),
    [
        (LOGIN, answer(400, {"message": "unknown store"}), WRONG_ORDER),
        (LOGIN, answer(500, {"message": "No ID found"}), WRONG_ORDER),
        (LOGIN, answer(500, {"message": "fetch failed"}), "Repair the shop by hand."),
        (answer(200, {"user": {"id": 2}}), answer(200, {}), COOKIE_ALONE),
    ],
)
def test_sample_that_is_not_good_says_what_to_do_about_it(login: Sample, order: Sample, do: str) -> None:
    shop, deadline = MemoryShop([order], [login]), Deadline.after(60)

    @contextmanager
    def logged_in() -> Iterator[tuple[MemoryShop, str | Diagnosis, Deadline]]:
        yield shop, judge_login(shop.login(deadline)), deadline

    chosen = SimpleNamespace(allowed_report_links=[SimpleNamespace(address="factory.test")], link_fields=())
    http = SimpleNamespace(ask=lambda *_: answer(404, {}))
    found = check_sample(cast(Target, SimpleNamespace(settings=chosen, http=http, logged_in=logged_in)))

    assert (found.grade, found.do) == ("broken", do)


@pytest.mark.parametrize(
    ("payload", "log", "expected"),
    [
        ({"secret": "ok", "state": "no table"}, "", ({"secret": "ok", "state": "no table"}, "")),
        ({"errorMessage": "no module app"}, "", ({}, "the function can't say: no module app")),
        (
            {"errorMessage": "no module app"},
            "START RequestId: 1\nline 1\nline 2\n[ERROR] line 3\nTraceback\nEND RequestId: 1\nREPORT RequestId: 1\n\n",
            ({}, "the function can't say: no module app. Its log ends: line 2 / [ERROR] line 3 / Traceback"),
        ),
        (None, "", ({}, "the function can't say: another version's answer")),
    ],
)
def test_function_that_cannot_say_shows_the_end_of_its_log(payload: object, log: str, expected: object) -> None:
    answered = {"Payload": BytesIO(json.dumps(payload).encode()), "LogResult": b64encode(log.encode()).decode()}
    function = SimpleNamespace(invoke=lambda **asked: answered if asked["LogType"] == "Tail" else None)
    stack = SimpleNamespace(client=lambda _: function, outputs={"FunctionName": "f"})

    assert ask_function(cast(Stack, stack)) == expected
