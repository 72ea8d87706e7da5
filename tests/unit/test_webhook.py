"""Grafana's signature: what is accepted, and everything that is not."""

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

from remediator.alarms import Verdict, read
from remediator.errors import PublishError, SecretError, StateError
from remediator.ingest import Ingest
from remediator.webhook import LIMIT, Accepted, Refused, decode, judge
from tests.scenes import sns

SECRET = b"quattro-stagioni"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
STAMP = "1795420800"
ALERT = {"status": "firing", "labels": {"alertname": "OrdersFailing", "oven": "4"}, "fingerprint": "8c0d"}
BODY = json.dumps({"receiver": "remediator", "status": "firing", "alerts": [ALERT], "orgId": 1}).encode()


def by_hand(secret: bytes, message: bytes) -> str:
    """HMAC-SHA256 by RFC 2104 from its two hashes, for a secret of at most 64 bytes."""
    padded = secret.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).hexdigest()


def signed(body: bytes = BODY, stamp: str = STAMP, secret: bytes = SECRET) -> dict[str, str]:
    """The headers of a webhook, in lower case as a function URL hands them over."""
    return {
        "user-agent": "Grafana",
        "x-grafana-alerting-timestamp": stamp,
        "x-grafana-alerting-signature": by_hand(secret, stamp.encode() + b":" + body),
    }


def event(body: bytes = BODY, headers: dict[str, str] | None = None, method: str = "POST", **other: Any) -> Any:
    """One request as a function URL hands it to Lambda, payload format 2.0."""
    return {
        "version": "2.0",
        "rawPath": "/",
        "headers": signed(body) if headers is None else headers,
        "requestContext": {"http": {"method": method, "path": "/"}, "timeEpoch": 0},
        "body": body.decode(errors="surrogateescape"),
        "isBase64Encoded": False,
        **other,
    }


class Outside:
    """What ingest touches, in memory; each call is on record."""

    def __init__(self) -> None:
        self.noted: set[str] = set()
        self.published: list[str] = []
        self.reads = 0
        self.fault: Exception | None = None

    def secret(self) -> bytes:
        self.reads += 1
        return SECRET

    def note(self, fingerprint: str, until: datetime) -> bool:
        assert until > NOW + timedelta(minutes=10)
        new = fingerprint not in self.noted
        self.noted.add(fingerprint)
        return new

    def publish(self, text: str) -> None:
        if self.fault:
            raise self.fault
        self.published.append(text)


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def answer(outside: Outside) -> Callable[[Any], tuple[int, str]]:
    return Ingest(outside.secret, outside.note, outside.noted.discard, outside.publish, lambda: NOW).answer


def test_signature_by_hand_is_the_librarys() -> None:
    message = STAMP.encode() + b":" + BODY

    assert by_hand(SECRET, message) == hmac.new(SECRET, message, hashlib.sha256).hexdigest()


def test_documented_signature_is_accepted() -> None:
    judged = judge("POST", signed(), BODY, SECRET, NOW)

    assert judged == Accepted(BODY.decode(), judged.fingerprint, NOW)  # type: ignore[union-attr]


@pytest.mark.parametrize("seconds", [-300, -1, 0, 299, 300])
def test_timestamp_within_five_minutes_is_accepted(seconds: int) -> None:
    assert isinstance(judge("POST", signed(), BODY, SECRET, NOW + timedelta(seconds=seconds)), Accepted)


@pytest.mark.parametrize("seconds", [-86_400, -301, 301, 86_400])
def test_timestamp_beyond_five_minutes_is_refused_both_ways(seconds: int) -> None:
    refused = judge("POST", signed(), BODY, SECRET, NOW + timedelta(seconds=seconds))

    assert refused == Refused("signed too long ago, or in the future")


@pytest.mark.parametrize("name", ["x-grafana-alerting-signature", "x-grafana-alerting-timestamp"])
@pytest.mark.parametrize("value", [None, "", "ü" * 64, "0" * 64, "-1", "1e9", "9" * 64, "١٧٩٥٤٢٠٨٠٠"])
def test_missing_or_foreign_header_is_refused(name: str, value: str | None) -> None:
    headers = {**signed(), name: value or ""}
    if value is None:
        del headers[name]

    assert isinstance(judge("POST", headers, BODY, SECRET, NOW), Refused)


def test_signature_over_the_body_alone_is_refused() -> None:
    headers = {**signed(), "x-grafana-alerting-signature": by_hand(SECRET, BODY)}

    assert judge("POST", headers, BODY, SECRET, NOW) == Refused("wrong signature")


def test_signature_of_another_secret_is_refused() -> None:
    assert judge("POST", signed(secret=b"margherita"), BODY, SECRET, NOW) == Refused("wrong signature")


def test_signature_in_capitals_is_no_second_signature() -> None:
    headers = signed()
    headers["x-grafana-alerting-signature"] = headers["x-grafana-alerting-signature"].upper()

    assert judge("POST", headers, BODY, SECRET, NOW) == Refused("wrong signature")


@given(at=st.integers(0, len(BODY) - 1), by=st.integers(1, 255))
def test_altered_byte_is_refused(at: int, by: int) -> None:
    altered = BODY[:at] + bytes([BODY[at] ^ by]) + BODY[at + 1 :]

    assert judge("POST", signed(), altered, SECRET, NOW) == Refused("wrong signature")


@given(body=st.binary(max_size=200), headers=st.dictionaries(st.sampled_from([*signed()]), st.text(max_size=80)))
def test_nothing_is_accepted_by_chance(body: bytes, headers: dict[str, str]) -> None:
    assert isinstance(judge("POST", headers, body, SECRET, NOW), Refused)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "post", ""])
def test_wrong_method_is_refused(method: str) -> None:
    assert judge(method, signed(), BODY, SECRET, NOW) == Refused("wrong method")


def test_body_of_the_limit_is_accepted_and_one_byte_more_refused() -> None:
    for size, kind in ((LIMIT, Accepted), (LIMIT + 1, Refused), (0, Refused)):
        body = b"x" * size
        assert isinstance(judge("POST", signed(body), body, SECRET, NOW), kind), size


def test_body_that_is_no_text_is_refused() -> None:
    assert judge("POST", signed(b"\xff\xfe"), b"\xff\xfe", SECRET, NOW) == Refused("no text")


def test_body_is_the_same_in_base64_or_not() -> None:
    assert decode(b64encode(BODY).decode(), is_base64=True) == decode(BODY.decode(), is_base64=False) == BODY


@pytest.mark.parametrize(("body", "is_base64"), [("%%%", True), ("ü", True), ("\ud800", False)])
def test_body_that_cannot_be_decoded_is_refused(body: str, is_base64: bool) -> None:
    assert isinstance(decode(body, is_base64=is_base64), Refused)


def test_body_too_large_is_refused_before_it_is_decoded() -> None:
    assert decode("%" * (LIMIT * 2), is_base64=True) == Refused("too large")


def test_accepted_webhook_is_published_as_it_came_and_wakes(outside: Outside, answer: Any) -> None:
    assert answer(event()) == (202, "published")
    assert outside.published == [BODY.decode()]
    (delivery,) = read(sns(outside.published[0]))
    assert (delivery.verdict, delivery.alarms[0].name) == (Verdict.WAKE, "OrdersFailing")


def test_accepted_webhook_in_base64_is_published_too(outside: Outside, answer: Any) -> None:
    coded = {**event(), "body": b64encode(BODY).decode(), "isBase64Encoded": True}

    assert answer(coded) == (202, "published")
    assert outside.published == [BODY.decode()]


def test_replay_is_refused(outside: Outside, answer: Any) -> None:
    assert [answer(event()) for _ in range(3)] == [(202, "published"), (401, "seen before"), (401, "seen before")]
    assert len(outside.published) == 1


def test_same_body_signed_anew_a_second_later_is_no_replay(outside: Outside, answer: Any) -> None:
    later = signed(stamp=str(int(STAMP) + 1))

    assert (answer(event())[0], answer(event(headers=later))[0]) == (202, 202)


def test_webhook_that_cannot_be_published_is_asked_for_again_and_then_accepted(outside: Outside, answer: Any) -> None:
    outside.fault = PublishError("the alarm can't be published: Publish: Throttling")
    assert answer(event()) == (503, "the alarm can't be published: Publish: Throttling")

    outside.fault = None
    assert answer(event()) == (202, "published")


@pytest.mark.parametrize("fault", [SecretError("gone"), StateError("down")])
def test_webhook_is_asked_for_again_while_secret_or_table_cannot_be_had(outside: Outside, fault: Exception) -> None:
    def broken(*_: object) -> Any:
        raise fault

    for secret, note in ((broken, outside.note), (outside.secret, broken)):
        ingest = Ingest(secret, note, outside.noted.discard, outside.publish, lambda: NOW)
        assert ingest.answer(event()) == (503, str(fault))
    assert outside.published == []


@pytest.mark.parametrize(
    "junk", [None, [], "x", {}, {"headers": None}, {"requestContext": {"http": "POST"}}, {"body": 7}]
)
def test_what_is_no_request_is_refused(outside: Outside, answer: Any, junk: Any) -> None:
    assert answer(junk)[0] == 401
    assert (outside.noted, outside.published) == (set(), [])
