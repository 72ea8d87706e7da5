"""The alarm rules as plain code: they read their numbers from template.yaml and grafana/alert-rules.yaml.

An order is (when, in seconds since midnight of the first day; whether it failed). Both kinds are evaluated every 10 s.
"""

import math
import random
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from remediator_cli.backtest.rules import COMPARISONS, OK, AlarmRule
from simulator.paths import ROOT

Order = tuple[float, bool]
DAY = 86_400.0
CHAOS_AT = 19 * 3_600.0  # 2025-04-08: 19:00 to 21:27, about 155 diners
CHAOS_SECONDS = 147 * 60.0
PACE = CHAOS_SECONDS / 155  # seconds from one diner to the next: 57


class _AnyTag(yaml.SafeLoader):
    """Reads CloudFormation's own tags as plain values."""


def _plain(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    assert isinstance(node, yaml.SequenceNode)
    return loader.construct_sequence(node, deep=True)


yaml.add_multi_constructor("!", _plain, _AnyTag)


def template() -> dict[str, Any]:
    """The template as written."""
    found: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), _AnyTag)  # noqa: S506 - a SafeLoader
    return found


class CloudWatchAlarm(AlarmRule):
    """An alarm of the template, over orders."""

    __slots__ = ()

    @classmethod
    def of_template(cls, name: str, *, more: int = 0) -> Self:
        """An alarm of the template, on one plain metric. `more`: how many periods beyond N are evaluated."""
        parameters, given = template()["Parameters"], template()["Resources"][name]["Properties"]
        assert given["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert "Metrics" not in given
        n, threshold = given["EvaluationPeriods"], given["Threshold"]
        assert n * given["Period"] <= DAY  # CloudWatch's limit
        if isinstance(threshold, str):  # a !Ref to a parameter
            threshold = float(parameters[threshold]["Default"])
        return cls(
            given["Period"],
            n,
            given.get("DatapointsToAlarm", n),
            threshold,
            n + more,
            given["Statistic"],
            missing=given["TreatMissingData"],
        )

    def state(self, points: Sequence[float | None], before: str = OK) -> str:
        """The state after the last periods, oldest first, None without a data point. `before`: the state until then."""
        compare = COMPARISONS[self.comparison]
        real = [(at, point) for at, point in enumerate(points) if point is not None][-self.n :]
        over = sum(compare(point, self.threshold) for _, point in real)
        return self.judge(before, len(real), over, len(points), len(points) - real[0][0] if real else 0)

    def triggers(self, orders: Sequence[Order]) -> list[float]:
        """When it goes from OK to ALARM: ends of periods."""
        return self.firings((at, 1, int(failed)) for at, failed in orders)


@dataclass(frozen=True, slots=True)
class GrafanaRule:
    """At least so many failed orders in the window, asked each interval.

    Counts are taken as exact: Prometheus extrapolates `increase`, which the rule rounds; a scrape comes up to its
    interval late. `KeepLast` never applies, since the query always answers a number.
    """

    interval: float
    window: float
    least: int

    @classmethod
    def of_file(cls, uid: str, path: Path = ROOT / "grafana/alert-rules.yaml") -> Self:
        """A rule of the file; its expression must be of the form that this class stands for."""
        (group,) = yaml.safe_load(path.read_text())["groups"]
        (rule,) = [rule for rule in group["rules"] if rule["uid"] == uid]
        model: Mapping[str, Any] = {query["refId"]: query["model"] for query in rule["data"]}
        condition = model[rule["condition"]]["expression"]
        found = re.fullmatch(r"\$failed >= (\d+)", condition)
        assert found, condition
        (window,) = re.findall(r"\[(\d+)s\]", model["failed"]["expr"])
        assert rule["for"] == "0s"
        return cls(float(group["interval"].removesuffix("s")), float(window), int(found[1]))

    def triggers(self, orders: Sequence[Order]) -> list[float]:
        """When it begins to fire."""
        bad = [at for at, failed in orders if failed]
        ticks = {
            math.ceil(at / self.interval) + more for at in bad for more in range(int(self.window // self.interval) + 2)
        }
        found, firing = [], False
        for tick in sorted(ticks):  # at all other ticks nothing failed in the window, so nothing fires
            now = tick * self.interval
            failed = bisect_right(bad, now) - bisect_right(bad, now - self.window)
            found += [now] if failed >= self.least and not firing else []
            firing = failed >= self.least
        return found


def healthy_month(seed: int, orders: int = 100_000, share: float = 0.001) -> list[Order]:
    """30 days, nineteen times as busy at 18:00 as at 06:00; each order fails by itself with that probability."""
    chance = random.Random(seed)
    minutes = [1 + 0.9 * math.cos(2 * math.pi * (minute / 60 - 18) / 24) for minute in range(24 * 60)]
    spots = chance.choices(range(24 * 60), minutes, k=orders)
    times = sorted(chance.randrange(30) * DAY + spot * 60 + chance.random() * 60 for spot in spots)
    return [(at, chance.random() < share) for at in times]


def incident(pace: float, tries: Sequence[float] = (0.0,), *, begin: float = 0.0) -> list[Order]:
    """2025-04-08: an hour of good orders, then all fail until 21:27. `pace`: seconds from one diner to the next.

    `tries`: when a diner whose order failed orders, in seconds after coming; who was served doesn't order again.
    `begin`: how many seconds after 19:00 it begins.
    """
    orders, at = [], CHAOS_AT - 3_600 + begin
    while at < CHAOS_AT + CHAOS_SECONDS:
        failed = at >= CHAOS_AT + begin
        orders += [(at + later, failed) for later in (tries if failed else tries[:1])]
        at += pace
    return sorted(orders)
