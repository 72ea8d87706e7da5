"""The remediation, step by step. Judgements are made elsewhere; all I/O goes through ports."""

import random
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from remediator import head as judge
from remediator.alarms import Delivery, Verdict, heeded, read
from remediator.diagnosis import ENDINGS, Diagnosis, diagnose, judge_login
from remediator.diagnosis import Verdict as Shown
from remediator.errors import (
    DeadlineOver,
    MessageError,
    RemediatorError,
    SecretError,
    StateError,
    Unhealed,
)
from remediator.head import (
    Change,
    Covered,
    Denied,
    Head,
    Join,
    NoChange,
    Policy,
    Superseded,
    Wake,
    Woken,
)
from remediator.jwt import Keys
from remediator.masking import Mask
from remediator.outcome import CONSEQUENCES, Ending, Event, Outcome
from remediator.ports import Factory, People, Shop, Store
from remediator.report_link import LinkPolicy, Refusal, ReportLink, Resolver, guard
from remediator.sample import Deadline, Sample

SAMPLES = 2  # both must fail before a link is called
SECONDS_BETWEEN_TRIES = 1.0  # at most, to write a head that others write too
SECONDS_BETWEEN_LOOKS = 1.25  # so that a storm of alarms makes at most two orders a second
SECONDS_OF_LOOKS = 30.0  # how long an ending gives way to alarms that keep coming
SECONDS_FOR_ENDING = 8.0  # kept back for the last writes, retries among them
LEASE_MARGIN = timedelta(seconds=SECONDS_FOR_ENDING + 2)  # a lease outlives the run it was given to

WITHOUT_A_LOOK = {
    Verdict.STAND_DOWN: Outcome.STOOD_DOWN,
    Verdict.IGNORE: Outcome.IGNORED,
    Verdict.REFUSE: Outcome.REFUSED,
}


@dataclass(slots=True)
class Run:
    """One wake under way: the head as this run last saw it, and how long each phase took, in milliseconds."""

    wake: Wake
    deadline: Deadline
    head: Head
    received: float
    token: str | None = None
    renewed: bool = False
    looked: datetime | None = None
    woken: float | None = None
    tries: int = 0
    phases: dict[str, int] = field(default_factory=dict)
    lap: float = 0.0
    leaving: "Future[None] | None" = None

    def left(self) -> None:
        """Wait until the diner has left, who may be on the way out."""
        if self.leaving:
            self.leaving.result()
            self.leaving = None

    def mark(self, phase: str) -> None:
        now = self.deadline.clock()
        self.phases[phase] = self.phases.get(phase, 0) + round((now - self.lap) * 1000)
        self.phases["total"] = round((now - self.received) * 1000)
        self.lap = now


@dataclass(frozen=True)
class Remediator:
    """Everything a remediation needs, handed in. `clock` tells UTC to the millisecond."""

    shop: Shop
    factory: Factory
    store: Store
    people: People
    policy: Policy
    links: LinkPolicy
    link_names: frozenset[str]
    alarm_names: frozenset[str]
    resolve: Resolver
    clock: Callable[[], datetime]
    pool: Executor
    mask: Mask
    warn: Callable[[str], None]
    measure: Callable[[Ending], None] = lambda _ending: None
    sleep: Callable[[float], None] = time.sleep

    def handle(self, event: object, request_id: str, deadline: Deadline) -> list[Ending]:
        """End every alarm of a delivered event in one outcome, each on record.

        Raises the first failure, or Unhealed, after all alarms had their turn: the platform then tries again.
        """
        endings: list[Ending] = []
        failures: list[RemediatorError] = []
        for index, read_as in enumerate(read(event)):
            delivery = heeded(read_as, self.alarm_names)
            try:
                ending = self._end(delivery, f"{request_id}#{index}", deadline)
            except RemediatorError as error:
                ending = Ending(Outcome.FAILED, self.mask.exception(error))
                failures.append(error)
            if CONSEQUENCES[ending.outcome].raises and ending.outcome is not Outcome.FAILED:
                failures.append(Unhealed(f"{ending.outcome}: {ending.reason}"))
            endings.append(ending)
            self.measure(ending)
            try:
                self._record(delivery, f"{request_id}#{index}", ending)
            except StateError as error:
                failures.append(error)
        self.mask.forget()
        if failures:
            raise failures[0]
        return endings

    def _end(self, delivery: Delivery, owner: str, deadline: Deadline) -> Ending:
        if delivery.verdict is not Verdict.WAKE:
            return Ending(WITHOUT_A_LOOK[delivery.verdict], delivery.reason)
        ready = self.pool.submit(self.shop.ready)
        try:
            run = self._claim(delivery, owner, deadline)
        finally:
            ready.result()
        if isinstance(run, Ending):
            return run
        try:
            ending = self._heal(run)
        except (SecretError, DeadlineOver) as error:
            self._release(run, self.clock(), Outcome.FAILED, self.mask.exception(error))
            raise
        else:
            self._leave(run)
            self._tell(run)
            return ending
        finally:
            self._leave(run)
            run.left()

    def _claim(self, delivery: Delivery, owner: str, deadline: Deadline) -> Run | Ending:
        received = deadline.clock()
        now = self.clock()
        name = next((alarm.name for alarm in delivery.alarms if alarm.name), "an unnamed alarm")
        name, why = self.mask.text(name), self.mask.text(delivery.reason)
        wake = Wake(owner, secrets.token_hex(4), delivery.sent_at or now, name, why)
        until = now + timedelta(seconds=deadline.left) + LEASE_MARGIN
        run = Run(wake, deadline, self.store.seen(), received, lap=received)
        while True:
            claimed = self._commit(run, lambda head: judge.claim(head, wake, self.clock(), until))
            if isinstance(claimed, Covered):
                if run.head.outbox:  # others may have sent it since that head was seen
                    run.head = self.store.head()
                self._tell(run)
                return Ending(
                    Outcome.JOINED,
                    "the alarm was sent before the last incident ended",
                    claimed.incident,
                )
            if isinstance(claimed, Join):
                if self.store.join(claimed.owner, wake.sent):
                    return Ending(Outcome.JOINED, "another run works on the incident", claimed.incident)
                self._look_again(run)
                continue
            run.mark("claim")
            return run

    def _heal(self, run: Run) -> Ending:
        keys = self.pool.submit(self.factory.keys, run.deadline)
        ready = self.pool.submit(self.people.ready)
        try:
            ended = self._look(run, keys, SAMPLES)
            while ended is None:  # an alarm came meanwhile
                ended = self._look(run, keys, 1)
            return ended
        finally:
            keys.result()
            ready.result()

    def _look(self, run: Run, keys: Future[Keys], count: int) -> Ending | None:
        """One look at the shop, and what follows from it; None where an alarm was sent after it began."""
        began = self.clock()
        if run.token is None:
            refused = self._login(run)
            if refused:
                return self._release(run, began, ENDINGS[refused.verdict], refused.evidence)
        self._let_pass(run)
        samples = self._orders(run, count)
        shown = self._diagnose(samples, keys)
        if shown.verdict is not Shown.HEALTHY and count < SAMPLES:
            samples += self._orders(run, SAMPLES - count)
        elif shown.verdict is Shown.DISAGREE:
            samples = self._orders(run, SAMPLES)
        run.mark("sample")
        return self._act(run, samples, keys)

    def _act(self, run: Run, samples: list[Sample], keys: Future[Keys]) -> Ending | None:
        """From samples to an ending: call what they offer, order again, until nothing is left to do."""
        while True:
            shown, began = self._diagnose(samples, keys), samples[0].began
            if shown.verdict is Shown.HEALTHY:
                return self._close(run, began, shown)
            if shown.verdict in ENDINGS:
                return self._release(run, began, ENDINGS[shown.verdict], shown.evidence)
            link = self._guarded(shown)
            if isinstance(link, Denied):
                return self._release(run, began, link.outcome, link.reason)
            permitted = self._permit(run, began, link, shown)
            run.mark("intent")
            if permitted is not True:
                return permitted
            answer = self.factory.call(link, run.deadline)
            run.mark("call")
            writing = self.pool.submit(self._answered, run, link, answer)
            samples = self._orders(run, 1)
            run.mark("verify")
            if isinstance(writing.result(), Superseded):
                return self._superseded(run)

    def _diagnose(self, samples: list[Sample], keys: Future[Keys]) -> Diagnosis:
        """The keys are waited for only where a JWT has to be judged, which a failed order doesn't hold."""
        known = keys.result() if any(sample.status == 200 for sample in samples) else {}
        return diagnose(samples, known, self.link_names)

    def _leave(self, run: Run) -> None:
        if run.token:
            run.leaving, run.token = self.pool.submit(self.shop.logout, run.token, run.deadline), None

    def _login(self, run: Run) -> Diagnosis | None:
        run.left()
        found = judge_login(self.shop.login(run.deadline))
        run.mark("login")
        if isinstance(found, Diagnosis):
            return found
        run.token = found
        self.mask.add(found)
        return None

    def _orders(self, run: Run, count: int) -> list[Sample]:
        """Orders side by side. A token that is refused is asked for once more, in a later second: two logins of
        one diner in one second share a token, and the logout of one ends both.
        """
        samples = self._order_at_once(run, count)
        if all(sample.status == 401 for sample in samples) and not run.renewed:
            run.renewed = True
            self.sleep(run.deadline.allow(1.0))
            if self._login(run) is None:
                samples = self._order_at_once(run, count)
        return samples

    def _let_pass(self, run: Run) -> None:
        """Wait until the last look is that old: what alarms that come faster ask for is one more look."""
        last, run.looked = run.looked or run.head.covered_until, self.clock()
        if last is not None:
            waited = max(0.0, (run.looked - last).total_seconds())
            self.sleep(run.deadline.allow(max(0.0, SECONDS_BETWEEN_LOOKS - waited)))
            run.looked = self.clock()

    def _order_at_once(self, run: Run, count: int) -> list[Sample]:
        token = run.token or ""
        others = [self.pool.submit(self.shop.order, token, run.deadline) for _ in range(count - 1)]
        mine = self.shop.order(token, run.deadline)
        return [mine, *(order.result() for order in others)]

    def _guarded(self, shown: Diagnosis) -> ReportLink | Denied:
        for offered in shown.links:
            self.mask.add(offered)
        if len(shown.links) > 1:
            return Denied(Outcome.BLOCKED, f"the samples offer {len(shown.links)} different links")
        link = guard(shown.links[0], self.links, self.resolve)
        if isinstance(link, Refusal):
            outcome = Outcome.UNRESOLVED if link.lookup_failed else Outcome.BLOCKED
            return Denied(outcome, f"the link to {link.host} is not called: {link.reason}")
        return link

    def _permit(self, run: Run, began: datetime, link: ReportLink, shown: Diagnosis) -> Literal[True] | Ending | None:
        """Write the intent, or let go with the reason; both are judged on the very head that they are written over.

        None where an alarm came after the look began.
        """
        seen = {"host": link.host, "link": link.fingerprint, "diagnosis": shown.verdict, "evidence": shown.evidence}
        where = f"{shown.evidence}; the link to {link.host} is {link.fingerprint}"
        denied: Denied | None = None

        def decide(head: Head) -> Change | NoChange:
            nonlocal denied
            at = self.clock()
            judged = judge.intend(head, run.wake.run, at, self.policy, link.fingerprint, seen)
            denied = judged if isinstance(judged, Denied) else None
            if denied is None:
                return judged
            reason = f"{denied.reason} ({where})"
            return judge.release(head, run.wake.run, at, began, denied.outcome, reason, run.phases)

        left = self._commit(run, decide)
        if left is None and denied is None:
            return True
        outcome, reason = (denied.outcome, f"{denied.reason} ({where})") if denied else (Outcome.JOINED, "")
        return self._ended(run, began, left, outcome, reason)

    def _answered(self, run: Run, link: ReportLink, answer: Sample) -> NoChange | None:
        evidence = {
            "link": link.fingerprint,
            "status": answer.status,
            "fault": answer.fault,
            "says": self.mask.text(answer.text("message")[:80]),
            "ms": round(answer.elapsed * 1000),
        }
        whole = answer.fault is None
        return self._commit(
            run,
            lambda head: judge.answered(head, run.wake.run, self.clock(), whole=whole, evidence=evidence),
        )

    def _close(self, run: Run, began: datetime, shown: Diagnosis) -> Ending | None:
        """The ending, or None where an alarm came after the sample began: look once more."""
        if run.woken is None:
            self._leave(run)
        incident = run.head.incident
        outcome = Outcome.HEALED if incident and incident.calls else Outcome.ALREADY_HEALTHY
        left = self._commit(
            run, lambda head: judge.close(head, run.wake.run, self.clock(), began, shown.evidence, run.phases)
        )
        return self._ended(run, began, left, outcome, shown.evidence)

    def _release(self, run: Run, began: datetime, outcome: Outcome, reason: str) -> Ending | None:
        """The ending, or None where an alarm came after the look began: look once more."""
        left = self._commit(
            run, lambda head: judge.release(head, run.wake.run, self.clock(), began, outcome, reason, run.phases)
        )
        return self._ended(run, began, left, outcome, reason)

    def _ended(self, run: Run, began: datetime, left: NoChange | None, outcome: Outcome, reason: str) -> Ending | None:
        """The ending that was written, or what kept it from being written."""
        if isinstance(left, Superseded):
            return self._superseded(run)
        if isinstance(left, Woken):
            return self._woken(run, began)
        incident = run.head.incident.id if run.head.incident else run.head.last_incident
        left_to_call = judge.calls_left(run.head, self.clock(), self.policy)
        return Ending(outcome, reason, incident, run.phases, left_to_call)

    def _woken(self, run: Run, began: datetime) -> Ending | None:
        if run.woken is None:
            run.woken = run.deadline.clock()
        if run.deadline.clock() - run.woken <= SECONDS_OF_LOOKS:
            return None
        return self._release(run, began, Outcome.UNRESOLVED, "alarms kept coming after each look")

    def _superseded(self, run: Run) -> Ending:
        incident = run.head.incident.id if run.head.incident else run.head.last_incident
        return Ending(Outcome.JOINED, "another run took the incident over", incident)

    def _commit(self, run: Run, decide: Callable[[Head], Change | NoChange | None]) -> NoChange | None:
        """Decide on the head as last seen and commit it; whoever lost reads the head and decides anew.

        Returns None once committed, or the judgement that asks for no change.
        """
        while True:
            decided = decide(run.head)
            if not isinstance(decided, Change):
                return decided
            new = self.store.commit(run.head, decided)
            if new is not None:
                run.head, run.tries = new, 0
                return None
            self._look_again(run)

    def _look_again(self, run: Run) -> None:
        """Read the head after a write that wasn't taken, the later the more often that happened."""
        if not run.deadline.left:
            raise DeadlineOver("the head couldn't be written until the time was up")
        run.tries += 1
        longest = min(SECONDS_BETWEEN_TRIES, 0.05 * run.tries)
        self.sleep(run.deadline.allow(random.uniform(0.005, longest)))  # noqa: S311 - jitter keeps no secret
        run.head = self.store.head()

    def _tell(self, run: Run) -> None:
        """Send what this run has to send. A message that can't be sent, or be noted as sent, stays in the head."""
        sent = []
        for message in judge.unsent(run.head, run.wake.owner, self.clock()):
            try:
                self.people.tell(message)
            except MessageError as error:
                self.warn(f"a message waits in the head: {error}")
            else:
                sent.append(message.id)
        try:
            if sent:
                self._commit(run, lambda head: judge.told(head, sent, self.clock()))
        except (StateError, DeadlineOver) as error:
            self.warn(f"a message was sent and may be sent again: {error}")

    def _record(self, delivery: Delivery, owner: str, ending: Ending) -> None:
        sent = delivery.sent_at or self.clock()
        alarms = tuple(self.mask.text(f"{alarm.name} {alarm.state}") for alarm in delivery.alarms)
        self.store.record(Event(sent, owner, delivery.verdict, alarms, ending))
