"""The diners' orders around an incident, as the shop's own metric counts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from remediator_cli.stack import Stack
from remediator_cli.terminal import shown

BEFORE = timedelta(hours=3)  # how far back a failure may have begun before it was noticed
POINTS = 1440  # the most that one GetMetricStatistics answers
# How fine CloudWatch still knows a metric, by its age (CloudWatch user guide, "Metrics retention").
RETENTION = (
    (timedelta(hours=3), 10),
    (timedelta(days=15), 60),
    (timedelta(days=63), 300),
    (timedelta(days=455), 3600),
)


@dataclass(frozen=True, slots=True)
class Point:
    """One period of the metric: orders placed, and those of them that failed."""

    at: datetime
    placed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Orders:
    """The stretch of failure that belongs to an incident. `period`: seconds, how finely it is known.

    `began`: the start of the first period with a failure, None if none failed; `exact` if a good period is known
    before it, else it may have been earlier. Our own samples are not counted unless the shop's metric counts them.
    """

    period: int
    began: datetime | None
    placed: int
    failed: int
    exact: bool = True


def find_stretch(points: Sequence[Point], triggered: datetime, period: int) -> Orders:
    """The failing stretch around the trigger, from after the last period before it in which every order was good."""
    ordered = sorted(points, key=lambda point: point.at)
    good = [p.at for p in ordered if p.placed and not p.failed and p.at + timedelta(seconds=period) <= triggered]
    mine = [p for p in ordered if p.failed and (not good or p.at > good[-1])]
    began = mine[0].at if mine else None
    placed = sum(p.placed for p in ordered if began and p.at >= began)
    return Orders(period, began, placed, sum(p.failed for p in mine), exact=bool(good))


def count(stack: Stack, triggered: datetime, ended: datetime) -> Orders | str:
    """The orders from before `triggered` until `ended`, or one sentence why they are unknown.

    As fine as CloudWatch still knows them, and coarser if the finest doesn't reach back to a good period: what is
    older has been dropped.
    """
    since = triggered - BEFORE
    counts: list[Orders] = []
    for period in _periods(since, ended):
        try:
            found = _points(stack, since, ended, period)
        except (ClientError, BotoCoreError) as error:
            return f"The shop's metric can't be read: {shown(str(error))}"
        counts += [find_stretch(found, triggered, period)] if found else []
        if counts and counts[-1].exact:
            return counts[-1]
    name = f"{stack.parameters.get('AlarmNamespace')}/{stack.parameters.get('AlarmMetric')}"
    return fullest(counts) if counts else f"The shop's metric {name} knows no order of that time."


def fullest(counts: Sequence[Orders]) -> Orders:
    """Of counts none of which reaches back to a good period, the finest first: the one that lost no failure."""
    return max(counts, key=lambda each: each.failed)


def _points(stack: Stack, since: datetime, ended: datetime, period: int) -> list[Point]:
    found = stack.client("cloudwatch").get_metric_statistics(
        Namespace=stack.parameters.get("AlarmNamespace", ""),
        MetricName=stack.parameters.get("AlarmMetric", ""),
        StartTime=since,
        EndTime=ended + timedelta(seconds=period),
        Period=period,
        Statistics=["Sum", "SampleCount"],
    )
    return [
        Point(each["Timestamp"].astimezone(UTC), round(each["SampleCount"]), round(each["Sum"]))
        for each in found["Datapoints"]
    ]


def _periods(since: datetime, ended: datetime) -> list[int]:
    """The periods that CloudWatch may still know and one answer holds, the finest first."""
    age, span = datetime.now(UTC) - since, (ended - since).total_seconds()
    return [period for kept, period in RETENTION if age <= kept + timedelta(minutes=30) and span / period < POINTS - 1]
