import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.alarm import alarm, describe
from tests.unit.alarms.examples import EVENTS, event

WAKES = json.dumps(event("cloudwatch-alarm")).encode()


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        (WAKES, "wake"),
        (b"\xef\xbb\xbf" + WAKES, "wake"),
        (b"the ovens are cold", "wake"),
        (b"[FIRING:1] the ovens are cold", "wake"),
        (b"**Resolved**\n\nValue: ", "stand_down"),
        (WAKES.replace(b"Type", b"\x00\xff\xfe", 1), "wake"),
        (WAKES + b"x", "wake"),
        (b'{"a":' * 100_000, "wake"),
        (b'{"n": ' + b"9" * 10_000 + b"}", "wake"),
        (b'{"n": NaN, "m": "\\ud800"}', "wake"),
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
    assert describe(WAKES[: len(WAKES) * share // 20])[1] == 2


def test_a_file_asks_for_the_most_that_one_of_its_records_asks_for() -> None:
    records = [event("cloudwatch-ok")["Records"], [None], event("cloudwatch-alarm")["Records"]]
    joined = [record for each in records if isinstance(each, list) for record in each]
    answer, _ = describe(json.dumps({"Records": joined}).encode())

    assert answer["verdict"] == "wake"
    assert isinstance(answer["alarms"], list)
    assert [one["state"] for one in answer["alarms"]] == ["resolved", "firing"]
    assert describe(json.dumps({"Records": joined[:2]}).encode())[0]["verdict"] == "stand_down"


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_the_command_prints_one_object(path: Path) -> None:
    result = CliRunner().invoke(alarm, [str(path)])
    assert result.exit_code == 0
    printed = json.loads(result.output)
    assert all(set(one) == {"source", "name", "state", "key"} for one in printed["alarms"])
