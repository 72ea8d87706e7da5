"""The target's state: plain data, written by `commit` alone, and what is asked of it in more than one place.

Decisions on it are in decisions.py, its history in audit.py. Times are aware UTC datetimes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from remediator.audit import Entry
from remediator.outcome import Outcome

FORMAT: Final = 2
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
    """One call of a report link that was intended; `answered` once its answer was written."""

    fingerprint: str
    run: str
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """One stretch of failure: from the trigger of the check that first saw it to a healthy sample.

    `first_v`: that check's first entry. `relapse_of`: the incident that was healed within the hour before.
    `notified`: the outcomes that were reported.
    """

    id: str
    alarm: str
    opened_at: datetime
    first_v: int
    relapse_of: str | None = None
    calls: tuple[Call, ...] = ()
    notified: tuple[Outcome, ...] = ()


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
    """A notification that wasn't sent yet. `holder` sends it; from `until` on, whoever comes by."""

    id: str
    subject: str
    text: str
    holder: str
    until: datetime


@dataclass(frozen=True, slots=True)
class State:
    """The target's state after entry `v`, whose hash is `hash`. The default is a target never seen before.

    `healed` and `calls`: the times of the last hour's healings and calls. `last_healed`: the last healed incident. An
    alarm sent by `covered_until` is covered by the last healthy check, which closed the incident `covered_by`, if any.
    """

    v: int = 0
    hash: str = ""
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
class Limits:
    """The template's limits. `mode` is the ceiling: a person can only lower it."""

    mode: Mode = "act"
    calls_an_hour: int = 6

    def mode_in_force(self, state: State) -> Mode:
        return "observe" if "observe" in (self.mode, state.mode) else "act"

    def calls_left(self, state: State, now: datetime) -> int:
        """How many report links may still be called in this sliding hour."""
        return max(0, self.calls_an_hour - len(state.calls_this_hour(now)))


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


@dataclass(frozen=True, slots=True)
class Change:
    """What `commit` writes in one transaction: the new state, the entries behind it, the incident's summary.

    `kind` is the last entry's; `outcome` and `reason` are set if it finishes a check. `unless_triggered_after`: it is
    written only if no alarm sent later than that was noted.
    """

    new: State
    entries: tuple[Entry, ...] = ()
    kind: str = ""
    incident: str | None = None
    outcome: Outcome | None = None
    reason: str = ""
    summary: Summary | None = None
    unless_triggered_after: datetime | None = None
