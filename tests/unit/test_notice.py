"""How quickly a failure wakes the machine, by which way: the README's table, worked out."""

from collections.abc import Callable, Iterator
from statistics import median

import pytest

from console.places import ROOT
from remediator.diagnosis import LATENCY_BUDGET
from tests.alarm_rules import CHAOS_AT, PACE, CloudWatchAlarm, GrafanaRule, template

# Seconds. On loopback login, probes and a failed order took 0.15 together; these are for the way through the internet.
LATE = 1.0  # the scheduler; AWS promises the minute, and adds what it is late here
LOGIN = 0.5
REFUSED = 0.2  # a failed order
LOGOUT, HEAD, PUBLISHED = 0.3, 0.1, 0.3
STARTED = 3.0  # the topic's delivery, and a cold start of the remediator

RUNS_A_MONTH = 30 * 24 * 60


def canary(minutes: int, order: float) -> list[float]:
    """Seconds from the failure to the wake, for a failure that starts at each second between two orders.

    `order`: seconds until an order's failure shows.
    """
    found = []
    for start in range(60 * minutes):
        orders = (60 * minutes * number + LATE + LOGIN for number in (0, 1))
        first = next(at for at in orders if at >= start)
        found.append(first + order + order + LOGOUT + HEAD + PUBLISHED + STARTED - start)
    return found


def by_metric(rule: CloudWatchAlarm | GrafanaRule, pace: float) -> list[float]:
    """The same by a rule on the shop's metric, at a diner each `pace` seconds, for a failure that starts at each."""
    found = []
    for start in range(round(pace)):
        begins = CHAOS_AT + start
        times = [CHAOS_AT + pace * number for number in range(-600, 600)]
        found.append(rule.wakes([(at, at >= begins) for at in times])[0] - begins + STARTED)
    return found


ALARM = CloudWatchAlarm.of_template("OrdersFailing")
GRAFANA = GrafanaRule.of_file("pizza-orders-failing-metrics")
WAYS: dict[str, Callable[[], list[float]]] = {
    "canary, an order each minute": lambda: canary(1, REFUSED),
    "canary, an order each minute, orders throttled": lambda: canary(1, LATENCY_BUDGET),
    "canary, an order each 5 minutes": lambda: canary(5, REFUSED),
    "CloudWatch alarm, a diner each 57 s": lambda: by_metric(ALARM, PACE),
    "CloudWatch alarm, a diner each 5 s": lambda: by_metric(ALARM, 5),
    "Grafana rule, a diner each 57 s": lambda: by_metric(GRAFANA, PACE),
    "Grafana rule, a diner each 5 s": lambda: by_metric(GRAFANA, 5),
}


def rows() -> Iterator[str]:
    """The README's rows: best, median and worst in seconds."""
    for name, way in WAYS.items():
        found = way()
        yield f"| {name} | {min(found):.0f} s | {median(found):.0f} s | {max(found):.0f} s |"


def test_failed_order_wakes_within_75_seconds_and_at_the_median_within_40_with_an_order_each_minute() -> None:
    found = canary(1, REFUSED)

    assert max(found) <= 75
    assert median(found) <= 40


def test_throttled_order_too_wakes_within_75_seconds_with_an_order_each_minute() -> None:
    assert max(canary(1, LATENCY_BUDGET)) <= 75


def test_run_is_ended_before_the_next_is_due() -> None:
    told = template()["Resources"]["Canary"]["Properties"]

    assert told["Timeout"] < 60
    assert told["Events"]["EachMinute"]["Properties"]["ScheduleExpression"] == "cron(* * * * ? *)"


@pytest.mark.parametrize("row", list(rows()))
def test_readme_tells_the_time_of_each_way_as_worked_out(row: str) -> None:
    assert row in (ROOT / "README.md").read_text()


def test_readme_tells_the_number_of_orders_as_worked_out() -> None:
    default = int(template()["Parameters"]["CanaryMinutes"]["Default"])

    assert f"{RUNS_A_MONTH // default:,} orders a month" in (ROOT / "README.md").read_text()
