"""What a backtest found: in sentences and a table, as JSON, and as one HTML file."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any, Final

from remediator.audit import format_timestamp
from remediator_cli.backtest.history import when
from remediator_cli.backtest.replay import LIST, MOST_FALSE, Backtest, Range, Replay
from remediator_cli.pages import render
from remediator_cli.stats import format_duration

COLUMNS: Final = ("rule", "noticed", "median after", "worst after", "for nothing", "in a month", "costs a month")
BARS: Final = 160
WIDTH, HEIGHT, LANE = 1000, 100, 10  # of a drawing, in its own units
FEW: Final = 10  # below it a tenth counts
CLOSE: Final = 8  # an outage shorter than this part of the history is drawn by itself too
SHOWN: Final = 20  # outages in words


# A rule's firings: as lines, and those for nothing; how many, and how many of them for nothing.
Lane = tuple[Replay, str, str, int, int]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A stretch of the history as SVG paths: good and failed orders, and each rule's firings, useful or for nothing."""

    title: str
    begin: float
    end: float
    most: int
    good: str
    failed: str
    lanes: Sequence[Lane]


def sentences(done: Backtest) -> Iterator[str]:
    """What was replayed."""
    yield from done.history.told
    if not done.outages:
        yield "No outage is in it: no three orders failed, each within two minutes of the one before."
    for outage in done.outages[:SHOWN]:
        length = format_duration(max(outage.last - outage.first, 1))
        yield f"Outage from {when(outage.first)} on: {outage.failed} failed orders in {length}."
    if more := done.outages[SHOWN:]:
        yield f"And {len(more)} more outages."


def rows(done: Backtest) -> Iterator[tuple[str, ...]]:
    """A row of the table for each rule."""
    for each in done.replays:
        origin = f" ({each.rule.origin})" if each.rule.origin != LIST else ""
        low, high = zip(*each.delays, strict=True) if each.delays else ((), ())
        yield (
            f"{each.rule}{origin}{'' if each.exact else ' *'}",
            _noticed(each),
            *(_range((of(low), of(high)), each) if low else "" for of in (median, max)),
            _number(each.idle, each),
            _number(each.idle_a_month, each),
            f"${each.dollars_a_month:.2f}, {_number(each.orders_a_month, each)} orders",
        )


def conclusions(done: Backtest, *, has_stack: bool = True) -> Iterator[str]:
    """What follows, and what wasn't evaluated."""
    if not all(each.exact for each in done.replays):
        yield (
            f"* The history is known by {done.history.step:g} s, too coarse for the rule: its figures are ranges, from "
            "failures at the start of each count to failures at its end."
        )
    for name, why in done.skipped:
        yield f"Skipped, {name}: {why}."
    if not has_stack:
        yield "No stack is reachable: its alarms aren't among the rules."
    proposed = f"{done.proposed.rule}, the quickest" if done.proposed else "none"
    told = f"Proposed: {proposed} of the list with fewer than {MOST_FALSE} false triggers a month."
    yield told if done.outages else "Nothing is proposed: there is no outage in this history."


def plain(done: Backtest) -> dict[str, Any]:
    """A backtest as JSON shows it; docs/backtest.md says what stands in it."""
    history = done.history
    return {
        "history": {
            "told": list(history.told),
            "from": _utc(history.counts[0][0]),
            "days": history.seconds / 86_400,
            "step": history.step,
            "orders": sum(placed for _, placed, _ in history.counts),
            "failed": sum(failed for _, _, failed in history.counts),
            "outages": [
                {"from": _utc(each.first), "to": _utc(each.last), "failed": each.failed} for each in done.outages
            ],
        },
        "rules": [_plain(each) for each in done.replays],
        "skipped": [{"alarm": name, "why": why} for name, why in done.skipped],
        "proposed": str(done.proposed.rule) if done.proposed else None,
    }


def html(done: Backtest) -> str:
    """One HTML file: no script, no request to anywhere. What came from outside is escaped."""
    return render(
        "backtest/backtest.html.j2",
        {"when": when},
        sentences=list(sentences(done)),
        columns=COLUMNS,
        rows=list(rows(done)),
        proposed=done.proposed,
        replays=done.replays,
        conclusions=list(conclusions(done)),
        drawings=list(drawings(done)),
        size=(WIDTH, HEIGHT, LANE),
    )


def drawings(done: Backtest) -> Iterator[Drawing]:
    """The whole history; and its longest outage, if that is a small part of it."""
    begin, length = done.history.counts[0][0], max(done.history.seconds, 1)
    yield _draw(done, "The whole history", begin, begin + length)
    longest = max(done.outages, key=lambda each: each.last - each.first, default=None)
    if longest and (lasted := max(longest.last - longest.first, 60)) * CLOSE < length:
        yield _draw(done, "The longest outage", longest.first - lasted / 4, longest.last + lasted / 4)


def _draw(done: Backtest, title: str, begin: float, end: float) -> Drawing:
    """Bars of so many orders each, as high as the most of them allows; a failed order always shows."""
    width = (end - begin) / BARS
    bars = [[0, 0] for _ in range(BARS)]
    for at, placed, failed in done.history.counts:
        if begin <= at < end:
            bar = bars[min(int((at - begin) / width), BARS - 1)]
            bar[0] += placed
            bar[1] += failed
    most = max(1, *(placed for placed, _ in bars))
    good, bad = [], []
    for number, (placed, failed) in enumerate(bars):
        high, low = HEIGHT * placed / most, max(HEIGHT * failed / most, 3) if failed else 0
        good += [_bar(number, HEIGHT - high, high - low)] if high > low else []
        bad += [_bar(number, HEIGHT - low, low)] if failed else []
    lanes = [_lane(each, begin, end) for each in done.replays]
    return Drawing(title, begin, end, most, "".join(good), "".join(bad), lanes)


def _bar(number: int, top: float, height: float) -> str:
    step = WIDTH / BARS
    return f"M{number * step:g} {top:.1f}h{step * 0.9:g}v{height:.1f}h{-step * 0.9:g}z"


def _lane(each: Replay, begin: float, end: float) -> Lane:
    """A line for each place at which the rule fired; a short one where that was for nothing."""
    fired = {(at in play.idle, at) for play in each.plays for at in play.firings if begin <= at <= end}
    places = {(idle, round(WIDTH * (at - begin) / (end - begin))) for idle, at in fired}
    useful = "".join(f"M{at} 0V{LANE}" for idle, at in sorted(places) if not idle)
    in_vain = "".join(f"M{at} {LANE / 2:g}V{LANE}" for idle, at in sorted(places) if idle)
    return each, useful, in_vain, len(fired), sum(idle for idle, _ in fired)


def _plain(each: Replay) -> dict[str, Any]:
    return {
        "rule": str(each.rule),
        "from": each.rule.origin,
        "exact": each.exact,
        "seconds": [[None if math.isinf(end) else end for end in ends] for ends in each.delays],
        "fired": each.fired,
        "for_nothing": each.idle,
        "for_nothing_a_month": each.idle_a_month,
        "orders_a_month": each.orders_a_month,
        "dollars_a_month": each.dollars_a_month,
        "firings": [[{"at": _utc(at), "for_nothing": at in play.idle} for at in play.firings] for play in each.plays],
    }


def _noticed(each: Replay) -> str:
    ends = [sum(end < math.inf for end in ends) for ends in zip(*each.delays, strict=True)]
    return f"{' to '.join(map(str, sorted(set(ends))))} of {len(each.delays)}" if ends else ""


def _range(seconds: Range, each: Replay) -> str:
    told = ["never" if math.isinf(end) else format_duration(end) if end else "0 s" for end in seconds]
    return told[0] if each.exact or told[0] == "never" else " to ".join(told)


def _number(ends: Range, each: Replay) -> str:
    told = [f"{end:.1f}".removesuffix(".0") if end < FEW else f"{end:.0f}" for end in ends]
    return told[0] if each.exact else " to ".join(told)


def _utc(at: float) -> str:
    return format_timestamp(datetime.fromtimestamp(at, UTC))
