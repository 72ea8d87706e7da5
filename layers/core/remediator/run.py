"""One trigger under way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from remediator.deadline import Deadline
from remediator.decisions import Trigger
from remediator.session import Session
from remediator.state import State

SECONDS_BETWEEN_CHECKS = 1.25  # so that a storm of alarms makes at most two orders a second
SECONDS_OF_CHECKS = 30.0  # how long a finish gives way to alarms that keep coming


@dataclass(slots=True)
class Run:
    """One trigger under way: the state as this run last saw it, and how long each phase took, in milliseconds."""

    trigger: Trigger
    deadline: Deadline
    state: State
    session: Session
    received: float
    failing: bool = False
    checked_at: datetime | None = None
    giving_way_since: float | None = None
    phases: dict[str, int] = field(default_factory=dict)
    lap: float = 0.0

    @property
    def id(self) -> str:
        return self.trigger.run

    def mark(self, phase: str) -> None:
        """Count the time since the last mark to that phase."""
        now = self.deadline.clock()
        self.phases[phase] = self.phases.get(phase, 0) + round((now - self.lap) * 1000)
        self.phases["total"] = round((now - self.received) * 1000)
        self.lap = now

    def pace(self, clock: Callable[[], datetime], sleep: Callable[[float], None]) -> datetime:
        """Wait until the last check is old enough: alarms that come faster share one check. The time after that."""
        last, now = self.checked_at or self.state.covered_until, clock()
        if last is not None:
            waited = max(0.0, (now - last).total_seconds())
            sleep(self.deadline.allow(max(0.0, SECONDS_BETWEEN_CHECKS - waited)))
            now = clock()
        self.checked_at = now
        return now

    def gives_way(self) -> bool:
        """Whether there is time for one more check, if an alarm has arrived meanwhile."""
        since = self.giving_way_since
        kept_waiting = since is not None and self.deadline.clock() - since > SECONDS_OF_CHECKS
        return self.deadline.left > 0 and not kept_waiting
