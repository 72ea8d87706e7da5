"""The alarm rules replayed: a healthy month triggers nothing, the incident of 2025-04-08 triggers at once.

What is known of that evening: from 19:00 every order failed, for 2 h 27 min, about 155 diners. Assumed here: one order
each 57 s if every diner tried once; more if they tried again; a good order at the same pace before. So thin a traffic
shows its first failure up to 57 s after 19:00 and its second 57 s later: times are counted from the first failed order,
since nothing can be known before. At that pace:

* Grafana's rules fire at the second failed order in a row (the least that isn't a single failure): after 57 to 67 s.
* CloudWatch's alarm fires at the third ten-second stretch of failures: after 114 to 124 s. It can't subtract good
  orders from a count as the rules do, and two of N would trigger in every fifth healthy month. From one order each 24 s
  on, or if diners try again, it fires within a minute.

No rule that triggers at a second failure is safe for ever: of 100,000 orders that fail by themselves, each with 0.1 %,
two in a row are to be expected in every tenth month. Over 400 months drawn at random, Grafana's rules triggered in one
of a hundred, CloudWatch's alarm in one of four hundred; the months below are those of the first seeds, not chosen ones.

Both are evaluated at the end of a ten-second stretch. What AWS and Grafana take to ingest and send isn't in here:
seconds.
"""

import random

import pytest

from tests.support.alarm_rules import (
    CHAOS_AT,
    CHAOS_SECONDS,
    PACE,
    CloudWatchAlarm,
    GrafanaRule,
    Order,
    healthy_month,
    incident,
)

ALARM = CloudWatchAlarm.of_template("OrdersFailing")
RULES = [GrafanaRule.of_file(uid) for uid in ("pizza-orders-failing-metrics", "pizza-orders-failing-logs")]
EVERY: list[CloudWatchAlarm | GrafanaRule] = [ALARM, *RULES]
TRYING_AGAIN = (0.0, 15.0, 35.0)  # a diner orders three times within 35 s
EVENING = 14.0  # seconds between orders of the healthy month at six


def failed(orders: list[Order]) -> list[float]:
    return [at for at, bad in orders if bad]


def delay(rule: CloudWatchAlarm | GrafanaRule, orders: list[Order], nth: int = 0) -> float:
    """Seconds from the nth failed order to the first trigger."""
    return rule.triggers(orders)[0] - failed(orders)[nth]


@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_month_of_100000_orders_triggers_nothing(seed: int) -> None:
    month = healthy_month(seed)

    assert len(month) == 100_000
    assert 60 < len(failed(month)) < 140
    assert [rule.triggers(month) for rule in EVERY] == [[], [], []]


@pytest.mark.parametrize("more", [0, 2, 6, 18])
def test_a_healthy_month_triggers_nothing_however_many_periods_cloudwatch_evaluates(more: int) -> None:
    assert CloudWatchAlarm.of_template("OrdersFailing", more=more).triggers(healthy_month(7)) == []


def test_two_failures_a_minute_apart_in_a_busy_shop_trigger_nothing() -> None:
    orders = [(float(at), at in (300, 360)) for at in range(0, 900, 5)]

    assert [rule.triggers(orders) for rule in EVERY] == [[], [], []]


@pytest.mark.parametrize("pace", [0.2, 1.0, EVENING, 19.0, 24.0])
@pytest.mark.parametrize("begin", [0.0, 3.0, 9.9, 12.3])
def test_an_incident_triggers_by_every_rule_within_a_minute_of_its_first_failed_order(
    pace: float, begin: float
) -> None:
    assert all(0 < delay(rule, incident(pace, begin=begin)) <= 60 for rule in EVERY)


@pytest.mark.parametrize("begin", range(57))
def test_an_incident_of_one_diner_a_minute_triggers_by_the_third_failed_order_at_the_latest(begin: int) -> None:
    once, again = incident(PACE, begin=begin), incident(PACE, TRYING_AGAIN, begin=begin)

    assert all(0 < delay(rule, again) <= 60 for rule in EVERY)
    assert all(0 <= delay(rule, once, nth=1) <= 10 for rule in RULES)
    assert 0 <= delay(ALARM, once, nth=2) <= 10


@pytest.mark.parametrize("seed", range(10))
def test_an_incident_of_155_orders_at_random_triggers_by_every_rule_within_a_quarter_of_an_hour(seed: int) -> None:
    chance = random.Random(seed)
    orders = sorted((CHAOS_AT + chance.random() * CHAOS_SECONDS, True) for _ in range(155))

    assert all(rule.triggers(orders)[0] - CHAOS_AT < 15 * 60 for rule in EVERY)


def test_an_incident_triggers_once_and_stays() -> None:
    assert [len(rule.triggers(incident(PACE))) for rule in EVERY] == [1, 1, 1]


@pytest.mark.parametrize("more", [0, 2, 6, 18])
def test_a_failure_in_the_evening_and_one_in_the_morning_trigger_twice(more: int) -> None:
    """The last diner has gone when the shop is healed, so no good order ends the alarm before the next outage."""
    evening, morning = ([(begin + 12.0 * each, True) for each in range(10)] for begin in (CHAOS_AT, CHAOS_AT + 43_200))
    alarm = CloudWatchAlarm.of_template("OrdersFailing", more=more)

    assert [at > CHAOS_AT + 21_600 for at in alarm.triggers([*evening, *morning])] == [False, True]


@pytest.mark.parametrize("points", [[0.0] * ALARM.reach, [None] * ALARM.reach, [1.0, *[None] * (ALARM.reach - 1)]])
def test_good_orders_and_minutes_without_any_end_the_alarm(points: list[float | None]) -> None:
    assert ALARM.state(points) == "OK"


# The user guide's two tables, in their column of missing points that don't breach; "." is a missing point.
TABLES = [
    *((3, "0.X.X", "OK"), (3, "0....", "OK"), (3, ".....", "OK"), (3, "0XX.X", "ALARM"), (3, "..X..", "OK")),
    *((2, "0.X.X", "ALARM"), (2, "00X0X", "ALARM"), (2, "0.X..", "OK"), (2, "....0", "OK"), (2, "...X.", "OK")),
]


@pytest.mark.parametrize(("m", "points", "state"), TABLES)
def test_an_alarm_is_evaluated_as_in_the_user_guides_tables(m: int, points: str, state: str) -> None:
    values = [{"0": 0.0, "X": 1.0, ".": None}[point] for point in points]

    assert CloudWatchAlarm(300, 3, m, 0.5, 5).state(values) == state
