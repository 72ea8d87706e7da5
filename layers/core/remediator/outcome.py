"""How a delivered alarm ends: the named outcomes, and what follows from each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal


class Outcome(StrEnum):
    """The one outcome of a delivered alarm."""

    HEALED = "HEALED"
    UNRESOLVED = "UNRESOLVED"
    ALREADY_HEALTHY = "ALREADY_HEALTHY"
    BLOCKED = "BLOCKED"
    NO_LINK = "NO_LINK"
    NO_ACCESS = "NO_ACCESS"
    UNREACHABLE = "UNREACHABLE"
    PAUSED = "PAUSED"
    LIMITED = "LIMITED"
    OBSERVED = "OBSERVED"
    JOINED = "JOINED"
    STOOD_DOWN = "STOOD_DOWN"
    IGNORED = "IGNORED"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


Tone = Literal["none", "normal", "urgent"]


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from an outcome.

    `raises`: Lambda is asked to deliver the event again. `tone`: how it is reported, once an incident. `ask`: what is
    asked of the person who reads it.
    """

    raises: bool
    tone: Tone
    ask: str


CONSEQUENCES: Final[dict[Outcome, Consequence]] = {
    Outcome.HEALED: Consequence(False, "normal", "Nothing now; read the incident in the morning."),
    Outcome.UNRESOLVED: Consequence(
        True, "urgent", "The report link didn't end the failure: look at the shop and the factory."
    ),
    Outcome.ALREADY_HEALTHY: Consequence(False, "normal", "Nothing: orders are good again."),
    Outcome.BLOCKED: Consequence(False, "urgent", "Judge the link's host by hand; it was not called."),
    Outcome.NO_LINK: Consequence(False, "urgent", "Orders fail and offer no report link: look."),
    Outcome.NO_ACCESS: Consequence(False, "urgent", "Check the diner's credentials, then the shop's database."),
    Outcome.UNREACHABLE: Consequence(True, "urgent", "Check that the shop is up and is the shop."),
    Outcome.PAUSED: Consequence(
        False, "urgent", "The remediator is paused and the shop fails: heal by hand, or resume."
    ),
    Outcome.LIMITED: Consequence(
        False, "urgent", "The hour's calls are used up and the shop fails again: find out why."
    ),
    Outcome.OBSERVED: Consequence(False, "normal", "Mode is observe: heal by hand, or set the mode to act."),
    Outcome.JOINED: Consequence(False, "none", ""),
    Outcome.STOOD_DOWN: Consequence(False, "none", ""),
    Outcome.IGNORED: Consequence(False, "none", ""),
    Outcome.REFUSED: Consequence(False, "none", ""),
    Outcome.FAILED: Consequence(True, "none", "Something on our own side failed: run remediator doctor."),
}


@dataclass(frozen=True, slots=True)
class Result:
    """How one delivered alarm ended: the outcome, one sentence why, and the incident it belongs to.

    `phases` in milliseconds, and how many calls were left in the hour, if it got so far as to check.
    """

    outcome: Outcome
    reason: str
    incident: str | None = None
    phases: Mapping[str, int] = field(default_factory=dict)
    calls_left: int | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """The record of one delivered alarm. `sent`: when the topic took it; `holder`: request id and record index."""

    sent: datetime
    holder: str
    verdict: str
    alarms: tuple[str, ...]
    result: Result


def supersedes(record: DeliveryRecord, known: Outcome) -> bool:
    """Whether a record takes the place of an earlier one of the same delivery. A run that only joined, as one does that
    its own twin overtook, doesn't hide how the delivery ended, unless that was to be tried again.
    """
    return record.result.outcome is not Outcome.JOINED or CONSEQUENCES[known].raises
