import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from remediator_cli.alarm import alarm, describe
from tests.unit.alarms.examples import EVENTS, event

FIRING = json.dumps(event("cloudwatch-alarm")).encode()


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        (FIRING, "trigger"),
        (b"\xef\xbb\xbf" + FIRING, "trigger"),
        (b"[" + FIRING + b"]", "trigger"),
        (b"the ovens are cold", "trigger"),
        (b"[FIRING:1] the ovens are cold", "trigger"),
        (b"**Resolved**\n\nValue: ", "stand_down"),
        (FIRING.replace(b"Type", b"\x00\xff\xfe", 1), "trigger"),
        (FIRING + b"x", "trigger"),
        (b'{"a":' * 100_000, "trigger"),
        (b'{"n": ' + b"9" * 10_000 + b"}", "trigger"),
        (b'{"n": NaN, "m": "\\ud800"}', "trigger"),
        (b"", "refuse"),
        (b" \n", "refuse"),
        (b"{}", "refuse"),
        (b"[]", "refuse"),
        (b'"text"', "refuse"),
        (b"[" * 100_000, "refuse"),
        (b"\x00\x01\x02\xff\xfe", "refuse"),
    ],
)
def test_a_file_of_any_bytes_gets_a_verdict(raw: bytes, verdict: str) -> None:
    answer, code = describe(raw)

    assert (answer["verdict"], code) == (verdict, 2 if verdict == "refuse" else 0)
    assert set(answer) == {"verdict", "alarms", "reason"}


@pytest.mark.parametrize("share", range(1, 20))
def test_json_that_is_cut_off_is_refused(share: int) -> None:
    assert describe(FIRING[: len(FIRING) * share // 20])[1] == 2


def test_a_file_asks_for_the_most_that_one_of_its_records_asks_for() -> None:
    records = [event("cloudwatch-ok")["Records"], [None], event("cloudwatch-alarm")["Records"]]
    joined = [record for each in records if isinstance(each, list) for record in each]
    answer, _ = describe(json.dumps({"Records": joined}).encode())

    assert answer["verdict"] == "trigger"
    assert isinstance(answer["alarms"], list)
    assert [one["state"] for one in answer["alarms"]] == ["resolved", "firing"]
    assert describe(json.dumps({"Records": joined[:2]}).encode())[0]["verdict"] == "stand_down"


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_the_command_prints_one_object(path: Path) -> None:
    result = CliRunner().invoke(alarm, [str(path)])
    assert result.exit_code == 0
    printed = json.loads(result.output)
    assert all(set(one) == {"source", "name", "state", "key"} for one in printed["alarms"])
    assert "<" not in "".join(one["key"] for one in printed["alarms"]), "a key is no secret, and not masked"
