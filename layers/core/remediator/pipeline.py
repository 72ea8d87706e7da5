"""The remediation, step by step. Judgements are made elsewhere; all I/O goes through ports."""

import random
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from remediator import head as judge
from remediator.alarms import Delivery, Verdict, read
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
from remediator.outcome import CONSEQUENCES, Ending, Event, Outcome
from remediator.ports import Factory, People, Shop, Store
from remediator.report_link import LinkPolicy, Refusal, ReportLink, Resolver, guard
from remediator.sample import Deadline, Sample

SAMPLES = 2  # both must fail before a link is called
SECONDS_BETWEEN_TRIES = 1.0  # at most, to write a head that others write too
SECONDS_BETWEEN_LOOKS = 1.25  # so that a storm of alarms makes at most two orders a second
SECONDS_OF_LOOKS = 30.0  # how long a close gives way to alarms that keep coming
LEASE_MARGIN = timedelta(seconds=5)  # a lease outlives the run it was given to
SECONDS_FOR_ENDING = 5.0  # kept back for the last writes

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
    woken: float | None = None
    tries: int = 0
    phases: dict[str, int] = field(default_factory=dict)
    lap: float = 0.0

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
    names: frozenset[str]
    resolve: Resolver
    clock: Callable[[], datetime]
    pool: ThreadPoolExecutor
    warn: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def handle(self, event: object, request_id: str, deadline: Deadline) -> list[Ending]:
        """End every alarm of a delivered event in one outcome, each on record.

        Raises the first failure, or Unhealed, after all alarms had their turn: the platform then tries again.
        """
        endings: list[Ending] = []
        failures: list[RemediatorError] = []
        for index, delivery in enumerate(read(event)):
            try:
                ending = self._end(delivery, f"{request_id}#{index}", deadline)
            except RemediatorError as error:
                ending = Ending(Outcome.FAILED, f"{type(error).__name__}: {error}")
                failures.append(error)
            if CONSEQUENCES[ending.outcome].raises and ending.outcome is not Outcome.FAILED:
                failures.append(Unhealed(f"{ending.outcome}: {ending.reason}"))
            endings.append(ending)
            try:
                self._record(delivery, f"{request_id}#{index}", ending)
            except StateError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return endings

    def _end(self, delivery: Delivery, owner: str, deadline: Deadline) -> Ending:
        if delivery.verdict is not Verdict.WAKE:
            return Ending(WITHOUT_A_LOOK[delivery.verdict], delivery.reason)
        run = self._claim(delivery, owner, deadline)
        if isinstance(run, Ending):
            return run
        try:
            ending = self._heal(run)
        except (SecretError, DeadlineOver) as error:
            self._release(run, Outcome.FAILED, f"{type(error).__name__}: {error}")
            raise
        logout = self.pool.submit(self.shop.logout, run.token, deadline) if run.token else None
        self._tell(run)
        if logout:
            logout.result()
        return ending

    def _claim(self, delivery: Delivery, owner: str, deadline: Deadline) -> Run | Ending:
        received = deadline.clock()
        now = self.clock()
        name = next((alarm.name for alarm in delivery.alarms if alarm.name), "an unnamed alarm")
        wake = Wake(owner, secrets.token_hex(4), delivery.sent_at or now, name, delivery.reason)
        until = now + timedelta(seconds=deadline.left) + LEASE_MARGIN
        run = Run(wake, deadline, self.store.head(), received, lap=received)
        while True:
            claimed = self._commit(run, lambda head: judge.claim(head, wake, self.clock(), until))
            if isinstance(claimed, Covered):
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
        try:
            refused = self._login(run)
            if refused:
                return self._release(run, ENDINGS[refused.verdict], refused.evidence)
            self._let_pass(run, run.head.covered_until)
            samples = self._orders(run, SAMPLES)
            run.mark("sample")
            shown = self._diagnose(samples, keys)
            if shown.verdict is Shown.DISAGREE:
                samples = self._orders(run, SAMPLES)
                run.mark("sample")
            return self._act(run, samples, keys)
        finally:
            keys.result()

    def _act(self, run: Run, samples: list[Sample], keys: Future[Keys]) -> Ending:
        """From samples to an ending: call what they offer, order again, until nothing is left to do."""
        while True:
            shown = self._diagnose(samples, keys)
            if shown.verdict is Shown.HEALTHY:
                ended = self._close(run, samples[0].began, shown)
                if ended:
                    return ended
                self._let_pass(run, samples[0].began)
                samples = self._orders(run, 1)
                continue
            if shown.verdict in ENDINGS:
                return self._release(run, ENDINGS[shown.verdict], shown.evidence)
            link = self._guarded(shown)
            if isinstance(link, Denied):
                return self._release(run, link.outcome, link.reason)
            intent = self._intend(run, link, shown)
            run.mark("intent")
            if isinstance(intent, Superseded):
                return self._superseded(run)
            if isinstance(intent, Denied):
                return self._release(run, intent.outcome, intent.reason)
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
        return diagnose(samples, known, self.names)

    def _login(self, run: Run) -> Diagnosis | None:
        found = judge_login(self.shop.login(run.deadline))
        run.mark("login")
        if isinstance(found, Diagnosis):
            return found
        run.token = found
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

    def _let_pass(self, run: Run, last: datetime | None) -> None:
        """Wait until the last good look is that old: what alarms that come faster ask for is one more look."""
        if last is not None:
            waited = max(0.0, (self.clock() - last).total_seconds())
            self.sleep(run.deadline.allow(max(0.0, SECONDS_BETWEEN_LOOKS - waited)))

    def _order_at_once(self, run: Run, count: int) -> list[Sample]:
        token = run.token or ""
        others = [self.pool.submit(self.shop.order, token, run.deadline) for _ in range(count - 1)]
        mine = self.shop.order(token, run.deadline)
        return [mine, *(order.result() for order in others)]

    def _guarded(self, shown: Diagnosis) -> ReportLink | Denied:
        if len(shown.links) > 1:
            return Denied(Outcome.BLOCKED, f"the samples offer {len(shown.links)} different links")
        link = guard(shown.links[0], self.links, self.resolve)
        if isinstance(link, Refusal):
            return Denied(Outcome.BLOCKED, f"the link to {link.host} was refused: {link.reason}")
        return link

    def _intend(self, run: Run, link: ReportLink, shown: Diagnosis) -> NoChange | None:
        evidence = {
            "host": link.host,
            "link": link.fingerprint,
            "diagnosis": shown.verdict,
            "evidence": shown.evidence,
        }
        return self._commit(
            run,
            lambda head: judge.intend(head, run.wake.run, self.clock(), self.policy, link.fingerprint, evidence),
        )

    def _answered(self, run: Run, link: ReportLink, answer: Sample) -> NoChange | None:
        evidence = {
            "link": link.fingerprint,
            "status": answer.status,
            "fault": answer.fault,
            "says": answer.text("message")[:80],
            "ms": round(answer.elapsed * 1000),
        }
        whole = answer.fault is None
        return self._commit(
            run,
            lambda head: judge.answered(head, run.wake.run, self.clock(), whole=whole, evidence=evidence),
        )

    def _close(self, run: Run, began: datetime, shown: Diagnosis) -> Ending | None:
        """The ending, or None where an alarm came after the sample began: look once more."""
        incident = run.head.incident
        outcome = Outcome.HEALED if incident and incident.calls else Outcome.ALREADY_HEALTHY
        closed = self._commit(
            run,
            lambda head: judge.close(head, run.wake.run, self.clock(), began, shown.evidence, run.phases),
        )
        if isinstance(closed, Superseded):
            return self._superseded(run)
        if isinstance(closed, Woken):
            if run.woken is None:
                run.woken = run.deadline.clock()
            if run.deadline.clock() - run.woken > SECONDS_OF_LOOKS:
                return self._release(run, Outcome.UNRESOLVED, "alarms keep coming while orders are good")
            return None
        return Ending(outcome, shown.evidence, run.head.last_incident)

    def _release(self, run: Run, outcome: Outcome, reason: str) -> Ending:
        released = self._commit(
            run,
            lambda head: judge.release(head, run.wake.run, self.clock(), outcome, reason, run.phases),
        )
        if isinstance(released, Superseded):
            return self._superseded(run)
        return Ending(outcome, reason, run.head.incident.id if run.head.incident else None)

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
        alarms = tuple(f"{alarm.name} {alarm.state}" for alarm in delivery.alarms)
        self.store.record(Event(sent, owner, delivery.verdict, alarms, ending))
