"""RS256 by the standard library, against tokens that another library signed."""

import json
from base64 import urlsafe_b64encode

import pytest
from joserfc import jws
from joserfc.jwk import KeySet, RSAKey

from remediator.jwt import read_keys, verifies

KEY = RSAKey.generate_key(2048, {"kid": "k1"})
OTHER = RSAKey.generate_key(2048, {"kid": "k1"})
KEYS = read_keys(str.encode(json.dumps(KeySet([KEY]).as_dict(private=False))))


def signed(key: RSAKey = KEY, **header: str) -> str:
    return jws.serialize_compact({"alg": "RS256", "kid": "k1", **header}, b'{"order":{"id":7}}', key)


def test_a_token_of_a_known_key_verifies() -> None:
    assert verifies(signed(), KEYS) is True


def test_a_token_of_an_unknown_key_is_no_evidence() -> None:
    assert verifies(signed(kid="k2"), KEYS) is None
    assert verifies(signed(), {}) is None


def test_a_token_of_another_key_of_the_same_name_does_not_verify() -> None:
    assert verifies(signed(OTHER), KEYS) is False


@pytest.mark.parametrize("place", range(3))
def test_a_token_with_a_part_changed_does_not_verify(place: int) -> None:
    parts = signed().split(".")
    parts[place] = parts[place][:-3] + ("AAA" if not parts[place].endswith("AAA") else "BBB")

    assert verifies(".".join(parts), KEYS) is not True


@pytest.mark.parametrize("token", ["", "deadxe6MTcb33f3ODgz.eyJhIjoxfQ.x", "a.b.c", "..", "eyJhIjoxfQ", "é.é.é"])
def test_what_is_no_token_does_not_verify(token: str) -> None:
    assert verifies(token, KEYS) is False


def test_a_token_of_another_algorithm_does_not_verify() -> None:
    head = urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').decode().rstrip("=")

    assert verifies(f"{head}.{signed().split('.')[1]}.", KEYS) is False


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys":3}', b'{"keys":[{"kty":"RSA","kid":"k"}]}', b"<html>"])
def test_what_is_no_key_set_holds_no_keys(body: bytes) -> None:
    assert read_keys(body) == {}


def test_a_key_too_small_to_trust_is_no_evidence() -> None:
    assert verifies(signed(kid="small"), {"small": (2**511 + 1, 65537)}) is None
