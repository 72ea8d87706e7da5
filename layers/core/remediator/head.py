"""The target's state: one append-only log, the head that is its last line kept handy, and every judgement on them.

All of this is pure: a judgement takes the head, the facts and the time, and returns either a `Change`, to be
committed as it is, or a value that says why there is none. Times are aware UTC datetimes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from remediator.masking import unclickable
from remediator.outcome import CONSEQUENCES, Outcome

FORMAT: Final = 1
CALLS_A_RUN: Final = 3
HOUR: Final = timedelta(hours=1)
MESSAGE_PART: Final = 300  # characters of a reason or an alarm's name in a message
FLAPPING: Final = 3  # healings within the hour, from which on people are told so

Mode = Literal["observe", "act"]


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on the incident, until when.

    `owner` is request id and record index, so that the platform's retry continues at once; `run` tells this very
    process from its twin under the same owner.
    """

    owner: str
    run: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a report link that was intended; `answered` once its answer was written."""

    fingerprint: str
    run: str
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """The open incident: from the first wake to a healthy sample. `before`: the one that ended in the hour before."""

    id: str
    alarm: str
    opened_at: datetime
    first_v: int
    lease: Lease | None
    before: str | None = None
    wakes: int = 1
    calls: tuple[Call, ...] = ()
    told: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """A person's stop. Without `until` it holds until somebody resumes."""

    why: str
    who: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message to people, not yet sent. `owner` sends it; from `until` on whoever comes by."""

    id: str
    subject: str
    text: str
    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """The target's state after log entry `v`, whose hash is `hash`. The default is a target never seen before.

    `healed` and `calls` are the times of the last hour's healings and calls.
    """

    v: int = 0
    hash: str = ""
    incident: Incident | None = None
    last_incident: str | None = None
    healed: tuple[datetime, ...] = ()
    covered_until: datetime | None = None
    last_wake: datetime | None = None
    mode: Mode | None = None
    pause: Pause | None = None
    calls: tuple[datetime, ...] = ()
    outbox: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `data` is one canonical JSON string; `hash` covers it and the hash before."""

    v: int
    kind: str
    incident: str | None
    at: datetime
    data: str
    hash: str


@dataclass(frozen=True, slots=True)
class Summary:
    """One incident at a glance. `outcome` is the latest, final once `ended_at` is set; `phases` in milliseconds."""

    id: str
    alarm: str
    opened_at: datetime
    first_v: int
    last_v: int
    calls: int
    before: str | None = None
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    phases: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What `commit` writes in one transaction: the new head, the entries behind it, the incident's summary.

    `unless_woken_after`: it is written only if no wake newer than that was noted.
    """

    new: Head
    entries: tuple[Entry, ...]
    summary: Summary | None = None
    unless_woken_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The template's limits. `mode` is the ceiling: a person can only lower it."""

    mode: Mode = "act"
    calls_an_hour: int = 6


@dataclass(frozen=True, slots=True)
class Wake:
    """One delivered alarm that asks for a look. `sent` is the time the topic took it."""

    owner: str
    run: str
    sent: datetime
    alarm: str
    reason: str


@dataclass(frozen=True, slots=True)
class Covered:
    """The alarm was sent before the sample that closed the last incident."""

    incident: str | None


@dataclass(frozen=True, slots=True)
class Join:
    """A live lease is somebody else's."""

    incident: str
    owner: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """Another run took the incident over: nothing may be written or called any more."""


@dataclass(frozen=True, slots=True)
class Woken:
    """An alarm was sent after the look began: look once more."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The call is not permitted now."""

    outcome: Outcome
    reason: str


# Why a judgement asks for no change.
type NoChange = Covered | Join | Denied | Superseded | Woken


def stamp(at: datetime) -> str:
    """A time as it stands in keys and log lines: UTC to the millisecond, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def chained(before: str, v: int, kind: str, incident: str | None, at: datetime, data: str) -> str:
    """The hash of a log line: SHA-256 in hex over the hash before and everything in the line."""
    line = json.dumps([before, v, kind, incident, stamp(at), data], ensure_ascii=False)
    return hashlib.sha256(line.encode()).hexdigest()


def claim(head: Head, wake: Wake, now: datetime, until: datetime) -> Covered | Join | Change:
    """Whether this wake opens an incident or continues one, joins a run under way, or is covered already."""
    incident = head.incident
    lease = incident.lease if incident else None
    mine = lease is not None and lease.owner == wake.owner
    if not mine and head.covered_until is not None and wake.sent <= head.covered_until:
        return Covered(head.last_incident)
    if incident and lease and not mine and lease.until > now:
        return Join(incident.id, lease.owner)
    held = Lease(wake.owner, wake.run, until)
    if incident:
        kind, claimed = "continued", replace(incident, lease=held, wakes=incident.wakes + 1)
    else:
        name = f"{now:%Y%m%dT%H%M%SZ}-{wake.run[:4]}"
        before = head.last_incident if _recent(head.healed, now) else None
        kind, claimed = "opened", Incident(name, wake.alarm, now, head.v + 1, held, before)
    data = {
        "alarm": wake.alarm,
        "why": wake.reason,
        "sent": stamp(wake.sent),
        "owner": wake.owner,
        "run": wake.run,
        "lease_until": stamp(until),
        **({"relapse_of": claimed.before} if claimed.before and kind == "opened" else {}),
    }
    return _change(replace(head, incident=claimed), claimed, now, kind, data)


def intend(
    head: Head,
    run: str,
    now: datetime,
    policy: Policy,
    fingerprint: str,
    evidence: Mapping[str, Any],
) -> Change | Denied | Superseded:
    """The permit, judged in the very commit that writes the intent: the last moment before the act."""
    incident = _held(head, run)
    if incident is None:
        return Superseded()
    recent = _recent(head.calls, now)
    if denied := _denied(head, incident, run, now, policy, fingerprint, len(recent)):
        return denied
    called = replace(incident, calls=(*incident.calls, Call(fingerprint, run)))
    new = replace(head, incident=called, calls=(*recent, now))
    return _change(new, called, now, "intent", {"run": run, **evidence})


def answered(head: Head, run: str, now: datetime, *, whole: bool, evidence: Mapping[str, Any]) -> Change | Superseded:
    """Write the answer to the last call. One that isn't `whole` leaves the call unanswered: it may be repeated."""
    incident = _held(head, run)
    if incident is None or not incident.calls:
        return Superseded()
    calls = (*incident.calls[:-1], replace(incident.calls[-1], answered=whole))
    noted = replace(incident, calls=calls)
    return _change(replace(head, incident=noted), noted, now, "answer", {"run": run, **evidence})


def close(
    head: Head, run: str, now: datetime, began: datetime, reason: str, phases: Mapping[str, int]
) -> Change | Woken | Superseded:
    """End the incident on a healthy sample that began at `began`: HEALED if a call of ours is counted."""
    incident = _held(head, run)
    if incident is None or incident.lease is None:
        return Superseded()
    if head.last_wake is not None and head.last_wake > began:
        return Woken()
    outcome = Outcome.HEALED if incident.calls else Outcome.ALREADY_HEALTHY
    healed = _recent(head.healed, now)
    if outcome is Outcome.HEALED:
        healed = (*healed, now)
    flapping = len(healed) if outcome is Outcome.HEALED and len(healed) >= FLAPPING else 0
    if flapping:
        reason = f"{reason}; flapping: this is healing {flapping} within the hour"
    new = replace(head, incident=None, last_incident=incident.id, covered_until=began, healed=healed)
    data = {"run": run, "outcome": outcome, "evidence": reason, "began": stamp(began), "phases": phases}
    change = replace(_ended(new, incident, now, "closed", data), unless_woken_after=began)
    if outcome is Outcome.HEALED or incident.wakes > 1:
        return _told(change, incident, incident.lease, now, urgent=bool(flapping))
    return change


def release(
    head: Head,
    run: str,
    now: datetime,
    began: datetime,
    outcome: Outcome,
    reason: str,
    phases: Mapping[str, int],
) -> Change | Woken | Superseded:
    """Let go of an incident that isn't healed: it stays open, any later wake continues it.

    A wake that came after the look began, at `began`, asks for one more look, unless the platform comes again anyway.
    """
    incident = _held(head, run)
    if incident is None or incident.lease is None:
        return Superseded()
    follows = CONSEQUENCES[outcome]
    if not follows.raises and head.last_wake is not None and head.last_wake > began:
        return Woken()
    told = follows.tone != "none" and outcome not in incident.told
    left = replace(incident, lease=None, told=(*incident.told, outcome) if told else incident.told)
    data = {"run": run, "outcome": outcome, "evidence": reason, "phases": phases}
    change = _ended(replace(head, incident=left), left, now, "released", data)
    change = replace(change, unless_woken_after=None if follows.raises else began)
    return _told(change, left, incident.lease, now, urgent=follows.tone == "urgent") if told else change


def pause(head: Head, now: datetime, why: str, who: str, until: datetime | None) -> Change:
    """A person's stop. It is seen by the next permit, also of a run that is under way."""
    data = {"why": why, "who": who, "until": stamp(until) if until else None}
    return _change(replace(head, pause=Pause(why, who, until)), None, now, "paused", data)


def resume(head: Head, now: datetime, who: str) -> Change | None:
    """The end of a pause; None where there is none."""
    return _change(replace(head, pause=None), None, now, "resumed", {"who": who}) if head.pause else None


def set_mode(head: Head, now: datetime, mode: Mode, why: str, who: str) -> Change:
    """A person's mode. The template's is the ceiling: `act` under a template of `observe` changes nothing."""
    return _change(replace(head, mode=mode), None, now, "mode", {"mode": mode, "why": why, "who": who})


def unsent(head: Head, owner: str, now: datetime) -> tuple[Message, ...]:
    """The messages this owner has to send: its own, and those whose sender is overdue."""
    return tuple(m for m in head.outbox if m.owner == owner or m.until <= now)


def told(head: Head, sent: Sequence[str], now: datetime) -> Change | None:
    """Take the messages that were sent out of the head; None where somebody did already."""
    left = tuple(m for m in head.outbox if m.id not in sent)
    if left == head.outbox:
        return None
    return _change(replace(head, outbox=left), None, now, "told", {"messages": list(sent)})


def _recent(times: Sequence[datetime], now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in times if now - at < HOUR)


def _held(head: Head, run: str) -> Incident | None:
    incident = head.incident
    return incident if incident and incident.lease and incident.lease.run == run else None


def calls_left(head: Head, now: datetime, policy: Policy) -> int:
    """How many report links may still be called in this sliding hour."""
    return max(0, policy.calls_an_hour - sum(now - call < HOUR for call in head.calls))


def _denied(
    head: Head,
    incident: Incident,
    run: str,
    now: datetime,
    policy: Policy,
    fingerprint: str,
    recent: int,
) -> Denied | None:
    """Why the call may not be made now, the strongest reason first."""
    pause = head.pause
    if pause and (pause.until is None or pause.until > now):
        return Denied(Outcome.PAUSED, f"paused by {pause.who}: {pause.why}")
    if "observe" in (policy.mode, head.mode):
        return Denied(Outcome.OBSERVED, "mode is observe; in mode act the report link would have been called")
    if recent >= policy.calls_an_hour:
        return Denied(
            Outcome.LIMITED,
            f"{recent} of {policy.calls_an_hour} calls of the last hour are used up",
        )
    if any(call.fingerprint == fingerprint and call.answered for call in incident.calls):
        return Denied(Outcome.UNRESOLVED, "the report link was called and answered, and orders still fail")
    if sum(call.run == run for call in incident.calls) >= CALLS_A_RUN:
        return Denied(Outcome.UNRESOLVED, f"{CALLS_A_RUN} calls in this run didn't end the failure")
    return None


def _ended(new: Head, incident: Incident, now: datetime, kind: str, data: Mapping[str, Any]) -> Change:
    """The change that gives the lease back, with the incident's summary."""
    change = _change(new, incident, now, kind, data)
    summary = Summary(
        id=incident.id,
        alarm=incident.alarm,
        opened_at=incident.opened_at,
        first_v=incident.first_v,
        last_v=change.new.v,
        calls=len(incident.calls),
        before=incident.before,
        outcome=data["outcome"],
        ended_at=now if kind == "closed" else None,
        phases=data["phases"],
    )
    return replace(change, summary=summary)


def _told(change: Change, incident: Incident, lease: Lease, now: datetime, *, urgent: bool) -> Change:
    """The change with a message to people in the head's outbox: what, how long, what is asked, where to see more.

    Short, and with nothing in it that a mail program makes a link of: a host in it could be the factory's.
    """
    data = json.loads(change.entries[-1].data)
    outcome = Outcome(data["outcome"])
    relapse = f", a relapse of {incident.before}" if incident.before else ""
    text = (
        f"{outcome}: {_short(data['evidence'])}\n"
        f"Incident {incident.id}{relapse}, woken {(now - incident.opened_at).total_seconds():.1f} s ago by "
        f"{_short(incident.alarm)}.\n"
        f"{CONSEQUENCES[outcome].ask}\n"
        f"More: remediator show {incident.id}\n"
        f"Log: {change.new.hash}\n"
    )
    subject = f"{'URGENT ' if urgent else ''}{outcome} {incident.id}"
    message = Message(f"{incident.id}/{outcome}", subject, unclickable(text), lease.owner, lease.until)
    return replace(change, new=replace(change.new, outbox=(*change.new.outbox, message)))


def _short(text: str) -> str:
    """On one line: an alarm's name is anybody's words, and must not pass for a line of ours."""
    return " ".join(text.split())[:MESSAGE_PART]


def _change(new: Head, incident: Incident | None, at: datetime, kind: str, data: Mapping[str, Any]) -> Change:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    name = incident.id if incident else None
    v = new.v + 1
    entry = Entry(v, kind, name, at, text, chained(new.hash, v, kind, name, at, text))
    summary = None
    if incident and kind == "opened":
        summary = Summary(incident.id, incident.alarm, at, v, v, calls=0, before=incident.before)
    return Change(replace(new, v=v, hash=entry.hash), (entry,), summary)
