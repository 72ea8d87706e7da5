"""Histories of orders: how many were placed and how many failed, and how finely that is known."""

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from io import BytesIO, TextIOWrapper
from itertools import islice, pairwise
from typing import Final

from remediator.report_link import find_links
from remediator_cli.backtest.rules import AlarmRule, Count
from remediator_cli.evidence import is_order, log_lines, read_line, read_time
from remediator_cli.stats import format_duration

QUIET: Final = 120.0  # seconds without a failed order that end an outage, and after which a firing was for nothing
LEAST: Final = 3  # failed orders of an outage
HOUR: Final = 3600
FINE: Final = 10  # seconds; CloudWatch knows nothing finer for an alarm
# 2025-04-08: 155 orders failed from 19:00 to 21:27. That they were evenly spaced is an assumption.
BEGAN: Final = datetime(2025, 4, 8, 19, tzinfo=UTC).timestamp()
LASTED, FAILED = 147 * 60, 155
WHOLE: Final = re.compile(r"[0-9]{1,9}(\.0{1,9})?", re.ASCII).fullmatch
COLUMNS: Final = {
    "time": ("time", "timestamp", "date", "datetime", "@timestamp"),
    "orders": ("orders", "placed", "total", "count"),
    "failed": ("failed", "failures", "errors"),
}


@dataclass(frozen=True, slots=True)
class Outage:
    """Three or more failed orders, each within two minutes of the one before: fewer are chance."""

    first: float
    last: float
    failed: int


@dataclass(frozen=True, slots=True)
class History:
    """Orders by time, each time once. `step`: seconds that one count stands for, from its time on; 0: single orders.

    `told`: what it is, in a sentence each, with what is assumed.
    """

    counts: Sequence[Count]
    step: float
    told: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """From its first order to its last."""
        return self.counts[-1][0] + self.step - self.counts[0][0]

    @property
    def failures(self) -> list[Count]:
        """The counts in which an order failed."""
        return [count for count in self.counts if count[2]]

    def holds(self, rule: AlarmRule) -> bool:
        """Whether it is as fine as the rule's periods."""
        return self.step < rule.period or (
            self.step == rule.period and not any(at % self.step for at, _, _ in self.counts)
        )

    def outages(self) -> list[Outage]:
        """Its outages, by time."""
        found: list[Outage] = []
        for at, _, failed in self.failures:
            if found and at - found[-1].last <= QUIET:
                found[-1] = Outage(found[-1].first, at + self.step, found[-1].failed + failed)
            else:
                found.append(Outage(at, at + self.step, failed))
        return [outage for outage in found if outage.failed >= LEAST]


def incident_of_2025() -> History:
    """What is known of 2025-04-08, with what is assumed."""
    pace = LASTED / FAILED
    good = round(HOUR / pace)
    counts = [(BEGAN + pace * number, 1, int(number >= 0)) for number in range(-good, FAILED)]
    return History(counts, 0, (
        "The incident of 2025-04-08, built in: 155 orders failed in 147 minutes from 19:00 on.",
        "By assumption they are evenly spaced, 57 s apart, and an hour of good orders at that pace comes before.",
    ))  # fmt: skip


def read_csv(raw: bytes, name: str) -> History:
    """The history in a file of columns time, orders and failed.

    Raises ValueError that names line and column.
    """
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = TextIOWrapper(BytesIO(raw), encoding, "replace", newline="")
    delimiter = max(",;\t", key=lines.readline().count)
    lines.seek(0)
    counts = list(_rows(lines, delimiter))
    if not any(placed for _, placed, _ in counts):
        raise ValueError("it holds no order")
    ordered = merge(counts)
    repeated = len(counts) - len(ordered)
    step = resolution(ordered, single=all(placed <= 1 for _, placed, _ in counts))
    finely = f"known by {step:g} s" if step else "one by one"
    return History(ordered, step, (
        f"{name}: {sum(placed for _, placed, _ in ordered)} orders, {finely}.",
        *([f"{repeated} times are there twice or more; their orders are added."] if repeated else []),
        *tell_gaps(ordered, step),
    ))  # fmt: skip


def read_log(raw: bytes, name: str) -> History:
    """The orders in log lines of the shop. One failed that ended with a 5xx, or whose answer holds a report link.

    Raises ValueError.
    """
    counts, timeless = [], 0
    for line, at in log_lines(raw.decode("utf-8-sig", "replace")):
        if is_order(line) and at is not None:
            sample = read_line(line)
            counts.append((at, 1, int((sample.status or 0) >= 500 or bool(find_links(sample.body)))))
        else:
            timeless += is_order(line)
    if not counts:
        raise ValueError(
            f"{timeless} orders are in it, none with a time"
            if timeless
            else "it holds no order: POST /api/order, as JSON with method, path, statusCode and resBody"
        )
    return History(merge(counts), 0, (
        f"{name}: {len(counts)} orders, one by one.",
        *([f"{timeless} more have no time and are left out."] if timeless else []),
    ))  # fmt: skip


def merge(counts: Iterable[Count]) -> list[Count]:
    """The counts by time, those of one time added."""
    ordered = sorted(counts)
    found = ordered[:1]
    for count in islice(ordered, 1, None):
        if count[0] == found[-1][0]:
            _, placed, failed = found.pop()
            found.append((count[0], placed + count[1], failed + count[2]))
        else:
            found.append(count)
    return found


def resolution(counts: Sequence[Count], *, single: bool) -> float:
    """How many seconds a count stands for: the coarsest unit, up to an hour, in which all times are whole.

    If counts hold several orders, and their times are odd, the shortest distance between two of them. 0: too few to
    matter to any rule.
    """
    step = reduce(math.gcd, (round(at * 1000) for at, _, _ in counts), HOUR * 1000) / 1000
    if step < FINE and not single:
        step = min(HOUR, min((later[0] - at[0] for at, later in pairwise(counts)), default=HOUR))
    return step if step >= FINE else 0


def tell_gaps(counts: Sequence[Count], step: float) -> Iterator[str]:
    """That nothing is known for a while, if it is so for more than an hour, or two counts."""
    gaps = [(later[0] - at[0] - step, at[0]) for at, later in pairwise(counts)]
    long = [gap for gap in gaps if gap[0] > max(HOUR, 2 * step)]
    if long:
        length, at = max(long)
        yield (
            f"{len(long)} gaps, the longest {format_duration(length)} from {when(at + step)} on: "
            "no order is taken to have come in them."
        )


def when(at: float) -> str:
    """A time in seconds since the epoch as people read it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"


def _rows(lines: Iterable[str], delimiter: str) -> Iterator[Count]:
    places = {"time": 0, "orders": 1, "failed": 2}
    header, reader = True, csv.reader(lines, delimiter=delimiter)
    try:
        for row in reader:
            line, cells = reader.line_num, [cell.strip() for cell in row]
            if not any(cells):
                continue
            if header and read_time(cells[0]) is None:
                places = _header(cells, line)
            else:
                yield _count(cells, places, line)
            header = False
    except csv.Error as error:
        raise ValueError(f"it is no CSV: {error}") from None


def _header(cells: Sequence[str], line: int) -> dict[str, int]:
    lower = [cell.lower() for cell in cells]
    found = {}
    for column, names in COLUMNS.items():
        place = next((lower.index(name) for name in names if name in lower), None)
        if place is None:
            raise ValueError(f"line {line} has no column `{column}`: its header is to name time, orders and failed")
        found[column] = place
    return found


def _count(cells: Sequence[str], places: dict[str, int], line: int) -> Count:
    missing = [column for column, place in places.items() if place >= len(cells)]
    if missing:
        raise ValueError(f"line {line}, column {missing[0]}: there is none")
    time, *numbers = (cells[place] for place in places.values())
    at = read_time(time)
    if at is None:
        raise ValueError(f"line {line}, column time: {time[:40]!r} is no time by ISO 8601, nor since the epoch")
    for column, number in zip(("orders", "failed"), numbers, strict=True):
        if not WHOLE(number):
            raise ValueError(f"line {line}, column {column}: {number[:40]!r} is no whole number")
    placed, failed = (int(number.partition(".")[0]) for number in numbers)
    if failed > placed:
        raise ValueError(f"line {line}, column failed: {failed} of {placed} orders can't have failed")
    return at, placed, failed
