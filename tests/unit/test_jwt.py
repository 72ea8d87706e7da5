"""RS256 by the standard library, against tokens that another library signed."""

import json
from base64 import urlsafe_b64encode

import pytest
from joserfc import jws
from joserfc.jwk import KeySet, RSAKey

from remediator.jwt import Keys, read_keys, verifies

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
        pytest.param(signed(kid="small"), {"small": (2**511 + 1, 65537)}, None, id="of a key too small to trust"),
        pytest.param(signed(OTHER), KEYS, False, id="of another key of the same name"),
        pytest.param(f"{UNSIGNED}.{signed().split('.')[1]}.", KEYS, False, id="of another algorithm"),
        *(
            (junk, KEYS, False)
            for junk in ("", "deadxe6MTcb33f3ODgz.eyJhIjoxfQ.x", "a.b.c", "..", "eyJhIjoxfQ", "é.é.é")
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
