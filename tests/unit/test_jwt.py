"""RS256 by the standard library, against tokens that another library signed."""

import json
from base64 import urlsafe_b64encode

import pytest
from joserfc import jws
from joserfc.jwk import KeySet, RSAKey

from remediator.jwt import MOST_KEYS, Keys, read_keys, verifies
from tests.support.builders import jwt

KEY = RSAKey.generate_key(2048, {"kid": "k1"})
OTHER = RSAKey.generate_key(2048, {"kid": "k1"})
KEYS = read_keys(str.encode(json.dumps(KeySet([KEY]).as_dict(private=False))))


def signed(key: RSAKey = KEY, **header: str) -> str:
    return jws.serialize_compact({"alg": "RS256", "kid": "k1", **header}, b'{"order":{"id":7}}', key)


UNSIGNED = urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').decode().rstrip("=")


@pytest.mark.parametrize(
    ("token", "keys", "verdict"),
    [
        pytest.param(signed(), KEYS, True, id="of a known key"),
        pytest.param(signed(kid="k2"), KEYS, None, id="of an unknown key"),
        pytest.param(signed(), {}, None, id="without any key known"),
        pytest.param(signed(kid="odd"), {"odd": (2**511 + 1, 65537)}, None, id="of a key too small to trust"),
        pytest.param(signed(kid="odd"), {"odd": (2**32767 + 1, 2**32766 + 1)}, None, id="of a key that takes a minute"),
        pytest.param(signed(kid="odd"), {"odd": (2**8192 + 1, 65537)}, None, id="of a key one bit too long"),
        pytest.param(signed(kid="odd"), {"odd": (2**8191 + 1, 65537)}, False, id="of the longest key"),
        pytest.param(signed(kid="odd"), {"odd": (2**4095 + 1, 2**33)}, None, id="of an exponent too long"),
        pytest.param(signed(kid="odd"), {"odd": (2**4095 + 1, 1)}, None, id="of an exponent that proves nothing"),
        *((jwt({"alg": "RS256", "kid": kid}), KEYS, False) for kid in (["k1"], {"k1": 1}, 7, None)),
        *((jwt({"alg": [odd], "kid": "k1"}), KEYS, False) for odd in ("RS256", 7, None)),
        *((jwt(odd, payload), KEYS, False) for odd in ([], [1], 7, "k1") for payload in ([1], 7, {"a": 1})),
        pytest.param(signed(OTHER), KEYS, False, id="of another key of the same name"),
        pytest.param(f"{UNSIGNED}.{signed().split('.')[1]}.", KEYS, False, id="of another algorithm"),
        *(
            (junk, KEYS, False)
            for junk in (
                "",
                "deadxe6MTcb33f3ODgz.eyJhIjoxfQ.x",
                "a.b.c",
                "..",
                "eyJhIjoxfQ",
                "é.é.é",
                "€.€.€",
                "\ud800",
            )
        ),
    ],
)
def test_a_token_verifies_by_its_known_key_and_is_no_evidence_without_one(
    token: str, keys: Keys, verdict: bool | None
) -> None:
    assert verifies(token, keys) is verdict


@pytest.mark.parametrize("place", range(3))
def test_a_token_with_a_part_changed_does_not_verify(place: int) -> None:
    parts = signed().split(".")
    parts[place] = parts[place][:-3] + ("AAA" if not parts[place].endswith("AAA") else "BBB")

    assert verifies(".".join(parts), KEYS) is not True


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys":3}', b'{"keys":[{"kty":"RSA","kid":"k"}]}', b"<html>"])
def test_what_is_no_key_set_holds_no_keys(body: bytes) -> None:
    assert read_keys(body) == {}


@pytest.mark.parametrize("odd", [["k1"], {"k1": 1}, 7, None])
@pytest.mark.parametrize("name", ["kty", "kid", "n", "e"])
def test_a_key_that_is_none_spoils_no_other(name: str, odd: object) -> None:
    good = {"kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB"}

    assert read_keys(json.dumps({"keys": [odd, {**good, name: odd}, good]}).encode()) == {"k1": (65537, 65537)}


def test_of_a_key_set_without_end_the_first_keys_are_read() -> None:
    endless = [{"kty": "RSA", "kid": f"k{number}", "n": "AQAB", "e": "AQAB"} for number in range(10_000)]

    assert len(read_keys(json.dumps({"keys": endless}).encode())) == MOST_KEYS
