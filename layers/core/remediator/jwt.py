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
BITS: Final = range(2048, 8192 + 1)  # of a modulus; a stranger's longer one would take minutes
EXPONENTS: Final = range(3, 2**33)
MOST_KEYS: Final = 100  # of a key set; the factory's holds one


def read_keys(body: bytes) -> Keys:
    """The RSA keys of a key set, of its first `MOST_KEYS`; empty if it is none."""
    try:
        listed = json.loads(body)["keys"][:MOST_KEYS]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return dict(key for each in listed if (key := _read_key(each)))


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
    if not isinstance(key_id, str):
        return False
    modulus, exponent = keys.get(key_id, (0, 0))
    if modulus.bit_length() not in BITS or exponent not in EXPONENTS:
        return None
    size = (modulus.bit_length() + 7) // 8
    digest = PREFIX + hashlib.sha256(f"{head}.{body}".encode()).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    return signed < modulus and pow(signed, exponent, modulus).to_bytes(size) == expected


def _read_key(key: object) -> tuple[str, tuple[int, int]] | None:
    match key:
        case {"kty": "RSA", "kid": str(name), "n": str(modulus), "e": str(exponent)}:
            try:
                return name, (_number(modulus), _number(exponent))
            except ValueError:
                return None
    return None


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text))
