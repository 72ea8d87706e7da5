"""The alarm rules replayed: the incident of 2025-04-08 triggers at its first failed order, as a single failure does.

What is known of that evening: from 19:00 every order failed, for 2 h 27 min, about 155 diners. Assumed here: one order
each 57 s if every diner tried once; a good order at the same pace before. Times are counted from the first failed
order, since nothing can be known before. CloudWatch's alarm and Grafana's rules fire at the end of its ten seconds.

An alarm only triggers a check, so a single failure may: it costs the orders of a check that finds all healthy, and
nobody is notified. Both are OK again a minute after the last failed order, CloudWatch perhaps later, since it may look
back further than the six periods that it is told: until then a relapse is the canary's or the shop's to notice.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from remediator.deadline import Deadline
from simulator.paths import ROOT
from tests.support.alarm_rules import (
    CHAOS_AT,
    PACE,
    CloudWatchAlarm,
    GrafanaRule,
    Order,
    healthy_month,
    incident,
)
from tests.support.builders import BEGAN, GOOD, Harness, alarm

REACHES = (6, 8, 12, 18)  # how many periods of ten seconds CloudWatch may evaluate: its guide names no number
ALARMS = [CloudWatchAlarm.of_template("OrdersFailing", more=reach - 6) for reach in REACHES]
RULES = [GrafanaRule.of_file(uid) for uid in ("pizza-orders-failing-metrics", "pizza-orders-failing-logs")]
EVERY: list[CloudWatchAlarm | GrafanaRule] = [*ALARMS, *RULES]


def failed(orders: list[Order]) -> list[float]:
    return [at for at, bad in orders if bad]


@pytest.mark.parametrize("pace", [0.2, 1.0, 14.0, 24.0, PACE, 600.0])
@pytest.mark.parametrize("begin", [0.0, 3.0, 9.9, 12.3])
def test_an_incident_triggers_by_every_rule_within_ten_seconds_of_its_first_failed_order(
    pace: float, begin: float
) -> None:
    orders = incident(pace, begin=begin)

    assert all(0 <= rule.triggers(orders)[0] - failed(orders)[0] <= 10 for rule in EVERY)


def test_an_incident_with_a_failed_order_a_minute_triggers_once_and_stays() -> None:
    assert [len(rule.triggers(incident(PACE))) for rule in EVERY] == [1] * len(EVERY)


def test_a_failure_that_comes_back_triggers_again_once_the_rule_is_ok() -> None:
    """How long after the last failed order that is: the worst that is promised."""
    again = [
        next(gap for gap in range(10, 600, 10) if len(rule.triggers([(5, True), (5 + gap, True)])) == 2)
        for rule in EVERY
    ]

    assert again == [10 * (reach + 1) for reach in REACHES] + [70, 70]


def test_a_failure_in_the_evening_and_one_in_the_morning_trigger_twice() -> None:
    """The last diner has gone when the shop is healed, so no good order ends the alarm before the next outage."""
    evening, morning = ([(begin + 12.0 * each, True) for each in range(10)] for begin in (CHAOS_AT, CHAOS_AT + 43_200))

    for rule in EVERY:
        assert [at > CHAOS_AT + 21_600 for at in rule.triggers([*evening, *morning])] == [False, True]


def false_triggers(orders: int) -> tuple[int, int]:
    """The fewest and the most in ten healthy months of so many orders, by the alarm of the least reach."""
    counts = [len(ALARMS[0].triggers(healthy_month(seed, orders))) for seed in range(10)]
    return min(counts), max(counts)


def rows() -> Iterator[str]:
    for orders in (1_000, 10_000, 100_000):
        least, most = false_triggers(orders)
        yield f"| {orders:,} | {least} to {most} | {2 * least} to {2 * most} | 0 |"


@pytest.mark.parametrize("row", list(rows()))
def test_documents_tell_what_single_failures_cost_in_a_healthy_month(row: str) -> None:
    assert row in (ROOT / "docs/wiring.md").read_text()


def test_a_healthy_month_triggers_checks_of_two_orders_each_and_notifies_nobody() -> None:
    month, harness = healthy_month(3), Harness(GOOD)
    triggers = ALARMS[0].triggers(month)

    for number, at in enumerate(triggers):
        for state in ("ALARM", "OK"):
            sent = BEGAN + timedelta(seconds=at + (60 if state == "OK" else 0))
            harness.clock.now = max(harness.clock.now, sent)
            harness.shop.clock = harness.clock
            harness.remediator.handle(alarm(state, sent=sent), f"{state}-{number}", Deadline.after(100))

    assert 60 < len(failed(month)) < 140
    assert len(triggers) >= 0.8 * len(failed(month))
    assert harness.shop.orders == 2 * len(triggers)
    assert harness.notifier.sent == []
    assert {each.result.outcome for each in harness.store.records.values()} == {"ALREADY_HEALTHY", "STOOD_DOWN"}
