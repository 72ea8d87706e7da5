"""One trigger under way."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from remediator.deadline import Deadline
from remediator.decisions import Finding
from remediator.diagnosis import Diagnosis, found_nothing_to_end
from remediator.endpoints import in_order
from remediator.outcome import Outcome
from remediator.sample import Sample
from remediator.session import Session
from remediator.state import State
from remediator.trigger import Trigger

SECONDS_BETWEEN_CHECKS = 1.25  # so that a storm of alarms makes at most two orders a second
SECONDS_TO_REPEAT = 5.0  # from a call that got no answer to the same call, unless the factory asks for more
SECONDS_OF_CHECKS = 30.0  # how long a finish gives way to alarms that keep coming


@contextmanager
def alongside[T](pool: Executor, work: Callable[..., T], *args: object) -> Iterator[Future[T]]:
    """Run the work alongside the block, and wait for it at the end, even if the block raises."""
    future = pool.submit(work, *args)
    try:
        yield future
    finally:
        wait([future])


@dataclass(slots=True)
class Run:
    """One trigger under way: the state as this run last saw it, and how long each phase took, in milliseconds.

    `failing`: the endpoints that failed when last asked, `offered`: whether one offered a report link, `not_before`:
    from when on it may be asked for what it didn't look at, `healed`: those whose failure a call of this run ended.
    """

    trigger: Trigger
    deadline: Deadline
    state: State
    session: Session
    received: float
    failing: tuple[str, ...] = ()
    offered: bool = False
    not_before: datetime | None = None
    healed: tuple[str, ...] = ()
    checked_at: datetime | None = None
    giving_way_since: float | None = None
    phases: dict[str, int] = field(default_factory=dict)
    lap: float = 0.0

    @property
    def id(self) -> str:
        return self.trigger.run

    @property
    def named(self) -> tuple[str, ...]:
        """The endpoints that this check is about: what the trigger names, and what the incident holds."""
        held = self.state.incident.endpoints if self.state.incident else ()
        return in_order(held if self.trigger.recovery and held else (*self.trigger.endpoints, *held))

    def saw(self, diagnosis: Diagnosis) -> None:
        """Keep what an examination showed. What wasn't looked at fails as it did, as far as anybody knows."""
        held = self.state.incident.endpoints if self.state.incident else ()
        fail_still = (name for name in diagnosis.unseen if name in held)
        self.failing = in_order((*diagnosis.failing, *fail_still)) or diagnosis.unseen
        self.offered, self.not_before = bool(diagnosis.links), diagnosis.not_before

    def healed_by(self, answer: Sample, verified: Diagnosis) -> None:
        """Note which endpoints a call ended the failure of, given its answer and what followed."""
        if not found_nothing_to_end(answer):
            ended = set(self.failing) - {*verified.failing, *verified.unseen}
            self.healed = in_order((*self.healed, *ended))

    def may_repeat(self, answer: Sample, now: datetime) -> datetime | None:
        """From when on the call that got this just now may be repeated; None if it was answered."""
        if answer.is_final:
            return None
        return now + timedelta(seconds=max(SECONDS_TO_REPEAT, min(answer.retry_after, self.deadline.left)))

    def wait_until(self, at: datetime | None, now: datetime, sleep: Callable[[float], None]) -> None:
        """Wait until then, if this run lasts longer."""
        seconds = (at - now).total_seconds() if at else 0.0
        if 0 < seconds < self.deadline.left - SECONDS_TO_REPEAT:
            sleep(seconds)

    def finding(self, outcome: Outcome, reason: str, began: datetime, ask: str = "") -> Finding:
        """What this check found, as the decisions take it."""
        seen = (self.failing, self.named, self.offered, self.healed)
        return Finding(outcome, reason, began, *seen, self.trigger.recovery, ask, self.not_before)

    def mark(self, phase: str) -> None:
        """Count the time since the last mark to that phase."""
        now = self.deadline.clock()
        self.phases[phase] = self.phases.get(phase, 0) + round((now - self.lap) * 1000)
        self.phases["total"] = round((now - self.received) * 1000)
        self.lap = now

    def wait_its_turn(self, clock: Callable[[], datetime], sleep: Callable[[float], None]) -> datetime:
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
