"""Whether a pizza's JWT verifies: RS256 against the factory's key set, without a further package or round trip.

RFC 7515 (form), RFC 7518 section 3.3 (RS256), RFC 8017 section 8.2.2 (RSASSA-PKCS1-v1_5), RFC 7517 (key set).
"""

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Final

Keys = Mapping[str, tuple[int, int]]
"""Modulus and exponent by key id."""

# DER of the digest's algorithm identifier, SHA-256 (RFC 8017, section 9.2, note 1).
PREFIX: Final = bytes.fromhex("3031300d060960864801650304020105000420")
SMALLEST_BITS: Final = 2048


def read_keys(body: bytes) -> Keys:
    """The RSA keys of a key set; empty if it is none."""
    try:
        found = json.loads(body)["keys"]
        return {key["kid"]: (_number(key["n"]), _number(key["e"])) for key in found if key.get("kty") == "RSA"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def verifies(token: str, keys: Keys) -> bool | None:
    """False if the token is none or its signature wrong; None if its key is unknown."""
    head, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    try:
        header = json.loads(_decoded(head))
        if not isinstance(json.loads(_decoded(body)), dict) or header["alg"] != "RS256":
            return False
        key_id, signed = header["kid"], int.from_bytes(_decoded(signature))
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    if key_id not in keys:
        return None
    modulus, exponent = keys[key_id]
    size = (modulus.bit_length() + 7) // 8
    if modulus.bit_length() < SMALLEST_BITS or not 2 < exponent < modulus:
        return None
    digest = PREFIX + hashlib.sha256(f"{head}.{body}".encode()).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    return signed < modulus and pow(signed, exponent, modulus).to_bytes(size) == expected


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text))
