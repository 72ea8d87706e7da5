"""CloudWatch's alarms: how one is written, and when it fires.

By "Configuring how CloudWatch alarms treat missing data" (CloudWatch user guide). A data point is an order, 1 if it
failed, else 0; a period without an order has none. An alarm is evaluated at the end of each of its periods.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain, groupby
from typing import Final, NoReturn

ALARM, OK, INSUFFICIENT = "ALARM", "OK", "INSUFFICIENT_DATA"
NOT_BREACHING, BREACHING, IGNORE, MISSING = "notBreaching", "breaching", "ignore", "missing"
Count = tuple[float, int, int]  # when, in seconds; orders, and those of them that failed

STATISTICS: Final[dict[str, Callable[[int, int], float]]] = {
    "Average": lambda placed, failed: failed / placed,
    "Sum": lambda _placed, failed: failed,
    "SampleCount": lambda placed, _failed: placed,
    "Maximum": lambda _placed, failed: float(failed > 0),
    "Minimum": lambda placed, failed: float(failed == placed),
}
COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """An alarm that fires if `m` of the last `n` data points compare so with the threshold. `period`: seconds.

    `reach`: how many periods CloudWatch looks back, at least `n`; the guide names no number for short periods.
    `missing`: what a missing data point is taken for, if fewer than `n` are in reach. `origin`: where the rule is from.
    """

    period: int
    n: int
    m: int
    threshold: float
    reach: int
    statistic: str = "Average"
    comparison: str = ">="
    missing: str = NOT_BREACHING
    origin: str = ""

    def __str__(self) -> str:
        length = f"{self.period // 60}m" if self.period % 60 == 0 else f"{self.period}s"
        rule = f"{self.m} of {self.n} x {length}, {self.statistic} {self.comparison} {self.threshold:g}"
        return rule if self.missing == NOT_BREACHING else f"{rule}, missing {self.missing}"

    @property
    def ignores_good_orders(self) -> bool:
        """Whether it is OK for sure while no order failed in its reach."""
        return self.missing == NOT_BREACHING and self.statistic != "SampleCount" and not self.breaches(1, 0)

    def breaches(self, placed: int, failed: int) -> bool:
        """Whether a period with so many orders is a breaching data point."""
        return COMPARISONS[self.comparison](STATISTICS[self.statistic](placed, failed), self.threshold)

    def judge(self, before: str, real: int, over: int, seen: int, age: int) -> str:
        """The state by the guide: `real` data points evaluated, `over` of them breaching, the oldest `age` periods old,
        out of `seen` periods.

        Breaching points alone, too few of them and gaps between, fire once the oldest is M periods old: not before,
        since the next may be good.
        """
        lacking = min(self.n, seen) - real
        if over >= self.m or (self.missing == BREACHING and over + lacking >= self.m):
            return ALARM
        if not lacking or over < real or self.missing in (NOT_BREACHING, BREACHING):
            return OK
        if self.missing == IGNORE:
            return before
        return ALARM if real and age >= self.m else INSUFFICIENT

    def firings(self, counts: Iterable[Count]) -> list[float]:
        """When it goes to ALARM, in seconds: ends of periods. `counts`: by time; what is before is unknown.

        The state is judged where a data point comes, leaves the reach, or becomes old enough to count alone; nothing
        changes between.
        """
        indices, over, last = self._points(counts)
        found, state, come, gone = [], OK, 0, 0
        for now, _ in groupby(self._moments(indices)):
            if now > last:
                break
            while come < len(indices) and indices[come] <= now:
                come += 1
            while gone < come and indices[gone] <= now - self.reach:
                gone += 1
            first = max(gone, come - self.n)
            age = now - indices[first] + 1 if first < come else 0
            new = self.judge(state, come - first, over[come] - over[first], now - indices[0] + 1, age)
            found += [float((now + 1) * self.period)] if new == ALARM != state else []
            state = new
        return found

    def _points(self, counts: Iterable[Count]) -> tuple[list[int], list[int], int]:
        """The periods with a data point, how many breaching ones there are before each, and the last period."""
        indices, over, last, placed, failed = [], [0], -1, 0, 0
        for at, more, bad in chain(counts, [(math.inf, 0, 0)]):
            index = at // self.period
            if index != last and placed:
                indices.append(last)
                over.append(over[-1] + self.breaches(placed, failed))
            placed, failed = (more, bad) if index != last else (placed + more, failed + bad)
            last = int(index) if index < math.inf else last
        return indices, over, last

    def _moments(self, indices: Sequence[int]) -> Iterable[int]:
        """The periods after which the state may be another, by time, some more than once."""
        later = [self.reach] + ([self.m - 1] if self.missing in (IGNORE, MISSING) else [])
        start = range(indices[0], indices[0] + self.n) if indices and self.missing == BREACHING else ()
        return merge(indices, start, *([index + more for index in indices] for more in later))


_LENGTHS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600}
_TREATMENTS: Final = (NOT_BREACHING, BREACHING, IGNORE, MISSING)
# What a rule consists of: a pattern, and what is said to be missing where it doesn't match.
_PARTS: Final = (
    (r"([1-9][0-9]{0,3})", "how many periods must breach, such as 3"),
    (r"of", "`of`"),
    (r"([1-9][0-9]{0,3})", "out of how many periods, such as 18"),
    (r"[x×]", "`x`"),  # noqa: RUF001 - people write it
    (r"([1-9][0-9]{0,4} *(?:s|min|m|h))(?![a-z])", "the length of a period, such as 10s or 1m"),
    (r",", "a comma"),
    (rf"({'|'.join(STATISTICS)})", f"one of {', '.join(STATISTICS)}"),
    (r"(>=|<=|>|<)", "one of >=, >, <=, <"),
    (r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(?![0-9.])", "the threshold, such as 0.5"),
)
_MISSING = re.compile(rf" *, *missing +({'|'.join(_TREATMENTS)}) *$", re.IGNORECASE)


def parse_rule(text: str) -> AlarmRule:
    """The rule that is written like `3 of 18 x 10s, Average >= 0.5`, perhaps with `, missing ignore` behind it.

    Raises ValueError saying at which character it is wrong.
    """
    found, at = [], 0
    for pattern, expected in _PARTS:
        match = re.compile(rf"\s*{pattern}", re.IGNORECASE).match(text, at)
        if not match:
            _refuse(text, at, f"{expected} is expected")
        found += [(each, match.start(1)) for each in match.groups()]
        at = match.end()
    missing = _MISSING.match(text, at)
    if text[at:].strip() and not missing:
        _refuse(text, at, f"the end, or `, missing` with one of {', '.join(_TREATMENTS)}, is expected")
    (m, at_m), (n, at_n), (length, at_length), (statistic, _), (comparison, _), (threshold, _) = found
    number, unit = re.fullmatch(r"([0-9]+) *([a-z]+)", length.lower()).groups()  # type: ignore[union-attr] # it matched
    period = int(number) * _LENGTHS[unit]
    if int(m) > int(n):
        _refuse(text, at_m, f"{m} of {n} periods can't breach")
    if period % 60 and period not in (10, 20, 30):
        _refuse(text, at_length, "CloudWatch knows periods of 10, 20 and 30 seconds, and of whole minutes")
    if int(n) * period > (7 if period >= 3600 else 1) * 86_400:
        _refuse(text, at_n, "CloudWatch looks back for a day at most, and for a week by hours")
    return AlarmRule(
        period, int(n), int(m), float(threshold), int(n), _named(statistic, STATISTICS), comparison,
        _named(missing[1], _TREATMENTS) if missing else NOT_BREACHING,
    )  # fmt: skip


def _named(text: str, names: Iterable[str]) -> str:
    return next(name for name in names if name.lower() == text.lower())


def _refuse(text: str, at: int, why: str) -> NoReturn:
    at += len(text[at:]) - len(text[at:].lstrip())
    raise ValueError(f"at character {at + 1}, {text[at : at + 12]!r}: {why}" if text[at:] else f"at its end: {why}")
