"""What CloudWatch knows: the shop's orders of so many days, and the alarms that trigger the remediator."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import click

from remediator_cli.backtest.history import History, merge, tell_gaps
from remediator_cli.backtest.rules import MISSING, STATISTICS, AlarmRule
from remediator_cli.orders import RETENTION
from remediator_cli.stack import Stack

PAGES: Final = 100  # of what CloudWatch answers; 15 days of minutes are one page
OPERATORS: Final = {
    "GreaterThanOrEqualToThreshold": ">=",
    "GreaterThanThreshold": ">",
    "LessThanOrEqualToThreshold": "<=",
    "LessThanThreshold": "<",
}
Skipped = tuple[str, str]  # an alarm's name, and why it can't be evaluated


def own_metric(stack: Stack) -> str:
    """The stack's metric of orders, as NAMESPACE/NAME."""
    return f"{stack.parameters.get('AlarmNamespace', '')}/{stack.parameters.get('AlarmMetric', '')}"


def read_metric(stack: Stack, metric: str, days: float) -> History:
    """The orders of the last days, as finely as CloudWatch keeps all of them.

    Raises click.ClickException if it knows none.
    """
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    period = next((period for kept, period in RETENTION if until - since <= kept), RETENTION[-1][1])
    namespace, _, name = metric.rpartition("/")
    sums = {statistic: _query(statistic, namespace, name, period) for statistic in ("Sum", "SampleCount")}
    pages = stack.client("cloudwatch").get_paginator("get_metric_data").paginate(
        MetricDataQueries=list(sums.values()), StartTime=since, EndTime=until, ScanBy="TimestampAscending"
    )  # fmt: skip
    found: dict[str, dict[float, int]] = {"sum": {}, "samplecount": {}}
    for page in islice(pages, PAGES):
        for each in page["MetricDataResults"]:
            times = (at.timestamp() for at in each["Timestamps"])
            found[each["Id"]].update(zip(times, map(round, each["Values"]), strict=False))
    failed = found["sum"]
    counts = merge((at, placed, failed.get(at, 0)) for at, placed in found["samplecount"].items())
    if not counts:
        raise click.ClickException(f"CloudWatch knows no order of the last {days:g} days in the metric {metric}")
    if any(not 0 <= bad <= placed for _, placed, bad in counts):
        raise click.ClickException(f"{metric} doesn't count orders: a data point is to be 1 if an order failed, else 0")
    return History(counts, period, (
        f"{metric}: {sum(placed for _, placed, _ in counts)} orders of the last {days:g} days, known by {period} s.",
        *tell_gaps(counts, period),
    ))  # fmt: skip


def read_alarms(stack: Stack, metric: str) -> tuple[list[AlarmRule], list[Skipped]]:
    """The alarms that publish to the stack's alarm topic; and those of them that can't be evaluated on that metric."""
    topic = stack.outputs["AlarmTopicArn"]
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate(
        AlarmTypes=["MetricAlarm", "CompositeAlarm"], ActionPrefix=topic
    )  # fmt: skip
    kinds = (
        each for page in islice(pages, PAGES) for each in page.get("MetricAlarms", []) + page.get("CompositeAlarms", [])
    )
    read = {each["AlarmName"]: read_alarm(each, metric) for each in kinds if topic in each["AlarmActions"]}
    found = [rule for rule in read.values() if isinstance(rule, AlarmRule)]
    return found, [(name, why) for name, why in read.items() if isinstance(why, str)]


def read_alarm(told: Mapping[str, Any], metric: str) -> AlarmRule | str:
    """An alarm of DescribeAlarms as a rule, or why it can't be evaluated on the metric NAMESPACE/NAME."""
    comparison = OPERATORS.get(told.get("ComparisonOperator", ""))
    if "AlarmRule" in told:
        return "it is composed of others"
    if told.get("Metrics"):
        return "it is on metric math"
    if told.get("Dimensions"):
        return "its metric has dimensions"
    if (its := f"{told.get('Namespace')}/{told.get('MetricName')}") != metric:
        return f"it is on another metric, {its}"
    if told.get("Statistic") not in STATISTICS or not comparison or "Threshold" not in told:
        return (
            f"it compares {told.get('Statistic') or told.get('ExtendedStatistic')} by {told.get('ComparisonOperator')}"
        )
    n = told["EvaluationPeriods"]
    return AlarmRule(
        told["Period"], n, told.get("DatapointsToAlarm", n), told["Threshold"], n, told["Statistic"], comparison,
        told.get("TreatMissingData", MISSING), told["AlarmName"],
    )  # fmt: skip


def _query(statistic: str, namespace: str, name: str, period: int) -> dict[str, Any]:
    metric = {"Namespace": namespace, "MetricName": name}
    return {"Id": statistic.lower(), "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}
