"""What a report leads with: the outcome in a word and a colour, and three figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from remediator.outcome import CONSEQUENCES, Outcome, Tone
from remediator_cli.orders import Orders
from remediator_cli.report.facts import IncidentFacts
from remediator_cli.stats import format_duration

UNKNOWN: Final = "unknown"
# By how an outcome is reported, None while the first check runs: what it means, and the colour that says the same.
BADGES: Final[Mapping[Tone | None, tuple[str, str]]] = {
    "normal": ("good", "green"),
    "none": ("needs attention", "yellow"),
    "urgent": ("urgent", "red"),
    None: ("running", "cyan"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, and what has to be known to read it; a word in place of the figure if there is none."""

    name: str
    value: str
    note: str

    @property
    def told(self) -> str:
        return f"{self.value}, {self.note}"


def badge(outcome: Outcome | None) -> tuple[str, str]:
    """What an outcome means in a word, and that word's colour."""
    return BADGES[CONSEQUENCES[outcome].tone if outcome else None]


def figures(facts: IncidentFacts) -> tuple[Figure, ...]:
    """Orders failed, noticed in, healed in."""
    failed, noticed = _measured(facts)
    return Figure("orders failed", *failed), Figure("noticed in", *noticed), Figure("healed in", *_healed(facts))


def numbers(facts: IncidentFacts) -> dict[str, Any]:
    """The same for machines, in orders and seconds: None for what is unknown, or isn't so."""
    seconds = {
        "seconds_to_notice": facts.seconds_to_notice,
        "seconds_to_heal": facts.seconds_open if facts.incident.ended_at else None,
        "seconds_open": facts.seconds_open,
    }
    failed = facts.orders.failed if isinstance(facts.orders, Orders) else None
    return {"orders_failed": failed} | {name: each and round(each, 3) for name, each in seconds.items()}


def _measured(facts: IncidentFacts) -> tuple[tuple[str, str], tuple[str, str]]:
    """By the shop's metric: how many orders failed, and how long that went unnoticed."""
    counted, noticed = facts.orders, facts.seconds_to_notice
    if isinstance(counted, str):
        why = counted.partition(": ")[0].rstrip(".")  # what AWS said of it stands under Impact
        return ((UNKNOWN, f"{why[0].lower()}{why[1:]}"),) * 2
    if noticed is None:
        return ("0", "by the shop's metric"), (UNKNOWN, "the shop's metric shows no failed order")
    more = "" if counted.exact else "or more, "
    since = f"{more}from the first failed order to the trigger, known to {counted.period} seconds"
    return (str(counted.failed), f"{more}of {counted.placed} placed"), (format_duration(noticed), since)


def _healed(facts: IncidentFacts) -> tuple[str, str]:
    took, healed = format_duration(facts.seconds_open), facts.outcome is Outcome.HEALED
    if not facts.incident.ended_at:
        return "not healed", f"open for {took}"
    return took, "from the trigger to the healthy order" if healed else "by itself or by a person"
