"""Every decision on the state, as a pure function of the state, the facts and the time.

Each returns the `Change` to commit as it is, or a value that says why there is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from remediator.audit import format_timestamp, next_entry
from remediator.notifications import with_notification
from remediator.outcome import CONSEQUENCES, Outcome
from remediator.state import Call, Change, Check, Incident, Lease, Limits, Mode, Notification, Pause, State, Summary

CALLS_A_RUN: Final = 3
FLAPPING: Final = 3  # healings within the hour, from which on the notification says so


@dataclass(frozen=True, slots=True)
class Trigger:
    """One delivered alarm that asks for a check. `sent` is the time the topic took it."""

    holder: str
    run: str
    sent: datetime
    alarm: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: the outcome, if it is written now; why; when the check began; whether any sample failed."""

    outcome: Outcome
    reason: str
    began: datetime
    failing: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that is wanted: the link's fingerprint, and what the samples showed, for the audit log."""

    fingerprint: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlreadyCovered:
    """The alarm was sent before the last healthy check began, which closed this incident, if any."""

    incident: str | None


@dataclass(frozen=True, slots=True)
class AlreadyInProgress:
    """Another run holds a live lease."""

    holder: str
    incident: str | None


@dataclass(frozen=True, slots=True)
class Superseded:
    """Another run took the check over: nothing may be written or called any more."""


@dataclass(frozen=True, slots=True)
class TriggeredMeanwhile:
    """An alarm was sent after the check began: check once more."""


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The state is as wanted already."""


type Unchanged = AlreadyCovered | AlreadyInProgress | Superseded | TriggeredMeanwhile | NothingToDo


def claim(
    state: State, trigger: Trigger, now: datetime, until: datetime
) -> Change | AlreadyCovered | AlreadyInProgress:
    """Begin a check for this alarm, or continue one, unless another run is at it or has covered it already."""
    check, incident = state.check, state.incident.id if state.incident else None
    mine = check is not None and check.lease.holder == trigger.holder
    if not mine and state.covered_until is not None and trigger.sent <= state.covered_until:
        return AlreadyCovered(state.covered_by)
    if check and not mine and check.lease.until > now:
        return AlreadyInProgress(check.lease.holder, incident)
    lease = Lease(trigger.holder, trigger.run, until)
    claimed = replace(check, lease=lease) if check else Check(trigger.alarm, now, state.v + 1, lease)
    data = {
        "alarm": trigger.alarm,
        "why": trigger.reason,
        "sent": format_timestamp(trigger.sent),
        "holder": trigger.holder,
        "run": trigger.run,
        "lease_until": format_timestamp(until),
    }
    return _append(Change(replace(state, check=claimed)), incident, now, "claimed", data)


def intend(
    state: State,
    run: str,
    now: datetime,
    limits: Limits,
    attempt: Attempt,
    finding: Finding,
    phases: Mapping[str, int],
    *,
    gives_way: bool,
) -> Change | Superseded | TriggeredMeanwhile:
    """The intent to call, or the finish that denies it: decided in the write that comes last before the call.

    `finding`: what the samples showed; the outcome in it becomes the denial's.
    """
    check = state.held_by(run)
    if check is None:
        return Superseded()
    if denied := _denied(state, run, now, limits, attempt.fingerprint):
        outcome, why = denied
        wanted = replace(finding, outcome=outcome, reason=f"{why} ({finding.reason})")
        return finish(state, run, now, wanted, phases, gives_way=gives_way)
    opened = _open(Change(state), check, now)
    incident = opened.new.incident
    assert incident is not None
    called = replace(incident, calls=(*incident.calls, Call(attempt.fingerprint, run)))
    new = replace(opened.new, incident=called, calls=(*state.calls_this_hour(now), now))
    intent = _append(replace(opened, new=new), incident.id, now, "intent", {"run": run, **attempt.evidence})
    return replace(intent, summary=_summary(intent, called)) if opened.summary else intent


def record_answer(
    state: State, run: str, now: datetime, *, whole: bool, evidence: Mapping[str, Any]
) -> Change | Superseded:
    """The answer to the last call. One that isn't `whole` leaves the call unanswered: it may be repeated."""
    incident = state.incident
    if state.held_by(run) is None or incident is None or not incident.calls:
        return Superseded()
    calls = (*incident.calls[:-1], replace(incident.calls[-1], answered=whole))
    new = replace(state, incident=replace(incident, calls=calls))
    return _append(Change(new), incident.id, now, "answer", {"run": run, **evidence})


def finish(
    state: State, run: str, now: datetime, finding: Finding, phases: Mapping[str, int], *, gives_way: bool
) -> Change | Superseded | TriggeredMeanwhile:
    """The end of a check, in one outcome: the lease is released; the incident ends if the shop is healthy.

    An alarm sent after the check began asks for one more. If there is no time to give way to it, the outcome becomes
    one that Lambda tries again, and puts into the failure queue in the end: so that alarm is accounted for.
    """
    check = state.held_by(run)
    if check is None:
        return Superseded()
    if state.last_trigger is not None and state.last_trigger > finding.began:
        if gives_way:
            return TriggeredMeanwhile()
        if not CONSEQUENCES[finding.outcome].raises:
            reason = f"alarms kept coming after each check; the last one: {finding.outcome}: {finding.reason}"
            finding = replace(finding, outcome=Outcome.UNRESOLVED, reason=reason)
    may_wait = gives_way or not CONSEQUENCES[finding.outcome].raises
    change = Change(state, unless_triggered_after=finding.began if may_wait else None)
    if finding.failing:
        change = _open(change, check, now)
    return _end(change, check, now, finding, phases)


def pause(state: State, now: datetime, why: str, who: str, until: datetime | None) -> Change:
    """A person's stop. It is seen by the next intent, also of a run that is under way."""
    data = {"why": why, "who": who, "until": format_timestamp(until) if until else None}
    return _append(Change(replace(state, pause=Pause(why, who, until))), None, now, "paused", data)


def resume(state: State, now: datetime, who: str) -> Change | NothingToDo:
    """The end of a pause, if there is one."""
    if state.pause is None:
        return NothingToDo()
    return _append(Change(replace(state, pause=None)), None, now, "resumed", {"who": who})


def set_mode(state: State, now: datetime, mode: Mode, why: str, who: str) -> Change:
    """A person's mode. The template's is the ceiling: `act` under a template of `observe` changes nothing."""
    return _append(Change(replace(state, mode=mode)), None, now, "mode", {"mode": mode, "why": why, "who": who})


def to_send(state: State, holder: str, now: datetime) -> tuple[Notification, ...]:
    """The notifications this holder has to send: its own, and those whose sender is overdue."""
    return tuple(each for each in state.outbox if each.holder == holder or each.until <= now)


def mark_sent(state: State, sent: Sequence[str], now: datetime) -> Change | NothingToDo:
    """Take the notifications that were sent out of the outbox, if nobody did."""
    left = tuple(each for each in state.outbox if each.id not in sent)
    if left == state.outbox:
        return NothingToDo()
    return _append(Change(replace(state, outbox=left)), None, now, "notified", {"notifications": list(sent)})


def _denied(state: State, run: str, now: datetime, limits: Limits, fingerprint: str) -> tuple[Outcome, str] | None:
    """Why the call may not be made now, the strongest reason first."""
    if pause := state.pause_in_force(now):
        return Outcome.PAUSED, f"paused by {pause.who}: {pause.why}"
    if limits.mode_in_force(state) == "observe":
        return Outcome.OBSERVED, "mode is observe; in mode act the report link would have been called"
    if not limits.calls_left(state, now):
        used, most = len(state.calls_this_hour(now)), limits.calls_an_hour
        return Outcome.LIMITED, f"{used} of {most} calls of the last hour are used up"
    calls = state.incident.calls if state.incident else ()
    if any(call.fingerprint == fingerprint and call.answered for call in calls):
        return Outcome.UNRESOLVED, "the report link was called and answered, and orders still fail"
    if sum(call.run == run for call in calls) >= CALLS_A_RUN:
        return Outcome.UNRESOLVED, f"{CALLS_A_RUN} calls in this run didn't end the failure"
    return None


def _open(change: Change, check: Check, now: datetime) -> Change:
    """The change with an incident open: the one that is, or one that this check's failing sample begins."""
    state = change.new
    if state.incident:
        return change
    name = f"{check.began:%Y%m%dT%H%M%SZ}-{check.lease.run[:4]}"
    relapse_of = state.last_healed if state.healed_this_hour(now) else None
    incident = Incident(name, check.alarm, check.began, check.first_v, relapse_of)
    data = {"alarm": check.alarm, **({"relapse_of": relapse_of} if relapse_of else {})}
    opened = _append(replace(change, new=replace(state, incident=incident)), name, now, "opened", data)
    return replace(opened, summary=_summary(opened, incident))


def _end(change: Change, check: Check, now: datetime, finding: Finding, phases: Mapping[str, int]) -> Change:
    """The change that releases the lease: the incident ends with a healthy sample, and stays open with any other."""
    state, incident = change.new, change.new.incident
    healthy = finding.outcome is Outcome.ALREADY_HEALTHY
    outcome = Outcome.HEALED if healthy and incident and incident.calls else finding.outcome
    healed = state.healed_this_hour(now)
    reason = finding.reason
    if outcome is Outcome.HEALED:
        healed = (*healed, now)
        if len(healed) >= FLAPPING:
            reason = f"{reason}; flapping: this is healing {len(healed)} within the hour"
    data = {
        "run": check.lease.run,
        "outcome": outcome,
        "evidence": reason,
        "began": format_timestamp(finding.began),
        "phases": phases,
    }
    name = incident.id if incident else None
    new = replace(state, check=None, healed=healed)
    if healthy:
        new = replace(new, incident=None, covered_until=finding.began, covered_by=name)
    if outcome is Outcome.HEALED:
        new = replace(new, last_healed=name)
    ended = _append(replace(change, new=new, outcome=outcome, reason=reason), name, now, "finished", data)
    if incident is None:
        return ended
    summary = replace(_summary(ended, incident), outcome=outcome, ended_at=now if healthy else None, phases=phases)
    flapping = outcome is Outcome.HEALED and len(healed) >= FLAPPING
    return with_notification(replace(ended, summary=summary), incident, check.lease, now, flapping=flapping)


def _summary(change: Change, incident: Incident) -> Summary:
    return Summary(
        id=incident.id,
        alarm=incident.alarm,
        opened_at=incident.opened_at,
        first_v=incident.first_v,
        last_v=change.new.v,
        calls=len(incident.calls),
        relapse_of=incident.relapse_of,
    )


def _append(change: Change, incident: str | None, at: datetime, kind: str, data: Mapping[str, Any]) -> Change:
    entry = next_entry(change.new.v, change.new.hash, kind, incident, at, data)
    new = replace(change.new, v=entry.v, hash=entry.hash)
    return replace(change, new=new, entries=(*change.entries, entry), kind=kind, incident=incident)
