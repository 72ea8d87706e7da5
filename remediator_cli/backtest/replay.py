"""Rules replayed over a history: when each would have fired, how often for nothing, and which one is proposed."""

import dataclasses
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from remediator_cli.backtest.history import QUIET, History, Outage
from remediator_cli.backtest.rules import AlarmRule, Count, parse_rule

DAY: Final = 86_400.0
MONTH: Final = 30 * DAY
ORDERS_A_CHECK: Final = 2  # that a check of a healthy shop places
MOST_FALSE: Final = 5  # a month; a rule that is proposed stays below
HIGH_RESOLUTION: Final = 60  # seconds; an alarm of shorter periods costs more (CloudWatch pricing, us-east-1)
PRICES: Final = (0.30, 0.10)
LIST: Final = "list"  # where they are from
# What is proposed from, the quickest first.
LISTED: Final = (
    "1 of 6 x 10s, Sum >= 1",
    "1 of 6 x 10s, Average >= 0.5",
    "1 of 6 x 10s, Sum >= 2",
    "2 of 6 x 10s, Sum >= 1",
    "2 of 18 x 10s, Average >= 0.5",
    "3 of 18 x 10s, Sum >= 1",
    "3 of 18 x 10s, Average >= 0.5",
    "1 of 1 x 1m, Sum >= 1",
    "1 of 1 x 1m, Sum >= 2",
    "2 of 3 x 1m, Average >= 0.5",
    "3 of 5 x 1m, Average >= 0.5",
    "1 of 1 x 5m, Average >= 0.1",
)
# The alarm of 2025-04-08 is known by when it fired alone: at 21:00, two hours after the first failed order.
OF_2025: Final = "24 of 24 x 5m, Average >= 0.5"

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Play:
    """One way in which a history may have happened, as a rule sees it. `idle`: the firings that were for nothing.

    `delays`: by outage, seconds from its first failed order to the firing; infinite if it never fired.
    """

    firings: Sequence[float]
    idle: frozenset[float]
    delays: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """What a rule would have done: one play, or two if the history is coarser than its periods: the failures at the
    start of each count, and at its end. All figures are ranges from one to the other.

    `delays`: by outage, seconds from its first failed order to the firing; infinite: it never fired. `idle`: how often
    it fired for nothing; a history shorter than a day counts as a day of the month's 30.
    """

    rule: AlarmRule
    plays: tuple[Play, ...]
    delays: Sequence[Range]
    fired: Range
    idle: Range
    idle_a_month: Range
    orders_a_month: Range
    dollars_a_month: float

    @property
    def exact(self) -> bool:
        """Whether the history is as fine as the rule."""
        return len(self.plays) == 1


def replay(history: History, rule: AlarmRule, outages: Sequence[Outage]) -> Replay:
    """Play the history to one rule."""
    near, blur = _near_failures(history, rule), 0
    if history.holds(rule):
        plays = [_play(near, rule, outages)]
    else:
        spread = (
            [part for each in near for part in _spread(each, history.step, rule.period, first=first)]
            for first in (True, False)
        )
        plays, blur = [_play(counts, rule, outages) for counts in spread], rule.period  # within it a time isn't known
    low, high = idle = _ends([len(play.idle) for play in plays])
    months = max(history.seconds / DAY, 1) / 30
    return Replay(
        rule,
        tuple(plays),
        delays=[(max(0, min(each) - blur), max(each)) for each in zip(*(play.delays for play in plays), strict=True)],
        fired=_ends([len(play.firings) for play in plays]),
        idle=idle,
        idle_a_month=(low / months, high / months),
        orders_a_month=(ORDERS_A_CHECK * low / months, ORDERS_A_CHECK * high / months),
        dollars_a_month=PRICES[rule.period >= HIGH_RESOLUTION],
    )


def _ends(found: Sequence[float]) -> Range:
    return min(found), max(found)


def listed() -> list[AlarmRule]:
    """The rule of 2025-04-08, and those that are proposed from."""
    rules = [(OF_2025, "2025-04-08"), *((rule, LIST) for rule in LISTED)]
    return [dataclasses.replace(parse_rule(rule), origin=origin) for rule, origin in rules]


@dataclass(frozen=True, slots=True)
class Backtest:
    """Rules replayed over a history. `skipped`: alarms that can't be evaluated, each with the reason."""

    history: History
    outages: Sequence[Outage]
    replays: Sequence[Replay]
    skipped: Sequence[tuple[str, str]] = ()

    @property
    def proposed(self) -> Replay | None:
        """Of the list: of the rules that fire for nothing less than five times a month, the one that notices most
        outages, the worst of them first. None if there is none, or no outage to judge by. The worse end of each range
        counts.
        """
        if not self.outages:
            return None
        quiet = [each for each in self.replays if each.rule.origin == LIST and each.idle_a_month[1] < MOST_FALSE]

        def slowness(each: Replay) -> tuple[int, float]:
            worst = [late for _, late in each.delays]
            return sum(map(math.isinf, worst)), max((late for late in worst if late < math.inf), default=0)

        return min(quiet, key=slowness, default=None)


def _near_failures(history: History, rule: AlarmRule) -> Sequence[Count]:
    """The counts that matter to the rule: all of them, or those from a failed order on for as long as it looks back."""
    if not rule.ignores_good_orders:
        return history.counts
    found: list[Count] = []
    end = 0
    for at, _, _ in history.failures:
        begin = max(end, bisect_left(history.counts, (at // rule.period * rule.period,)))
        end = max(end, bisect_right(history.counts, (at + history.step + (rule.reach + 1) * rule.period,)))
        found += history.counts[begin:end]
    return found


def _play(counts: Sequence[Count], rule: AlarmRule, outages: Sequence[Outage]) -> Play:
    firings, bad = rule.firings(counts), [at for at, _, failed in counts if failed]

    def for_nothing(at: float) -> bool:
        following = bisect_left(bad, at)
        return following == len(bad) or bad[following] > at + QUIET

    def delay(outage: Outage) -> float:
        first = bad[bisect_left(bad, outage.first)]
        following = bisect_right(firings, first)
        fired = firings[following] if following < len(firings) else math.inf
        return fired - first if fired <= outage.last + rule.period else math.inf

    return Play(firings, frozenset(filter(for_nothing, firings)), tuple(map(delay, outages)))


def _spread(count: Count, step: float, period: int, *, first: bool) -> Iterator[Count]:
    """A count's orders evenly over its time, in parts no longer than a period: the failed ones first, or last."""
    at, placed, failed = count
    parts = max(2, math.ceil(step / period))
    edges = [-(-part * placed // parts) for part in range(parts + 1)]
    for part in range(parts) if first else reversed(range(parts)):
        begin, end = edges[part], edges[part + 1]
        if begin < end:
            place = part if first else parts - 1 - part
            yield at + place * step / parts, end - begin, min(end, failed) - min(begin, failed)
