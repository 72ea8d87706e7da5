"""How long noticing and healing took, over many incidents, beside 2025-04-08 by hand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final

from remediator.outcome import Outcome
from remediator.state import Summary

# By hand on 2025-04-08, in seconds: 19:00 it begins, 21:00 the alarm fires, 21:27 a GET of the link ends it.
NOTICED_BY_HAND: Final = 2 * 3600.0
HEALED_BY_HAND: Final = 27 * 60.0
BY_HAND: Final = NOTICED_BY_HAND + HEALED_BY_HAND
UNITS: Final = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))
PHASES: Final = ("claim", "login", "sample", "intent", "call", "verify")


@dataclass(frozen=True, slots=True)
class StatsRow:
    """One figure over so many incidents, in seconds; `by_hand` is None if there was no such step."""

    name: str
    count: int
    median: float
    p90: float
    worst: float
    by_hand: float | None


def rows(incidents: Iterable[Summary], noticed: Mapping[str, float]) -> tuple[StatsRow, ...]:
    """The figures of the incidents that were healed. `noticed`: seconds from the first failed order to the trigger, by
    incident, if the shop's metric tells.
    """
    healed = [each for each in incidents if each.outcome is Outcome.HEALED and each.ended_at]
    took = {each.id: (each.ended_at - each.opened_at).total_seconds() for each in healed if each.ended_at}
    known = {name: seconds for name, seconds in noticed.items() if name in took}
    measured = [
        ("to notice", list(known.values()), NOTICED_BY_HAND),
        ("to heal", list(took.values()), HEALED_BY_HAND),
        ("both", [seconds + took[name] for name, seconds in known.items()], BY_HAND),
        *((phase, [each.phases[phase] / 1000 for each in healed if each.phases and phase in each.phases], None)
          for phase in PHASES),
    ]  # fmt: skip
    return tuple(_row(name, values, by_hand) for name, values, by_hand in measured if values)


def format_duration(seconds: float) -> str:
    """A length of time as it is said: 0.13 s, 34 s, 27 min, 2 h 27 min, 3 d 4 h."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    for size, unit, below, smaller in UNITS:
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def _row(name: str, values: Sequence[float], by_hand: float | None) -> StatsRow:
    p90 = quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]
    return StatsRow(name, len(values), round(median(values), 3), round(p90, 3), round(max(values), 3), by_hand)
