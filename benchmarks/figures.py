"""What the values come to: medians and their spread, chains of round trips, targets. Nothing is measured here."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.stubs import RequestRecord

HEAL, WARM, FIRST = (
    "cold, process start → verified heal",
    "warm, alarm → verified heal",
    "cold, process start → first byte to the shop",
)
MEMORY, ZIPPED, CPU_COLD, CPU_WARM = "peak memory", "zipped", "CPU of a cold heal", "CPU of a warm heal"
CANARY = "a run of the canary, with an order"
UNITS = {HEAL: "ms", WARM: "ms", FIRST: "ms", CANARY: "ms", MEMORY: "MB", ZIPPED: "MB", CPU_COLD: "s", CPU_WARM: "s"}
US, FORTY, COMPILED, BARE, LIMIT = "remediator", "forty lines", "forty lines, compiled", "bare import", "the limit"

type Values = Mapping[str, Mapping[str, Sequence[float]]]
"""Measured values, in the unit of UNITS, by measure and side."""
type Chain = tuple[tuple[str, ...], ...]
"""Requests by the round trip that they began in: those of one step ran side by side."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles, least and most, of so many runs."""

    median: float
    lower: float
    upper: float
    least: float
    most: float
    runs: int


def spread(values: Sequence[float]) -> Spread:
    """Of one value or more."""
    lower, _, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else (values[0],) * 3
    return Spread(median(values), lower, upper, min(values), max(values), len(values))


@dataclass(frozen=True, slots=True)
class Goal:
    """`measure` of ours is at most `limit`: times that of the side `of`, or in its own unit where there is none."""

    measure: str
    limit: float
    of: str | None = None

    def found(self, values: Values) -> float | None:
        """The ratio of the medians, or the median; None where the other side wasn't measured."""
        sides = values[self.measure]
        if self.of is None:
            return median(sides[US])
        return median(sides[US]) / median(sides[self.of]) if self.of in sides else None


TARGETS = (
    Goal(HEAL, 0.55, FORTY),
    Goal(HEAL, 1.0, COMPILED),
    Goal(WARM, 1.15, LIMIT),
    Goal(WARM, 0.85, FORTY),
    Goal(FIRST, 0.5, FORTY),
    Goal(MEMORY, 70),
    Goal(ZIPPED, 15),
)

GROWTH = 12.0  # for eight times the text: some of it grows by a logarithm more


def verdict(found: float | None, limit: float) -> str:
    """Whether the target is held, or by what share of the limit it is missed."""
    if found is None:
        return "not measured: `../shared` isn't there"
    return "ok" if found <= limit else f"misses by {found / limit - 1:.0%}"


def until_verified(asked: Iterable[RequestRecord]) -> list[RequestRecord]:
    """What was answered until the last good order was, which is the one that verifies; all where there is none."""
    known = sorted(asked, key=lambda record: record.began)
    ends = max((r.ended for r in known if r.what == "POST order" and r.status == 200), default=float("inf"))
    return [record for record in known if record.ended <= ends]


def steps(asked: Iterable[RequestRecord]) -> list[list[RequestRecord]]:
    """The longest chain of requests of which each began after the one before it was answered, with all beside it.

    Each request stands in the first step it could: one after the last step of which an answer was in when it began.
    """
    found: list[list[RequestRecord]] = []
    for record in until_verified(asked):
        answered = [at for at, step in enumerate(found) if any(other.ended <= record.began for other in step)]
        at = max(answered, default=-1) + 1
        if at == len(found):
            found.append([])
        found[at].append(record)
    return found


def chain(asked: Iterable[RequestRecord]) -> Chain:
    """The steps by name. A star: it waited for its connection, whose round trips the stubs don't delay."""
    return tuple(tuple(sorted(r.what + "*" * r.fresh for r in step)) for step in steps(asked))


def shown(found: Chain) -> str:
    return " → ".join(" ∥ ".join(step) for step in found)


def usual(chains: Iterable[Chain]) -> Chain:
    """The one seen most often."""
    return Counter(chains).most_common(1)[0][0]
