"""The setting that names the alarms which may trigger a check."""

import pytest

from remediator.alarms import filter_by_name
from tests.support.builders import alarm, sns
from tests.unit.alarms.examples import event, only

NAMES = frozenset({"OrdersFailing"})


@pytest.mark.parametrize(
    ("given", "names", "verdict"),
    [
        (alarm(name="AnythingElse"), frozenset(), "trigger"),
        (alarm(name="OrdersFailing"), NAMES, "trigger"),
        (alarm(name="AnythingElse"), NAMES, "ignore"),
        (sns("orders fail, says a person"), NAMES, "trigger"),  # nobody can tell its name
        (event("cloudwatch-ok"), NAMES, "ignore"),
        (alarm("OK"), NAMES, "stand_down"),
    ],
)
def test_only_an_alarm_with_a_listed_name_triggers_once_names_are_listed(
    given: object, names: frozenset[str], verdict: str
) -> None:
    assert filter_by_name(only(given), names).verdict == verdict
