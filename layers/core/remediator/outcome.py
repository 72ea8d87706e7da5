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
    RATE_LIMITED = "RATE_LIMITED"
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

    `raises`: Lambda is asked to deliver the event again. `tone`: how it is reported. `brief`: what happened, for a
    subject, and `happened` in a sentence; in them {fails} stands for what fails, {login} for whose login, {unseen} for
    what nobody can see without it. `ask`: what is asked of the reader.
    """

    raises: bool
    tone: Tone
    brief: str = ""
    happened: str = ""
    ask: str = ""


CONSEQUENCES: Final[dict[Outcome, Consequence]] = {
    Outcome.HEALED: Consequence(
        False, "normal", "the report link ended it",
        "the report link was called, and the next order succeeded.", "Nothing to do tonight."),
    Outcome.UNRESOLVED: Consequence(
        True, "urgent", "{fails}, not healed",
        "{fails}, and the remediator could not end it.", "Look at the shop and the factory now."),
    Outcome.ALREADY_HEALTHY: Consequence(
        False, "normal", "the shop recovered",
        "the shop is healthy again. The remediator did not end the failure: it ended by itself, or a person ended it.",
        "Nothing to do tonight."),
    Outcome.BLOCKED: Consequence(
        False, "urgent", "{fails}, link not allowed",
        "{fails}, and the report link was not called, because the guard refused it.",
        "Do not open it either unless you know where it leads."),
    Outcome.NO_LINK: Consequence(
        False, "urgent", "{fails}, no report link",
        "{fails} without a report link, so the remediator can't end it.", "Repair the shop by hand."),
    Outcome.NO_ACCESS: Consequence(
        False, "urgent", "{login} failed",
        "the {login} failed{unseen}.",
        "Check the credentials in the secret, then the shop's database."),
    Outcome.UNREACHABLE: Consequence(
        True, "urgent", "no answer from the shop",
        "the shop does not answer, or something else answers in its place.",
        "Check that the shop is up, and that the setting ShopUrl is right."),
    Outcome.RATE_LIMITED: Consequence(
        False, "urgent", "can't check the shop (429)",
        "the shop answers 429, too many requests, so the remediator can't tell whether orders fail.",
        "Place an order yourself."),
    Outcome.PAUSED: Consequence(
        False, "urgent", "{fails}, paused",
        "{fails}, and nothing was called because the remediator is paused.",
        "Heal it by hand, or run remediator resume."),
    Outcome.LIMITED: Consequence(
        False, "urgent", "{fails}, no calls left",
        "{fails}, and no more calls are allowed within this hour.",
        "Heal it by hand, and find out why it fails so often."),
    Outcome.OBSERVED: Consequence(
        False, "urgent", "{fails}, mode is observe",
        "{fails}, and nothing was called because the mode is observe.", "Heal it by hand, or set the mode to act."),
    Outcome.JOINED: Consequence(False, "none"),
    Outcome.STOOD_DOWN: Consequence(False, "none"),
    Outcome.IGNORED: Consequence(False, "none"),
    Outcome.REFUSED: Consequence(
        False, "none", "an event was no alarm",
        "the remediator was invoked with something that is not an alarm, so an alarm may be wired wrongly.",
        "Find out who sends it."),
    Outcome.FAILED: Consequence(True, "none", ask="Something on our own side failed: run remediator doctor."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """How one delivered alarm ended: the outcome, one sentence why, and the incident it belongs to.

    `phases` in milliseconds, and how many calls were left in the hour, if it got so far as to check. `retry`: Lambda is
    asked to deliver the event again.
    """

    outcome: Outcome
    reason: str
    incident: str | None = None
    phases: Mapping[str, int] = field(default_factory=dict)
    calls_left: int | None = None
    retry: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """The record of one delivered alarm. `sent`: when the topic took it; `holder`: request id and record index.

    `alarms`: the first of them, and how many more there were.
    """

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
