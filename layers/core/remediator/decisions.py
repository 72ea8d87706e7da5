"""Every decision on the state, as a pure function of the state, the facts and the time.

Each returns the `Change` to commit as it is, or a value that says why there is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from remediator.audit import format_timestamp
from remediator.limits import Limits
from remediator.notifications import NotificationFacts, with_notification, with_refusal
from remediator.outcome import CONSEQUENCES, Outcome
from remediator.pacing import next_check
from remediator.state import Call, Change, Check, Incident, LastCheck, Lease, Notification, State, Summary
from remediator.trigger import Trigger

TRIES: Final = 3  # of one event by Lambda
DAY: Final = timedelta(days=1)
FLAPPING: Final = 3  # healings within the hour, from which on the notification says so


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: the outcome, if it is written now; why; when the check began.

    `failing`: the endpoints that failed, none if that isn't known; `named`: those the check was about; `offered`:
    whether one offered a report link; `healed`: those that a call of this run ended the failure of. `recovery`: the
    check was asked for by one. `ask`: what is asked of a person, in place of the outcome's own words. `not_before`:
    from when on the shop may be asked for what it refused to look at.
    """

    outcome: Outcome
    reason: str
    began: datetime
    failing: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    offered: bool = False
    healed: tuple[str, ...] = ()
    recovery: bool = False
    ask: str = ""
    not_before: datetime | None = None


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
class NotDue:
    """The incident's next check is due at that time."""

    at: datetime
    incident: str


@dataclass(frozen=True, slots=True)
class NothingOpen:
    """A recovery, and there is no incident that it could be of."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """Another run took the check over: nothing may be written or called any more."""


@dataclass(frozen=True, slots=True)
class TriggeredMeanwhile:
    """An alarm was sent after the check began: check once more."""


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The state is as wanted already."""


type Unclaimed = AlreadyCovered | AlreadyInProgress | NotDue | NothingOpen
type Unchanged = Unclaimed | Superseded | TriggeredMeanwhile | NothingToDo


def claim(state: State, trigger: Trigger, now: datetime, until: datetime) -> Change | Unclaimed:
    """Begin a check for this alarm, or continue one, unless another run is at it, has covered it, or it isn't due."""
    check, incident = state.check, state.incident
    name = incident.id if incident else None
    mine = check is not None and check.lease.holder == trigger.holder
    live = check is not None and check.lease.until > now
    if trigger.recovery and not (incident or live or mine):
        return NothingOpen()
    if not mine and state.covered_until is not None and trigger.sent <= state.covered_until:
        return AlreadyCovered(state.covered_by)
    if check and live and not mine:
        return AlreadyInProgress(check.lease.holder, name)
    if incident and check is None and (due := next_check(incident, trigger)) > now:
        return NotDue(due, incident.id)
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
    return Change(replace(state, check=claimed)).with_entry(name, now, "claimed", data)


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
    if denied := limits.deny(state, run, now, attempt.fingerprint):
        outcome, why = denied
        wanted = replace(finding, outcome=outcome, reason=f"{why} ({finding.reason})")
        return finish(state, run, now, wanted, phases, gives_way=gives_way)
    opened = _open(Change(state), check, now, finding.failing)
    incident = opened.new.incident
    assert incident is not None
    called = incident.with_call(Call(attempt.fingerprint, run))
    new = replace(opened.new, incident=called, calls=(*state.calls_this_hour(now), now))
    data = {"run": run, **attempt.evidence}
    intent = replace(opened, new=new).with_entry(incident.id, now, "intent", data)
    return replace(intent, summary=Summary.of(called, intent.new.v)) if opened.summary else intent


def record_answer(
    state: State,
    run: str,
    now: datetime,
    evidence: Mapping[str, Any],
    again: datetime | None = None,
    *,
    nothing_to_end: bool = False,
) -> Change | Superseded:
    """The answer to the last call, or that there was none: then it may be repeated from `again` on."""
    incident = state.incident
    if state.held_by(run) is None or incident is None or not incident.calls:
        return Superseded()
    answered = again is None
    call = replace(incident.calls[-1], answered=answered, nothing_to_end=answered and nothing_to_end, not_before=again)
    new = replace(state, incident=replace(incident, calls=(*incident.calls[:-1], call)))
    return Change(new).with_entry(incident.id, now, "answer", {"run": run, **evidence})


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
    newer = state.last_trigger is not None and state.last_trigger > finding.began
    if finding.outcome is Outcome.RATE_LIMITED:  # the next check, once the shop may be asked again, is of those too
        newer = gives_way = False
    if newer and gives_way:
        return TriggeredMeanwhile()
    if newer and not CONSEQUENCES[finding.outcome].raises:
        reason = f"alarms kept coming after each check; the last one: {finding.outcome}: {finding.reason}"
        finding = replace(finding, outcome=Outcome.UNRESOLVED, reason=reason)
    retry = CONSEQUENCES[finding.outcome].raises and (newer or not _is_known(state, finding))
    last_word = finding.outcome is Outcome.RATE_LIMITED or (retry and not gives_way)
    change = Change(state, retry=retry, unless_triggered_after=None if last_word else finding.began)
    if finding.failing:
        change = _open(change, check, now, finding.failing)
    return _end(change, check, now, finding, phases)


def refuse(state: State, holder: str, now: datetime, until: datetime, reason: str) -> Change | NothingToDo:
    """Report an event that holds no alarm, once a day at most: something is wired wrongly."""
    if state.refused_at is not None and now - state.refused_at < DAY:
        return NothingToDo()
    change = Change(replace(state, refused_at=now)).with_entry(None, now, "refused", {"why": reason})
    return with_refusal(change, holder, now, until, reason)


def to_send(state: State, holder: str, now: datetime, *, others: bool = True) -> tuple[Notification, ...]:
    """The notifications this holder has to send: its own, then, if `others`, those whose sender is overdue."""
    mine = [each for each in state.outbox if each.holder == holder]
    overdue = [each for each in state.outbox if others and each.holder != holder and each.until <= now]
    return (*mine, *sorted(overdue, key=lambda each: not each.is_urgent))


def mark_sent(state: State, sent: Sequence[str], now: datetime) -> Change | NothingToDo:
    """Take the notifications that were sent out of the outbox, if nobody did."""
    left = tuple(each for each in state.outbox if each.id not in sent)
    if left == state.outbox:
        return NothingToDo()
    return Change(replace(state, outbox=left)).with_entry(None, now, "notified", {"notifications": list(sent)})


def _is_known(state: State, finding: Finding) -> bool:
    """Whether so many checks in a row saw the same that the next ones are left to the state's pace, not to Lambda's."""
    last = state.incident.last if state.incident else None
    return last is not None and last.alike >= TRIES and last.outcome is finding.outcome is not Outcome.FAILED


def _open(change: Change, check: Check, now: datetime, failing: tuple[str, ...]) -> Change:
    """The change with an incident open at these endpoints: the one that is, or one that this check's samples begin."""
    state = change.new
    if state.incident:
        return replace(change, new=replace(state, incident=replace(state.incident, endpoints=failing)))
    name = f"{check.began:%Y%m%dT%H%M%SZ}-{check.lease.run[:4]}"
    relapse_of = state.last_healed if state.healed_this_hour(now) else None
    incident = Incident(name, check.alarm, check.began, check.first_v, failing, relapse_of)
    data = {"alarm": check.alarm, "endpoints": failing, **({"relapse_of": relapse_of} if relapse_of else {})}
    opened = replace(change, new=replace(state, incident=incident)).with_entry(name, now, "opened", data)
    return replace(opened, summary=Summary.of(incident, opened.new.v))


def _end(change: Change, check: Check, now: datetime, finding: Finding, phases: Mapping[str, int]) -> Change:
    """The change that releases the lease: the incident ends once all is healthy, and stays open else."""
    state, incident = change.new, change.new.incident
    healthy = finding.outcome is Outcome.ALREADY_HEALTHY
    outcome = Outcome.HEALED if healthy and incident and incident.healed_by_us else finding.outcome
    healed = state.healed_this_hour(now)
    counts = incident is not None and not incident.healed and (outcome is Outcome.HEALED or bool(finding.healed))
    if counts:
        healed = (*healed, now)
    name = incident.id if incident else None
    new = replace(state, check=None, healed=healed, last_healed=name if counts else state.last_healed)
    if healthy:
        new = replace(new, incident=None, covered_until=finding.began, covered_by=name)
    elif incident:
        last = _last_check(incident.last, check.lease.holder, finding)
        new = replace(new, incident=replace(incident, last=last, healed=incident.healed or counts))
    ended = replace(change, new=new, outcome=outcome, reason=finding.reason)
    ended = ended.with_entry(name, now, "finished", _shown(check, outcome, finding, phases))
    if incident is None:
        return ended
    ended_at = now if healthy else None
    summary = replace(Summary.of(incident, ended.new.v), outcome=outcome, ended_at=ended_at, phases=phases)
    times = len(healed) if counts and len(healed) >= FLAPPING else 0
    part = () if healthy else finding.healed
    facts = NotificationFacts(incident, finding.failing or incident.endpoints, part, finding.ask, times)
    return with_notification(replace(ended, summary=summary), facts, check.lease, now)


def _shown(check: Check, outcome: Outcome, finding: Finding, phases: Mapping[str, int]) -> dict[str, Any]:
    """The end of a check as its audit entry holds it."""
    return {
        "run": check.lease.run,
        "outcome": outcome,
        "evidence": finding.reason,
        "endpoints": finding.failing,
        **({"healed": finding.healed} if finding.healed else {}),
        "began": format_timestamp(finding.began),
        "phases": phases,
    }


def _last_check(before: LastCheck | None, holder: str, finding: Finding) -> LastCheck:
    """What this check saw, and how many in a row saw the same."""
    seen = LastCheck(finding.began, holder, finding.outcome, finding.failing, finding.named, finding.offered)
    refuted = (before.refuted if before else 0) + finding.recovery
    alike = before.alike + 1 if before and before.looks_like(seen) else 1
    return replace(seen, alike=alike, recovery=finding.recovery, refuted=refuted, not_before=finding.not_before)
