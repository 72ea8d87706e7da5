"""The signature and the bearer token: what is accepted, and everything that isn't."""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediator.alarms import AlarmVerdict, read
from remediator.errors import PublishError, SecretError
from remediator.ingest import Ingest
from remediator.webhook import AUTHORIZATION, LIMIT, SIGNATURE, TIMESTAMP, Refused, decode, judge
from tests.support.builders import sns

SECRET = b"quattro-stagioni"
TOKEN = SECRET.decode()
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SIGNED_AT = "1795420800"
NAMES = st.sampled_from([SIGNATURE, TIMESTAMP, AUTHORIZATION])
VALUES = st.text(max_size=80) | st.text(max_size=80).map("Bearer {}".format)
ALERT = {"status": "firing", "labels": {"alertname": "OrdersFailing", "oven": "4"}, "fingerprint": "8c0d"}
BODY = json.dumps({"receiver": "remediator", "status": "firing", "alerts": [ALERT], "orgId": 1}).encode()


def hmac_by_hand(secret: bytes, message: bytes) -> str:
    """HMAC-SHA256 by RFC 2104 from its two hashes, for a secret of at most 64 bytes."""
    padded = secret.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()


def signed(body: bytes = BODY, secret: bytes = SECRET) -> dict[str, str]:
    """A webhook's headers, in lower case as a function URL hands them over."""
    signature = hmac_by_hand(secret, SIGNED_AT.encode() + b":" + body)
    return {"user-agent": "Grafana", TIMESTAMP: SIGNED_AT, SIGNATURE: signature}


def bearing(given: str = TOKEN) -> dict[str, str]:
    """The headers of anybody but Grafana."""
    return {"user-agent": "Datadog", AUTHORIZATION: f"Bearer {given}"}


def request(**other: Any) -> dict[str, Any]:
    """A signed request as a function URL hands it to Lambda, payload format 2.0."""
    context = {"http": {"method": "POST", "path": "/"}, "timeEpoch": 0}
    event = {"version": "2.0", "rawPath": "/", "headers": signed(), "requestContext": context}
    return event | {"body": BODY.decode(), "isBase64Encoded": False} | other


def secret() -> bytes:
    return SECRET


def fails(error: Exception) -> Callable[..., Any]:
    def raises(*_: object) -> Any:
        raise error

    return raises


def test_the_signature_by_hand_is_the_librarys() -> None:
    assert hmac_by_hand(SECRET, b"1:" + BODY) == hmac.new(SECRET, b"1:" + BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("seconds", "judged"),
    [
        *((seconds, BODY.decode()) for seconds in (-300, -1, 0, 299, 300)),
        *((seconds, Refused("signed too long ago, or in the future")) for seconds in (-86_400, -301, 301, 86_400)),
    ],
)
def test_a_signature_of_the_last_or_next_five_minutes_is_accepted(seconds: int, judged: str | Refused) -> None:
    assert judge("POST", signed(), BODY, SECRET, NOW + timedelta(seconds=seconds)) == judged


@pytest.mark.parametrize("name", [SIGNATURE, TIMESTAMP])
@pytest.mark.parametrize("value", [None, "", "ü" * 64, "0" * 64, "-1", "1e9", "9" * 64, "١٧٩٥٤٢٠٨٠٠"])
def test_a_missing_or_unreadable_header_is_refused(name: str, value: str | None) -> None:
    headers = {key: each for key, each in (signed() | {name: value}).items() if each is not None}

    assert isinstance(judge("POST", headers, BODY, SECRET, NOW), Refused)


@pytest.mark.parametrize(
    "signature",
    [
        hmac_by_hand(SECRET, BODY),
        signed(secret=b"margherita")[SIGNATURE],
        signed()[SIGNATURE].upper(),
        signed()[SIGNATURE][:-1],
    ],
    ids=["of the body alone", "of another secret", "in capitals", "cut"],
)
def test_another_signature_is_refused(signature: str) -> None:
    assert judge("POST", signed() | {SIGNATURE: signature}, BODY, SECRET, NOW) == Refused("wrong signature")


@pytest.mark.parametrize("shown", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_secret_as_a_bearer_token_is_accepted_at_any_time(shown: str) -> None:
    headers = {AUTHORIZATION: f"{shown} {TOKEN}"}

    assert judge("POST", headers, BODY, SECRET, NOW + timedelta(days=400)) == BODY.decode()


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "neither a signature nor a secret"),
        ({AUTHORIZATION: ""}, "neither a signature nor a secret"),
        (signed() | bearing(), "both a signature and a secret"),
        (signed() | bearing("margherita"), "both a signature and a secret"),
        (signed(secret=b"margherita") | bearing(), "both a signature and a secret"),
        *(({name: "x"} | bearing(), "both a signature and a secret") for name in (SIGNATURE, TIMESTAMP)),
        (signed() | {AUTHORIZATION: "Basic eDp5"}, "both a signature and a secret"),
        *(
            ({AUTHORIZATION: shown}, "an Authorization other than Bearer")
            for shown in (TOKEN, f"Basic {TOKEN}", f"Bearer:{TOKEN}", f"é {TOKEN}", " ")
        ),
        ({AUTHORIZATION: "Bearer"}, "wrong secret"),
        *(
            (bearing(given), "wrong secret")
            for given in ("", "x", "ü" * 16, "\ud800", "\0", TOKEN.upper(), TOKEN[:-1], TOKEN * 2)
        ),
        *((bearing(f"{before}{TOKEN}{after}"), "wrong secret") for before, after in (("'", "'"), ("", ", Bearer x"))),
    ],
)
def test_without_exactly_one_proof_that_is_right_a_request_is_refused_for_its_own_reason(
    headers: dict[str, str], reason: str
) -> None:
    assert judge("POST", headers, BODY, SECRET, NOW) == Refused(reason)
    assert TOKEN not in reason


@pytest.mark.parametrize(("method", "body"), [("PUT", BODY), ("GET", b""), ("POST", b""), ("POST", b"x" * (LIMIT + 1))])
def test_the_secret_opens_nothing_else(method: str, body: bytes) -> None:
    assert isinstance(judge(method, bearing(), body, SECRET, NOW), Refused)


@given(at=st.integers(0, len(BODY) - 1), by=st.integers(1, 255))
def test_an_altered_byte_is_refused(at: int, by: int) -> None:
    altered = BODY[:at] + bytes([BODY[at] ^ by]) + BODY[at + 1 :]

    assert judge("POST", signed(), altered, SECRET, NOW) == Refused("wrong signature")


@given(body=st.binary(max_size=200), headers=st.dictionaries(NAMES, VALUES))
def test_nothing_is_accepted_by_chance(body: bytes, headers: dict[str, str]) -> None:
    assert isinstance(judge("POST", headers, body, SECRET, NOW), Refused)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "post", ""])
def test_any_method_but_post_is_refused(method: str) -> None:
    assert judge(method, signed(), BODY, SECRET, NOW) == Refused("wrong method")


@pytest.mark.parametrize(("body", "accepted"), [(b"x" * LIMIT, True), (b"x" * (LIMIT + 1), False), (b"", False)])
def test_a_body_of_up_to_the_limit_is_accepted_and_an_empty_one_is_not(body: bytes, *, accepted: bool) -> None:
    assert isinstance(judge("POST", signed(body), body, SECRET, NOW), str) == accepted


def test_a_body_that_is_no_text_is_refused() -> None:
    assert judge("POST", signed(b"\xff\xfe"), b"\xff\xfe", SECRET, NOW) == Refused("no text")


@pytest.mark.parametrize(("body", "is_base64"), [("%%%", True), ("ü", True), ("\ud800", False)])
def test_a_body_that_cannot_be_decoded_is_refused(body: str, *, is_base64: bool) -> None:
    assert isinstance(decode(body, is_base64=is_base64), Refused)


def test_a_body_too_large_is_refused_before_it_is_decoded() -> None:
    assert decode("%" * (LIMIT * 2), is_base64=True) == Refused("too large")


@pytest.mark.parametrize(
    "event",
    [
        request(),
        request(body=b64encode(BODY).decode(), isBase64Encoded=True),
        request(headers=bearing()),
    ],
)
def test_a_webhook_that_proves_to_know_the_secret_is_published_as_it_came_and_triggers(event: object) -> None:
    published: list[str] = []

    assert Ingest(secret, published.append, lambda: NOW).answer(event) == (202, "published")
    assert published == [BODY.decode()]
    (delivery,) = read(sns(published[0]))
    assert (delivery.verdict, delivery.alarms[0].name) == (AlarmVerdict.TRIGGER, "OrdersFailing")


def test_a_sender_is_asked_to_send_again_while_the_secret_or_the_topic_is_unavailable() -> None:
    published: list[str] = []
    no_secret = Ingest(fails(SecretError("no secret")), published.append, lambda: NOW)
    no_topic = Ingest(secret, fails(PublishError("no topic")), lambda: NOW)

    assert no_secret.answer(request()) == (503, "no secret")
    assert no_topic.answer(request()) == (503, "no topic")
    assert published == []


@pytest.mark.parametrize(
    "junk", [None, [], "x", {}, {"headers": None}, {"requestContext": {"http": "POST"}}, {"body": 7}]
)
def test_what_is_no_request_is_refused(junk: object) -> None:
    assert Ingest(secret, fails(AssertionError("published")), lambda: NOW).answer(junk)[0] == 401
