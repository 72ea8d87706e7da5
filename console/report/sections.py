"""The report's nine sections, in sentences made from the facts.

What the machine can't know is a `Todo`, never a guess.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from console.orders import Orders
from console.report.facts import Facts
from console.stats import BY_HAND, HEALED_BY_HAND, NOTICED_BY_HAND, lasting
from console.timeline import lines
from remediator.outcome import CONSEQUENCES, Outcome


@dataclass(frozen=True, slots=True)
class Todo:
    """What a person has to add, in the words of a question."""

    text: str


type Told = str | Todo


@dataclass(frozen=True, slots=True)
class Section:
    """One heading and the sentences under it."""

    title: str
    told: tuple[Told, ...]

    @property
    def anchor(self) -> str:
        return self.title.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Words:
    """What an outcome means in a report: what was seen, how it ended, and what would prevent the next."""

    seen: str
    end: str
    prevent: str


WORDS: Final[Mapping[Outcome | None, Words]] = {
    Outcome.HEALED: Words(
        "Orders failed, and the shop's answers offered a report link.",
        "The report link was called, and a fresh order was good.",
        "The failure itself comes from the factory; what can be shortened is the time until somebody notices.",
    ),
    Outcome.ALREADY_HEALTHY: Words(
        "When the machine looked, orders were good.",
        "Orders were good again without a call.",
        "An alarm that wakes the machine while orders are good may be too eager, or have come late.",
    ),
    Outcome.UNRESOLVED: Words(
        "Orders failed, and what the machine may do didn't end it.",
        "The machine could not end the failure; the incident stays open until a sample is healthy.",
        "A failure that outlives its report link needs a person at the shop and at the factory.",
    ),
    Outcome.BLOCKED: Words(
        "Orders failed, and the link they offered is not one that may be called.",
        "A person has to judge the link.",
        "If the host is right, add it to the parameter AllowedReportHosts; if it is not, find out who wrote it there.",
    ),
    Outcome.NO_LINK: Words(
        "Orders failed without offering a report link.",
        "There was no link to call.",
        "This failure is not one that a report ends: the shop or its supplier has to be repaired.",
    ),
    Outcome.NO_ACCESS: Words(
        "The machine was not let in, so it could not see whether orders fail.",
        "Without a login nothing can be sampled.",
        "Keep a diner for the machine alone, and its password in the secret; a shop without its database also refuses.",
    ),
    Outcome.UNREACHABLE: Words(
        "The shop did not answer, or something else answered in its place.",
        "The shop has to be up first.",
        "A shop that is down needs its own repair: see its deployment, its address and its certificate.",
    ),
    Outcome.PAUSED: Words(
        "Orders failed with a report link, and a person had paused the machine.",
        "The pause held.",
        "Give every pause an end with --until, so that nobody has to remember it.",
    ),
    Outcome.LIMITED: Words(
        "Orders failed with a report link, and the calls of the hour were used up.",
        "The limit held.",
        "A failure that comes back this often has a cause that reports don't end.",
    ),
    Outcome.OBSERVED: Words(
        "Orders failed with a report link, and the machine was set to observe.",
        "In mode act the link would have been called.",
        "When you have seen it judge rightly, deploy with Mode=act.",
    ),
    Outcome.FAILED: Words(
        "The machine could not do its work.",
        "The reason names what failed on our own side.",
        "A part of our own installation is broken: the doctor names it.",
    ),
    None: Words(
        "The machine is still looking.",
        "Nothing has ended yet.",
        "Write the report again when the incident has ended.",
    ),
}


def sections(facts: Facts) -> tuple[Section, ...]:
    """All nine, in the team's order."""
    return tuple(Section(title, tuple(write(facts))) for title, write in NINE.items())


def when(at: datetime) -> str:
    """A time in a sentence: UTC, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _summary(facts: Facts) -> list[Told]:
    incident, words = facts.incident, WORDS[facts.outcome]
    state = f"It ended {facts.outcome} after {lasting(facts.seconds_open)}." if incident.ended_at else _open(facts)
    relapse = [f"It is a relapse of incident {incident.before}."] if incident.before else []
    woken = f"At {when(incident.opened_at)} the machine was woken by {incident.alarm}."
    return [f"{woken} {words.seen} {_called(facts)} {state}", *relapse]


def _detection(facts: Facts) -> list[Told]:
    opened = facts.data("opened")
    sent = f", sent at {when(datetime.fromisoformat(opened[0]['sent']))}" if opened else ""
    taken = when(facts.incident.opened_at)
    told: list[Told] = [f"{facts.incident.alarm} noticed it{sent}. The machine took it up at {taken}."]
    joined = sum(alarm["outcome"] == Outcome.JOINED for alarm in facts.alarms)
    if joined:
        told.append(f"{joined} more delivered alarm{_s(joined)} joined it.")
    if facts.seconds_to_notice is None:
        why = facts.orders if isinstance(facts.orders, str) else "The shop's metric shows no failed order around it."
        told += [why, Todo("When did the first order fail, and how long did it go unnoticed?")]
    elif facts.began and isinstance(facts.orders, Orders):
        told.append(
            f"The shop's metric shows the first failed order in the {_period(facts.orders)} from "
            f"{when(facts.began)}: {lasting(facts.seconds_to_notice)} until the wake. On 2025-04-08 it took people "
            f"{lasting(NOTICED_BY_HAND)}."
        )
        if not facts.orders.exact:
            told.append(Todo("It may have begun earlier: no good order is known before it. When?"))
    return told


def _impact(facts: Facts) -> list[Told]:
    ask = Todo("Who was affected, how many people, and what did it cost?")
    if isinstance(facts.orders, str):
        return [facts.orders, Todo("How many orders failed?"), ask]
    if not facts.orders.failed:
        return ["The shop's metric counts no failed order in that stretch.", ask]
    failed, placed = facts.orders.failed, facts.orders.placed
    return [
        f"{failed} order{_s(failed)} failed, of {placed} placed in that stretch, counted in steps of "
        f"{_period(facts.orders)}. "
        f"That is at most {failed} {'person' if failed == 1 else 'people'}, if nobody tried twice.",
        "The metric counts orders, not people; it may count the machine's own samples among them.",
        ask,
    ]


def _timeline(facts: Facts) -> list[Told]:
    if not facts.log:
        return ["Its log has expired."]
    whole = f"altered: {facts.fault}" if facts.fault else "whole"
    last = facts.log[-1]
    return [
        f"Entries {facts.log[0].v} to {last.v} of the log, which is {whole}. Seconds count from the first wake. "
        f"Last hash: {last.hash}."
    ]


def _response(facts: Facts) -> list[Told]:
    wakes = len(facts.data("opened", "continued"))
    told: list[Told] = [f"The machine was woken {_times(wakes)}. It looks by real orders of its own diner."]
    brakes = [entry for entry in facts.log if entry.kind in ("paused", "resumed", "mode")]
    for line in lines(brakes, facts.incident.opened_at):
        told.append(f"{line.who} {line.what}{f' ({line.evidence})' if line.evidence else ''} at {when(line.at)}.")
    messages = sum(len(data["messages"]) for data in facts.data("told"))
    told.append(f"{messages} message{_s(messages)} went to people." if messages else "No message went to people.")
    if facts.outcome is Outcome.HEALED:
        told.append(
            f"From the wake to the healthy order it took {lasting(facts.seconds_open)}; by hand on 2025-04-08 "
            f"{lasting(HEALED_BY_HAND)}, and {lasting(BY_HAND)} with the time until somebody noticed."
        )
    told.append(Todo("What did people do, and when?"))
    return told


def _root_cause(facts: Facts) -> list[Told]:
    shown = facts.data("intent") or facts.data("closed", "released")
    told: list[Told] = [f"What the samples showed: {shown[0]['evidence']}."] if shown else []
    if facts.data("intent"):
        told.append(f"That is the failure the machine knows as “{shown[0]['diagnosis']}”: a chaos at the factory.")
    return [*told, Todo("Why did it begin? The machine sees the shop's answers and nothing behind them.")]


def _resolution(facts: Facts) -> list[Told]:
    told: list[Told] = [WORDS[facts.outcome].end]
    for intent, answer in facts.calls:
        told.append(_call(intent, answer))
    if not facts.calls:
        told.append(_called(facts))
    ended = facts.data("closed")
    if ended:
        told.append(f"The order that showed it: {ended[-1]['evidence']}.")
    else:
        latest = facts.data("released")
        told += [f"The reason on record: {latest[-1]['evidence']}."] if latest else []
        told.append(Todo("What ended the failure, and when?"))
    return told


def _prevention(facts: Facts) -> list[Told]:
    return [WORDS[facts.outcome].prevent, Todo("What would have kept it from happening, or from being noticed late?")]


def _actions(facts: Facts) -> list[Told]:
    asked = [CONSEQUENCES[facts.outcome].ask] if facts.outcome and CONSEQUENCES[facts.outcome].ask else []
    return [*asked, Todo("What else has to be done, by whom, until when?")]


NINE: Final[Mapping[str, Callable[[Facts], list[Told]]]] = {
    "Summary": _summary,
    "Detection": _detection,
    "Impact": _impact,
    "Timeline": _timeline,
    "Response": _response,
    "Root cause": _root_cause,
    "Resolution": _resolution,
    "Prevention": _prevention,
    "Action items": _actions,
}


def _called(facts: Facts) -> str:
    """By the log: the incident's summary is as old as its last ending, and an intent alone is no call.

    The summary counts where the log has expired.
    """
    made = sum(answer is not None for _, answer in facts.calls) if facts.log else facts.incident.calls
    if made:
        return f"It called the report link {_times(made)}."
    decided = "It decided to call the report link; no answer is on record."
    return decided if facts.calls else "No report link was called."


def _call(intent: Mapping[str, Any], answer: Mapping[str, Any] | None) -> str:
    link = f"the link at {intent['host']}, fingerprint {intent['link']}"
    if answer is None:
        return f"It decided to call {link}. No answer is on record: whether the call went out isn't known."
    if answer["status"] is None:
        return f"It called {link}. No answer came: {answer['fault']}."
    return f"It called {link}. The answer was {answer['status']}, “{answer['says']}”."


def _open(facts: Facts) -> str:
    latest = f" The latest outcome is {facts.outcome}." if facts.outcome else ""
    return f"It is still open, after {lasting(facts.seconds_open)}.{latest}"


def _period(counted: Orders) -> str:
    return f"{counted.period} seconds"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _s(count: int, one: str = "", more: str = "s") -> str:
    return one if count == 1 else more
