"""Webhooks, judged by their bytes and the time alone: signed with the secret, or with the secret as a bearer token.

Grafana signs `<seconds since the epoch>:<body>` with HMAC-SHA256, writes the signature as lower-case hex, and takes the
time anew at each attempt (grafana/alerting, http/hmac.go; settings `hmacConfig` of its webhook contact point).
All others send `Authorization: Bearer <secret>` (RFC 6750), which says nothing of when.
"""

import hmac
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

SIGNATURE, TIMESTAMP, AUTHORIZATION = "x-grafana-alerting-signature", "x-grafana-alerting-timestamp", "authorization"
LIMIT = 262_144  # bytes, what a message of SNS may hold (its API reference, Publish)
WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why, for the log alone: who asked is told nothing."""

    reason: str


def decode(body: str, *, is_base64: bool) -> bytes | Refused:
    """The bytes that were sent. A body too large is refused before it is decoded."""
    if len(body) > LIMIT * (4 / 3 if is_base64 else 1) + 4:
        return Refused("too large")
    try:
        return b64decode(body, validate=True) if is_base64 else body.encode()
    except (NoBase64, ValueError):
        return Refused("not what a function URL hands over")


def judge(method: str, headers: Mapping[str, str], body: bytes, secret: bytes, now: datetime) -> str | Refused:
    """The body as text, if who sent it knows the secret. `headers`: names in lower case, as function URLs give them."""
    if method != "POST":
        return Refused("wrong method")
    if not 0 < len(body) <= LIMIT:
        return Refused("empty or too large")
    signature, stamp, shown = (headers.get(name, "") for name in (SIGNATURE, TIMESTAMP, AUTHORIZATION))
    if shown and (signature or stamp):
        return Refused("both a signature and a secret")
    refused = _judge_secret(shown, secret) if shown else _judge_signature(signature, stamp, body, secret, now)
    if refused:
        return refused
    try:
        return body.decode()
    except UnicodeDecodeError:
        return Refused("no text")


def _judge_secret(shown: str, secret: bytes) -> Refused | None:
    scheme, _, given = shown.partition(" ")
    if scheme.lower() != "bearer":
        return Refused("an Authorization other than Bearer")
    same = hmac.compare_digest(secret, given.strip(" ").encode(errors="replace"))
    return None if same else Refused("wrong secret")


def _judge_signature(signature: str, stamp: str, body: bytes, secret: bytes, now: datetime) -> Refused | None:
    if not signature and not stamp:
        return Refused("neither a signature nor a secret")
    if not signature or not stamp:
        return Refused("no signature or no timestamp")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        return Refused("no timestamp that can be read")
    signed = datetime.fromtimestamp(int(stamp), UTC)
    if abs(now - signed) > WINDOW:
        return Refused("signed too long ago, or in the future")
    expected = hmac.new(secret, stamp.encode() + b":" + body, sha256).hexdigest()
    same = hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
    return None if same else Refused("wrong signature")
