"""Whatever else is wrong with a message, its state decides or it triggers. `FUZZ_EXAMPLES=10000` tries more."""

import copy
import json
import os
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.growth import ALARMS, alarm
from remediator.alarms import read
from remediator.alarms.fields import are_texts
from remediator.alarms.shapes import HEADS
from remediator_cli.alarm import describe
from tests.support.work import growth
from tests.unit.alarms.examples import EVENTS, event, only, sns

TRIED = int(os.environ.get("FUZZ_EXAMPLES", "150"))
EXAMPLES = settings(max_examples=TRIED, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = sorted(path.stem for path in EVENTS.glob("*.json"))
# These name a state, and so are left alone. "value" is the key of an event's state.
TOKENS = ("ALARM", '"OK', "firing", "resolved", "Firing", "Resolved", "FIRING", "RESOLVED")
LURES = ["OK", "resolved", "ok", "**Resolved**", "Alerts Resolved:", "SubscriptionConfirmation"]
LURES += ["CloudWatch Alarm Configuration Change", "aws.ec2", "[RESOLVED] x", "silenced"]
LURES += ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "9" * 5_000]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.sampled_from([*HEADS, "state", "status", "labels", "source"])
names |= st.text(string.ascii_letters, max_size=5)
json_values = st.recursive(
    scalars | st.characters(categories=["Cs"]) | st.sampled_from(LURES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
type Path = tuple[str | int, ...]
WRITTEN = -1  # a step of a path: into the JSON that a text holds


def _below(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list):
        return list(enumerate(value))
    try:
        return [(WRITTEN, json.loads(value))] if isinstance(value, str) and value.startswith('{"') else []
    except ValueError:  # something drawn before
        return []


def _free(value: Any, before: Path = ()) -> list[Path]:
    """The paths to all that names no state."""
    found = []
    for step, below in _below(value):
        if step != WRITTEN and not any(token in json.dumps(below) for token in TOKENS):
            found.append((*before, step))
        found += _free(below, (*before, step))
    return found


def _changed(value: Any, path: Path, change: str, new: Any) -> Any:
    step, *rest = path
    if step == WRITTEN:
        return json.dumps(_changed(json.loads(value), tuple(rest), change, new))
    value = copy.copy(value)
    if rest:
        value[step] = _changed(value[step], tuple(rest), change, new)
    elif change == "replace":
        value[step] = new
    else:
        removed = value.pop(step)
        if change == "rename" and isinstance(value, dict):
            value[f"{step}x"] = removed
    return value


@EXAMPLES
@given(st.sampled_from(NAMES), st.data())
def test_only_the_state_decides(name: str, data: st.DataObject) -> None:
    mutilated: Any = event(name)
    allowed = {only(mutilated).verdict, "trigger"}
    for _ in range(data.draw(st.integers(1, 4))):
        if not (paths := _free(mutilated)):
            break
        path = data.draw(st.sampled_from(paths))
        change = data.draw(st.sampled_from(["replace", "remove", "rename"]))
        mutilated = _changed(mutilated, path, change, data.draw(json_values))

    for delivery in read(mutilated):
        assert delivery.verdict in allowed | ({"refuse"} if mutilated in ({}, []) else set())


@EXAMPLES
@given(st.sampled_from(NAMES), st.data())
def test_bytes_that_changed_on_the_way_trigger_or_change_nothing(name: str, data: st.DataObject) -> None:
    raw = bytearray((EVENTS / f"{name}.json").read_bytes().strip())
    before = describe(bytes(raw))[0]["verdict"]
    protected = {
        at + offset
        for token in (*TOKENS, "OK", "value", "status", "state", "State")
        for at in range(len(raw))
        if raw.startswith(token.encode(), at)
        for offset in range(len(token))
    }
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(raw) - 2))
        if at not in protected:
            raw[at] = data.draw(st.integers(0, 255))

    assert describe(bytes(raw))[0]["verdict"] in (before, "trigger")


@EXAMPLES
@given(json_values)
def test_any_json_value_has_at_least_one_delivery(value: object) -> None:
    for delivery in read(value):
        firing = [alarm for alarm in delivery.alarms if alarm.state != "resolved"]
        assert (delivery.verdict == "trigger") == bool(firing)
        assert delivery.verdict != "stand_down" or delivery.alarms
        assert delivery.reason
    assert read(value)


@EXAMPLES
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode()))
def test_any_bytes_are_described(raw: bytes) -> None:
    answer, code = describe(raw)

    assert (answer["verdict"] == "refuse") == (code == 2)
    assert json.loads(json.dumps(answer)) == answer


def test_deep_nesting_is_no_reason_to_ignore_an_alarm() -> None:
    nested: object = "x"
    for _ in range(50_000):
        nested = {"detail": nested}
    try:
        assert only(nested).verdict == "trigger"
        assert only(sns('{"alerts":' + "[" * 50_000)).verdict == "trigger"
    finally:
        while isinstance(nested, dict):  # freeing it at once would recurse as deeply
            nested = nested["detail"]


HUGE = 10**5_000  # Python refuses to write it in digits


@pytest.mark.parametrize(
    "given",
    [
        {"x": HUGE},
        {"alerts": [{"labels": {"alertname": HUGE, "x": -HUGE}}]},
        {"alert_payload": {"labels": {"alertname": HUGE}}},
    ],
)
def test_a_number_that_cannot_be_written_is_no_reason_to_lose_an_alarm(given: object) -> None:
    assert only(given).verdict == "trigger"
    assert are_texts(*(part for alarm in only(given).alarms for part in alarm.identity))


@pytest.mark.parametrize(("start", "repeated"), ALARMS)
def test_work_grows_with_the_length_and_no_faster(start: str, repeated: str) -> None:
    assert growth(alarm, start, repeated) <= 10


def nested(depth: int) -> str:
    """A JSON text in a JSON text, and so on: each layer doubles what it takes to write a quote."""
    return json.dumps({"Type": "", "MessageId": "", "Message": nested(depth - 1) if depth else "x"})


LISTS: list[Callable[[str], object]] = [
    lambda text: {"receiver": "r", "status": "firing", "alerts": [{} for _ in text]},
    lambda text: json.dumps({"receiver": "r", "status": "firing", "alerts": [{} for _ in text]}),
    lambda text: {"receiver": "r", "alerts": [{"labels": {f"k{at}": "" for at in range(len(text))}}]},
    lambda text: {"alert_payload": {"alerts": [{"labels": {"alertname": f"{at}"}} for at in range(len(text))]}},
    lambda text: "{" + ",".join('"a":0' for _ in text) + "}",
    lambda text: [{"body": "x"} for _ in text],
    lambda text: {"Records": [{"Records": []} for _ in text]},
    lambda text: {"Records": [text, {"body": nested(len(text).bit_length() - 4) + text}]},
]


@pytest.mark.parametrize("given", LISTS)
def test_work_grows_with_the_number_and_no_faster(given: Callable[[str], object]) -> None:
    def reads(text: str) -> object:
        event = given(text[: len(text) // 16])
        return read(sns(event) if isinstance(event, str) else event)

    assert growth(reads, "", "x") <= 10
