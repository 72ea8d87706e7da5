"""How long noticing and healing took, over many incidents."""

from dataclasses import replace
from datetime import timedelta

import pytest

from remediator.outcome import Outcome
from remediator.state import Summary
from remediator_cli.stats import StatsRow, format_duration, rows
from tests.support.builders import BEGAN


def incident(name: str, seconds: float, outcome: Outcome = Outcome.HEALED, *, ended: bool = True) -> Summary:
    end = BEGAN + timedelta(seconds=seconds) if ended else None
    phases = {"call": round(seconds * 500), "total": 9}
    begun = Summary(id=name, alarm="OrdersFailing", opened_at=BEGAN, first_v=1, last_v=5, calls=1)
    return replace(begun, outcome=outcome, ended_at=end, phases=phases)


def test_healed_incidents_are_counted_and_no_others() -> None:
    found = [
        *(incident(str(n), n) for n in range(1, 11)),
        incident("open", 99, ended=False),
        incident("well", 99, Outcome.ALREADY_HEALTHY),
    ]

    by_name = {row.name: row for row in rows(found, {})}

    assert by_name["to heal"] == StatsRow("to heal", 10, 5.5, 9.1, 10.0, 27 * 60)
    assert by_name["call"].worst == 5.0
    assert by_name["call"].by_hand is None
    assert set(by_name) == {"to heal", "call"}


def test_time_to_notice_counts_incidents_whose_metric_knows_it() -> None:
    found = rows([incident("a", 1.0), incident("b", 2.0)], {"a": 34.0, "elsewhere": 5.0})

    by_name = {row.name: row for row in found}
    assert (by_name["to notice"].count, by_name["to notice"].median, by_name["to notice"].by_hand) == (1, 34.0, 7200)
    assert (by_name["both"].worst, by_name["both"].by_hand) == (35.0, 2 * 3600 + 27 * 60)


def test_no_healed_incident_makes_no_figures() -> None:
    assert rows([incident("a", 1, Outcome.NO_LINK)], {"a": 3.0}) == ()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.131, "0.13 s"),
        (34.2, "34 s"),
        (119.6, "2 min"),
        (124, "2 min 4 s"),
        (27 * 60, "27 min"),
        (3599.7, "1 h"),
        (2 * 3600 + 27 * 60, "2 h 27 min"),
        (7199.9, "2 h"),
        (3 * 86400 + 4 * 3600, "3 d 4 h"),
        (86399.9, "1 d"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, told: str) -> None:
    assert format_duration(seconds) == told
