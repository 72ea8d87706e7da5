"""Grafana's signed webhooks, judged by their bytes and the time alone.

Grafana signs `<seconds since the epoch>:<body>` with HMAC-SHA256, writes the signature as lower-case hex, and takes the
time anew at each attempt (grafana/alerting, http/hmac.go; settings `hmacConfig` of its webhook contact point).
"""

import hmac
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

SIGNATURE, TIMESTAMP = "x-grafana-alerting-signature", "x-grafana-alerting-timestamp"
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
    """The body as text, if Grafana sent it, now. `headers`: names in lower case, as function URLs give them."""
    if method != "POST":
        return Refused("wrong method")
    if not 0 < len(body) <= LIMIT:
        return Refused("empty or too large")
    signature, stamp = headers.get(SIGNATURE, ""), headers.get(TIMESTAMP, "")
    if not signature or not stamp:
        return Refused("no signature or no timestamp")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        return Refused("no timestamp that can be read")
    signed = datetime.fromtimestamp(int(stamp), UTC)
    if abs(now - signed) > WINDOW:
        return Refused("signed too long ago, or in the future")
    expected = hmac.new(secret, stamp.encode() + b":" + body, sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        return Refused("wrong signature")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return Refused("no text")
