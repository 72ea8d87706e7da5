"""The report's nine sections, in sentences made from the facts.

What the remediator can't know is a `Todo`, never a guess.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from remediator.endpoints import ENDPOINTS, ORDER
from remediator.outcome import CONSEQUENCES, Outcome
from remediator_cli.orders import Orders
from remediator_cli.report.facts import IncidentFacts
from remediator_cli.report.hashes import without_hashes
from remediator_cli.stats import BY_HAND, HEALED_BY_HAND, NOTICED_BY_HAND, format_duration
from remediator_cli.timeline import read_entries


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
    """What an outcome means in a report: what was seen ({what} failed), how it ended, what would prevent the next."""

    seen: str
    end: str
    prevent: str


WORDS: Final[Mapping[Outcome | None, Words]] = {
    Outcome.HEALED: Words(
        "{what} failed, and the shop's answers offered a report link.",
        "The report link was called, and all that had failed was good.",
        "The failure itself comes from the factory; what can be shortened is the time until somebody notices.",
    ),
    Outcome.ALREADY_HEALTHY: Words(
        "{what} failed at first; at a later check all was good.",
        "No call of the remediator ended it.",
        "A failure that ends by itself may come back: find out what ended it.",
    ),
    Outcome.UNRESOLVED: Words(
        "{what} failed, and what the remediator may do didn't end it.",
        "The remediator could not end the failure; the incident stays open until a sample is healthy.",
        "A failure that outlives its report link needs a person at the shop and at the factory.",
    ),
    Outcome.BLOCKED: Words(
        "{what} failed, and the link that was offered is not one that may be called.",
        "A person has to judge the link.",
        "If the link is the factory's, add its shape to the parameter AllowedReportLinks; else find out who wrote it.",
    ),
    Outcome.NO_LINK: Words(
        "{what} failed without offering a report link.",
        "There was no link to call.",
        "This failure is not one that a report ends: the shop or its supplier has to be repaired.",
    ),
    Outcome.NO_ACCESS: Words(
        "The shop refused the remediator's login, so it could not see if orders fail.",
        "Without a login nothing can be sampled.",
        "Keep a diner for the remediator alone, its password in the secret. A shop without its database refuses too.",
    ),
    Outcome.UNREACHABLE: Words(
        "The shop did not answer, or something else answered in its place.",
        "The shop has to be up first.",
        "A shop that is down needs its own repair: see its deployment, its address and its certificate.",
    ),
    Outcome.RATE_LIMITED: Words(
        "The shop answered that it was asked too often, so nobody could see if orders fail.",
        "Each request waits until the shop takes it again.",
        "Let the shop's limits leave room for canary and checks: remediator doctor says how much they need.",
    ),
    Outcome.PAUSED: Words(
        "{what} failed with a report link, and a person had paused the remediator.",
        "The pause held.",
        "Give every pause an end with --until, so that nobody has to remember it.",
    ),
    Outcome.LIMITED: Words(
        "{what} failed with a report link, and the calls of the hour were used up.",
        "The limit held.",
        "A failure that comes back this often has a cause that reports don't end.",
    ),
    Outcome.OBSERVED: Words(
        "{what} failed with a report link, and the mode was observe.",
        "In mode act the link would have been called.",
        "When you have seen it decide rightly, deploy with Mode=act.",
    ),
    Outcome.FAILED: Words(
        "The remediator could not do its work.",
        "The reason names what failed on the remediator's own side.",
        "A part of the remediator's own installation is broken: remediator doctor names it.",
    ),
    None: Words(
        "The check is still running.",
        "Nothing has ended yet.",
        "Write the report again when the incident has ended.",
    ),
}


_EXPIRED: Final = "Its part of the audit log has expired."


def sections(facts: IncidentFacts) -> tuple[Section, ...]:
    """All nine, in the team's order."""
    return tuple(Section(title, tuple(map(_readable, write(facts)))) for title, write in NINE.items())


def when(at: datetime) -> str:
    """A time in a sentence: UTC, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _summary(facts: IncidentFacts) -> list[Told]:
    incident, words = facts.incident, WORDS[facts.outcome]
    state = (
        f"It ended {facts.outcome} after {format_duration(facts.seconds_open)}." if incident.ended_at else _open(facts)
    )
    relapse = [f"It is a relapse of incident {incident.relapse_of}."] if incident.relapse_of else []
    triggered = f"At {when(incident.opened_at)} {incident.alarm} triggered the remediator."
    return [f"{triggered} {words.seen.format(what=_what(facts))} {_called(facts)} {state}", *relapse]


def _detection(facts: IncidentFacts) -> list[Told]:
    claims = facts.data("claimed")
    sent = f", sent at {when(datetime.fromisoformat(claims[0]['sent']))}" if claims else ""
    taken = when(facts.incident.opened_at)
    told: list[Told] = [f"{facts.incident.alarm} noticed it{sent}. The remediator began its check at {taken}."]
    joined = sum(alarm["outcome"] == Outcome.JOINED for alarm in facts.alarms)
    if joined:
        told.append(f"{joined} more delivered alarm{_s(joined)} joined it.")
    if facts.seconds_to_notice is None:
        why = facts.orders if isinstance(facts.orders, str) else "The shop's metric shows no failed order around it."
        told += [why, Todo("When did the first order fail, and how long did it go unnoticed?")]
    elif facts.began and isinstance(facts.orders, Orders):
        told.append(
            f"The shop's metric shows the first failed order in the {_period(facts.orders)} from "
            f"{when(facts.began)}: {format_duration(facts.seconds_to_notice)} until the trigger. "
            f"On 2025-04-08 it took {format_duration(NOTICED_BY_HAND)}."
        )
        if not facts.orders.exact:
            told.append(Todo("It may have begun earlier: no good order is known before it. When?"))
    return told


def _impact(facts: IncidentFacts) -> list[Told]:
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
        "The metric counts orders, not people; it may count the remediator's own samples among them.",
        ask,
    ]


def _timeline(facts: IncidentFacts) -> list[Told]:
    if not facts.log:
        return [f"Its part of the audit log is altered: {facts.fault}." if facts.fault else _EXPIRED]
    intact = f"altered: {facts.fault}" if facts.fault else "intact"
    first, last = facts.log[0].v, facts.log[-1].v
    return [f"Entries {first} to {last} of the audit log, which is {intact}. Seconds count from the trigger."]


def _response(facts: IncidentFacts) -> list[Told]:
    ran = _times(len(facts.data("claimed")))
    told: list[Told] = [f"The remediator was triggered {ran}. It checks the shop by real orders of its own diner."]
    controls = [entry for entry in facts.log if entry.kind in ("paused", "resumed", "mode")]
    for line in read_entries(controls, facts.incident.opened_at):
        told.append(f"{line.who} {line.what}{f' ({line.evidence})' if line.evidence else ''} at {when(line.at)}.")
    sent = sum(len(data["notifications"]) for data in facts.data("notified"))
    told.append(f"{sent} notification{_s(sent)} went out." if sent else "No notification went out.")
    if not facts.log:
        told = ["How often it was triggered, and how many notifications it sent, isn't known any more."]
    if facts.outcome is Outcome.HEALED:
        told.append(
            f"From the trigger to the healthy order it took {format_duration(facts.seconds_open)}; "
            f"by hand on 2025-04-08 {format_duration(HEALED_BY_HAND)}, and {format_duration(BY_HAND)} with the time "
            "until somebody noticed."
        )
    told.append(Todo("What did people do, and when?"))
    return told


def _root_cause(facts: IncidentFacts) -> list[Told]:
    shown = facts.data("intent") or facts.data("finished")
    told: list[Told] = [f"What the samples showed: {shown[0]['evidence']}."] if shown else []
    if facts.data("intent"):
        told.append(f"That is the failure known as “{shown[0]['diagnosis']}”: a chaos at the factory.")
    return [*told, Todo("Why did it begin? The remediator sees the shop's answers and nothing behind them.")]


def _resolution(facts: IncidentFacts) -> list[Told]:
    told: list[Told] = [WORDS[facts.outcome].end]
    for intent, answer in facts.calls:
        told.append(_call(intent, answer))
    if not facts.calls:
        told.append(_called(facts))
    latest = facts.data("finished")
    if latest and facts.incident.ended_at:
        told.append(f"What showed it: {latest[-1]['evidence']}.")
    else:
        told += [f"The reason on record: {latest[-1]['evidence']}."] if latest else []
        told.append(Todo("What ended the failure, and when?"))
    return told


def _prevention(facts: IncidentFacts) -> list[Told]:
    return [WORDS[facts.outcome].prevent, Todo("What would have kept it from happening, or from being noticed late?")]


def _actions(facts: IncidentFacts) -> list[Told]:
    asked = [CONSEQUENCES[facts.outcome].ask] if facts.outcome and CONSEQUENCES[facts.outcome].ask else []
    return [*asked, Todo("What else has to be done, by whom, until when?")]


NINE: Final[Mapping[str, Callable[[IncidentFacts], list[Told]]]] = {
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


def _readable(told: Told) -> Told:
    return without_hashes(told) if isinstance(told, str) else told


def _what(facts: IncidentFacts) -> str:
    """What failed when it was opened; orders, if the log has expired."""
    first, *others = (facts.data("opened") or [{"endpoints": [ORDER]}])[0]["endpoints"]
    name = ENDPOINTS[first].fails.rpartition(" ")[0]
    return f"{name[0].upper()}{name[1:]}{f' and {len(others)} more endpoints' if others else ''}"


def _called(facts: IncidentFacts) -> str:
    """By the log: the incident's summary is as old as its last check's end, and an intent alone is no call.

    The summary counts if the log has expired.
    """
    made = sum(answer is not None for _, answer in facts.calls) if facts.log else facts.incident.calls
    if made:
        return f"It called the report link {_times(made)}."
    decided = "It decided to call the report link; no answer is on record."
    return decided if facts.calls else "No report link was called."


def _call(intent: Mapping[str, Any], answer: Mapping[str, Any] | None) -> str:
    link = f"the link at {intent['host']}"
    if answer is None:
        return f"It decided to call {link}. No answer is on record: whether the call went out isn't known."
    if answer["status"] is None:
        return f"It called {link}. No answer came: {answer['fault']}."
    return f"It called {link}. The answer was {answer['status']}, “{answer['says']}”."


def _open(facts: IncidentFacts) -> str:
    latest = f" The latest outcome is {facts.outcome}." if facts.outcome else ""
    return f"It is still open, after {format_duration(facts.seconds_open)}.{latest}"


def _period(counted: Orders) -> str:
    return f"{counted.period} seconds"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _s(count: int, one: str = "", more: str = "s") -> str:
    return one if count == 1 else more
