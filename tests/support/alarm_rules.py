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


@dataclass(frozen=True, slots=True)
class CloudWatchAlarm:
    """M of N averages, by "How alarm state is evaluated when data is missing" (CloudWatch user guide): not breaching.

    `reach`: how many periods CloudWatch evaluates, at least N; the guide names no number for ten-second periods.
    """

    period: float
    n: int
    m: int
    threshold: float
    reach: int

    @classmethod
    def of_template(cls, name: str, *, more: int = 0) -> Self:
        """An alarm of the template, on one plain metric. `more`: how many periods beyond N are evaluated."""
        given = template()["Resources"][name]["Properties"]
        assert given["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert not {"Dimensions", "Metrics"} & given.keys()
        n = given["EvaluationPeriods"]
        assert n * given["Period"] <= DAY  # CloudWatch's limit
        assert (given["Statistic"], given["TreatMissingData"]) == ("Average", "notBreaching")
        return cls(given["Period"], n, given.get("DatapointsToAlarm", n), given["Threshold"], n + more)

    def state(self, points: Sequence[float | None]) -> str:
        """The state after the last `reach` periods, oldest first; None without a sample."""
        real = [point for point in points if point is not None][-self.n :]
        return "ALARM" if sum(point >= self.threshold for point in real) >= self.m else "OK"

    def triggers(self, orders: Sequence[Order]) -> list[float]:
        """When it goes from OK to ALARM: ends of periods."""
        points = self._points(orders)
        found, state, last_over = [], "OK", -math.inf
        for index in range(min(points), max(points) + 2):
            last_over = index if points.get(index, -math.inf) >= self.threshold else last_over
            if state == "OK" and index - last_over >= self.reach:
                continue  # without a breaching point in reach it can't leave OK
            new = self.state([points.get(each) for each in range(index - self.reach + 1, index + 1)])
            found += [(index + 1) * self.period] if (state, new) == ("OK", "ALARM") else []
            state = new
        return found

    def _points(self, orders: Sequence[Order]) -> dict[int, float]:
        sums: dict[int, tuple[int, int]] = {}
        for at, failed in orders:
            count, bad = sums.get(int(at // self.period), (0, 0))
            sums[int(at // self.period)] = (count + 1, bad + failed)
        return {index: bad / count for index, (count, bad) in sums.items()}


@dataclass(frozen=True, slots=True)
class GrafanaRule:
    """At least so many failed orders in the window, and at least that share of all orders in it; then kept for a while.

    Counts are taken as exact: Prometheus extrapolates `increase`, which the rule rounds; a scrape comes up to its
    interval late. `KeepLast` never applies, since both queries always answer a number.
    """

    interval: float
    window: float
    least: int
    share: float
    keep: float

    @classmethod
    def of_file(cls, uid: str, path: Path = ROOT / "grafana/alert-rules.yaml") -> Self:
        """A rule of the file; its expression must be of the form that this class stands for."""
        (group,) = yaml.safe_load(path.read_text())["groups"]
        (rule,) = [rule for rule in group["rules"] if rule["uid"] == uid]
        model: Mapping[str, Any] = {query["refId"]: query["model"] for query in rule["data"]}
        condition = model[rule["condition"]]["expression"]
        found = re.fullmatch(r"\$failed >= (\d+) && \$failed >= (0\.\d+) \* \$orders", condition)
        assert found, condition
        windows = {
            seconds for name in ("failed", "orders") for seconds in re.findall(r"\[(\d+)s\]", model[name]["expr"])
        }
        (window,) = windows
        assert rule["for"] == "0s"
        interval, keep = (float(each.removesuffix("s")) for each in (group["interval"], rule["keepFiringFor"]))
        return cls(interval, float(window), int(found[1]), float(found[2]), keep)

    def triggers(self, orders: Sequence[Order]) -> list[float]:
        """When it begins to fire."""
        times, bad = [at for at, _ in orders], [at for at, failed in orders if failed]
        ticks = {
            math.ceil(at / self.interval) + more for at in bad for more in range(int(self.window // self.interval) + 2)
        }
        found, firing_at = [], -math.inf
        for tick in sorted(ticks):  # at all other ticks nothing failed in the window, so nothing fires
            now = tick * self.interval
            failed, every = (bisect_right(each, now) - bisect_right(each, now - self.window) for each in (bad, times))
            if failed >= self.least and failed >= self.share * every:
                found += [now] if now - firing_at > self.keep else []
                firing_at = now
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
