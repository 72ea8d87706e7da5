"""The target's state: plain data, written by `commit` alone, and what is asked of it in more than one place.

Decisions on it are in decisions.py, its history in audit.py. Times are aware UTC datetimes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Self

from remediator.audit import Entry, Predecessor, next_entry
from remediator.outcome import Outcome

FORMAT: Final = 3
MOST_CALLS: Final = 20  # of an incident that are kept
HOUR: Final = timedelta(hours=1)

Mode = Literal["observe", "act"]


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works for the target, until when.

    `holder` is request id and record index, so that Lambda's retry continues at once; `run` tells this very process
    from its twin under the same holder.
    """

    holder: str
    run: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Check:
    """The check under way: the alarm that triggered it, since when and by which entry, and the lease of its run."""

    alarm: str
    began: datetime
    first_v: int
    lease: Lease


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a report link that was intended; `answered` once its final answer was written.

    `nothing_to_end`: the factory answered that no chaos was executing, so somebody else had ended it. `not_before`:
    from when on it may be repeated, if it got no answer.
    """

    fingerprint: str
    run: str
    answered: bool = False
    nothing_to_end: bool = False
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class LastCheck:
    """What the last check of an open incident saw, and what paces the next.

    `holder`: of its lease. `failing`: the endpoints that failed, of those it was about, `named`. `offered`: whether one
    offered a report link. `alike`: how many checks in a row saw the same. `recovery`: whether a recovery asked for it,
    which was none then, and `refuted`: how many of the incident were none. `not_before`: from when on the shop may be
    asked for what it refused to look at.
    """

    began: datetime
    holder: str
    outcome: Outcome
    failing: tuple[str, ...]
    named: tuple[str, ...]
    offered: bool
    alike: int = 1
    recovery: bool = False
    refuted: int = 0
    not_before: datetime | None = None

    def looks_like(self, other: Self) -> bool:
        return (self.outcome, self.failing, self.offered) == (other.outcome, other.failing, other.offered)


@dataclass(frozen=True, slots=True)
class Reported:
    """That an outcome at these endpoints was reported: when last, and how many times."""

    outcome: Outcome
    endpoints: tuple[str, ...]
    at: datetime
    count: int = 1


@dataclass(frozen=True, slots=True)
class Incident:
    """One stretch of failure: from the trigger of the check that first saw it until all that failed is healthy.

    `first_v`: that check's first entry. `endpoints`: those that failed at the last check. `relapse_of`: the incident
    that was healed within the hour before. `calls`: the newest, `calls_before`: how many there were before them.
    `healed`: a call of ours ended a part of it.
    """

    id: str
    alarm: str
    opened_at: datetime
    first_v: int
    endpoints: tuple[str, ...]
    relapse_of: str | None = None
    calls: tuple[Call, ...] = ()
    calls_before: int = 0
    last: LastCheck | None = None
    reported: tuple[Reported, ...] = ()
    healed: bool = False

    def is_forgotten(self, now: datetime) -> bool:
        """Whether nothing has checked the shop for an hour."""
        return now - (self.last.began if self.last else self.opened_at) > HOUR

    def may_be_asked_again(self, now: datetime) -> bool:
        """Whether the time is over for which the shop, asked too often, wanted to be left alone."""
        return self.last is not None and self.last.not_before is not None and self.last.not_before <= now

    @property
    def healed_by_us(self) -> bool:
        """Whether a call may have ended it: unless the factory answered the newest that there was nothing to end."""
        return bool(self.calls) and not all(call.nothing_to_end for call in self.calls)

    @property
    def called(self) -> int:
        """How many calls were intended in it."""
        return self.calls_before + len(self.calls)

    def with_call(self, call: Call) -> Self:
        """The incident with one more call. Of many the newest are kept, so that no outage is too long for the state."""
        calls = (*self.calls, call)[-MOST_CALLS:]
        return replace(self, calls=calls, calls_before=self.called + 1 - len(calls))


@dataclass(frozen=True, slots=True)
class Pause:
    """A person's stop. Without `until` it holds until somebody resumes."""

    why: str
    who: str
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.until is None or self.until > now


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification that wasn't sent yet. `command`: the one that shows more. `holder` sends it; from `until` on,
    whoever comes by. `lost`: how many others found no room in the outbox, and are never sent. `ask`: what the text asks
    of its reader, in the same words; an older version left it out.
    """

    id: str
    subject: str
    text: str
    command: str
    holder: str
    until: datetime
    lost: int = 0
    ask: str = ""

    @property
    def is_urgent(self) -> bool:
        return self.subject.startswith("URGENT ")


@dataclass(frozen=True, slots=True)
class State:
    """The target's state after entry `v`, of which the next entry holds `last`. The default is a target never seen.

    `healed` and `calls`: the times of the last hour's healings and calls. `last_healed`: the last healed incident. An
    alarm sent by `covered_until` is covered by the last healthy check, which closed the incident `covered_by`, if any.
    `refused_at`: when an event that holds no alarm was last reported. `keep`: for how long the store keeps new entries.
    """

    v: int = 0
    last: Predecessor | None = None
    check: Check | None = None
    incident: Incident | None = None
    last_healed: str | None = None
    healed: tuple[datetime, ...] = ()
    covered_until: datetime | None = None
    covered_by: str | None = None
    last_trigger: datetime | None = None
    mode: Mode | None = None
    pause: Pause | None = None
    calls: tuple[datetime, ...] = ()
    outbox: tuple[Notification, ...] = ()
    refused_at: datetime | None = None
    keep: timedelta = timedelta(days=400)

    @property
    def hash(self) -> str:
        """The hash of entry `v`."""
        return self.last.hash if self.last else ""

    def held_by(self, run: str) -> Check | None:
        """The check under way, if that run holds its lease."""
        return self.check if self.check and self.check.lease.run == run else None

    def pause_in_force(self, now: datetime) -> Pause | None:
        return self.pause if self.pause and self.pause.holds(now) else None

    def calls_this_hour(self, now: datetime) -> tuple[datetime, ...]:
        """The times of the calls of the sliding hour."""
        return tuple(at for at in self.calls if now - at < HOUR)

    def healed_this_hour(self, now: datetime) -> tuple[datetime, ...]:
        """The times of the healings of the sliding hour."""
        return tuple(at for at in self.healed if now - at < HOUR)


@dataclass(frozen=True, slots=True)
class Summary:
    """One incident at a glance. `outcome` is the latest, final once `ended_at` is set; `phases` in milliseconds."""

    id: str
    alarm: str
    opened_at: datetime
    first_v: int
    last_v: int
    calls: int
    relapse_of: str | None = None
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    phases: Mapping[str, int] | None = None

    @classmethod
    def of(cls, incident: Incident, last_v: int) -> Self:
        """An open incident, as it is after that entry."""
        return cls(
            id=incident.id,
            alarm=incident.alarm,
            opened_at=incident.opened_at,
            first_v=incident.first_v,
            last_v=last_v,
            calls=incident.called,
            relapse_of=incident.relapse_of,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What `commit` writes in one transaction: the new state, the entries behind it, the incident's summary.

    `kind` is the last entry's; `outcome`, `reason` and `retry`, whether Lambda is to try again, are set if it finishes
    a check. `unless_triggered_after`: it is written only if no alarm sent later than that was noted.
    """

    new: State
    entries: tuple[Entry, ...] = ()
    kind: str = ""
    incident: str | None = None
    outcome: Outcome | None = None
    reason: str = ""
    retry: bool = False
    summary: Summary | None = None
    unless_triggered_after: datetime | None = None

    def with_entry(self, incident: str | None, at: datetime, kind: str, data: Mapping[str, Any]) -> Self:
        """The change with one more entry of the audit log."""
        entry = next_entry(self.new.v, self.new.last, kind, incident, at, self.new.keep, data)
        new = replace(self.new, v=entry.v, last=Predecessor(entry.hash, entry.at, entry.until))
        return replace(self, new=new, entries=(*self.entries, entry), kind=kind, incident=incident)
