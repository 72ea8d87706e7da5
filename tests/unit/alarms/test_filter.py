"""The setting that names the alarms which may trigger a check."""

import pytest

from remediator.alarms import filter_by_name, person
from tests.support.builders import alarm
from tests.unit.alarms.examples import event, only, sns

NAMES = frozenset({"OrdersFailing"})


@pytest.mark.parametrize(
    ("given", "names", "verdict"),
    [
        (alarm(name="AnythingElse"), frozenset(), "trigger"),
        (alarm(name="OrdersFailing"), NAMES, "trigger"),
        (alarm(name="AnythingElse"), NAMES, "ignore"),
        (sns("orders fail, says a person"), NAMES, "trigger"),  # nobody can tell its name
        (sns("orders fail", "hello"), NAMES, "trigger"),
        (person.write("heal", "ops", "r-1"), NAMES, "trigger"),
        (event("cloudwatch-ok"), NAMES, "ignore"),
        (alarm("OK"), NAMES, "stand_down"),
    ],
)
def test_only_an_alarm_with_a_listed_name_triggers_once_names_are_listed(
    given: object, names: frozenset[str], verdict: str
) -> None:
    assert filter_by_name(only(given), names).verdict == verdict


def test_a_persons_command_is_read_and_nothing_like_it() -> None:
    (alarm,) = only(person.write("heal", "ops", "r-1")).alarms

    assert (alarm.source, alarm.name, alarm.state) == ("person", "remediator heal by ops, r-1", "firing")
    assert alarm.identity[0] == person.name("heal", "ops", "r-1") == alarm.name
    for other in ({"remediator": "heal"}, person.write("heal", "ops", "r-1") | {"more": "x"}):
        assert [one.source for one in only(other).alarms] == ["unknown"]
