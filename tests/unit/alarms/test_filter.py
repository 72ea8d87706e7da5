"""The setting that names the alarms which may wake."""

import json
from pathlib import Path

import pytest

from remediator.alarms import Verdict, heeded, read
from tests.scenes import alarm, sns

NAMES = frozenset({"OrdersFailing"})


def test_without_names_every_alarm_is_heeded() -> None:
    (delivery,) = read(alarm(name="AnythingElse"))

    assert heeded(delivery, frozenset()).verdict is Verdict.WAKE


@pytest.mark.parametrize(("name", "verdict"), [("OrdersFailing", "wake"), ("AnythingElse", "ignore")])
def test_with_names_only_those_wake(name: str, verdict: str) -> None:
    (delivery,) = read(alarm(name=name))

    assert heeded(delivery, NAMES).verdict == verdict


def test_what_cannot_be_read_wakes_whatever_the_names_are() -> None:
    (delivery,) = read(sns("orders fail, says a person"))

    assert heeded(delivery, NAMES).verdict is Verdict.WAKE


def test_alarm_that_is_resolved_still_stands_down() -> None:
    event = json.loads(Path("events/cloudwatch-ok.json").read_text())

    assert heeded(read(event)[0], NAMES).verdict is Verdict.STAND_DOWN
