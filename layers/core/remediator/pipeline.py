"""The remediation, step by step. Decisions are made elsewhere; all I/O goes through ports."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from remediator import decisions
from remediator.alarms import AlarmVerdict, Delivery, filter_by_name, read
from remediator.commit import Decide, commit
from remediator.deadline import Deadline
from remediator.decisions import Superseded, Unchanged
from remediator.diagnosis import Diagnosis, Symptom, found_nothing_to_end
from remediator.errors import DeadlineOver, RemediatorError, StateError, Unhealed, named
from remediator.examiner import SAMPLES, Examiner
from remediator.limits import Limits
from remediator.masking import Mask
from remediator.outbox import send
from remediator.outcome import DeliveryRecord, Outcome, Result
from remediator.ports import Notifier, PizzaFactory, Shop, Store
from remediator.report_link import LinkPolicy, Refusal, ReportLink, Resolver, guard_offered
from remediator.run import Run, alongside
from remediator.sample import Sample
from remediator.session import Session
from remediator.state import Change
from remediator.trigger import list_alarms, read_trigger, sent_time

SECONDS_TO_RELOAD = 0.02
SECONDS_TO_FINISH = 8.0  # reserved for the last writes, including retries
LONGEST_ANSWER, LONGEST_REASON = 80, 1_000  # bytes of what a factory says, and of an outcome's reason
LEASE_MARGIN = timedelta(seconds=SECONDS_TO_FINISH + 2)  # a lease must outlive the run that holds it


@dataclass(frozen=True)
class Remediator:
    """Everything a remediation needs. `clock` returns UTC, to the millisecond.

    `learn_secrets` tells the mask what the diner's secret holds; if it raises, so will the login.
    """

    shop: Shop
    factory: PizzaFactory
    store: Store
    notifier: Notifier
    limits: Limits
    links: LinkPolicy
    link_names: frozenset[str]
    alarm_names: frozenset[str]
    resolve: Resolver
    clock: Callable[[], datetime]
    pool: Executor
    mask: Mask
    warn: Callable[[str], None]
    learn_secrets: Callable[[], object] = lambda: None
    measure: Callable[[Result], None] = lambda _result: None
    sleep: Callable[[float], None] = time.sleep

    def handle(self, event: object, request_id: str, deadline: Deadline, function_arn: str = "") -> list[Result]:
        """Give every delivery of an event exactly one outcome, and record it.

        `function_arn`: whose dead letters are ignored. Raises the first failure, which may be Unhealed, once all had
        their turn: Lambda then retries.
        """
        results: list[Result] = []
        failures: list[RemediatorError] = []
        with self.mask.remembering():
            deliveries = self._read(event, function_arn)
            for index, delivery in enumerate(deliveries):
                if index and not deadline.left:
                    failures.append(DeadlineOver(f"time ran out before the turn of {len(deliveries) - index} alarms"))
                    break
                last = index == len(deliveries) - 1
                try:
                    results.append(self._handle_one(delivery, f"{request_id}#{index}", deadline, last=last))
                except Exception as error:  # noqa: BLE001 - raised below, once the others have had their turn
                    failures.append(named(error, self.mask.exception(error)))
        if failures:
            raise failures[0]
        return results

    def _read(self, event: object, function_arn: str) -> list[Delivery]:
        """The event's deliveries. One that can't be read asks for a check, as whatever is in doubt does."""
        try:
            return [filter_by_name(each, self.alarm_names) for each in read(event, function_arn)]
        except Exception as error:  # noqa: BLE001 - whatever the error, no alarm is lost by it
            return [Delivery(AlarmVerdict.TRIGGER, (), f"The event can't be read: {self.mask.exception(error)}")]

    def _handle_one(self, delivery: Delivery, holder: str, deadline: Deadline, *, last: bool) -> Result:
        """One delivery's turn: remediate if it asks for a check, record the outcome, notify, log out.

        In an event's `last` turn the notifications go out too that others left behind: those wait for its records.
        """
        if delivery.verdict is AlarmVerdict.IGNORE:
            wait([self.pool.submit(self.learn_secrets)])
            return self._record(delivery, holder, Result(Outcome.IGNORED, delivery.reason))
        run: Run | None = None
        try:
            run = self._begin(delivery, holder, deadline)
            result = self._refuse(run) if delivery.verdict is AlarmVerdict.REFUSE else self._remediate(run)
        except Exception as error:  # whatever the error, it is recorded, masked
            self._record(delivery, holder, Result(Outcome.FAILED, self.mask.exception(error)))
            raise
        else:
            result = self._record(delivery, holder, result)
            self._notify(run, others=last)
        finally:
            if run:
                run.session.log_out()
        if result.retry:
            raise Unhealed(f"{result.outcome}: {result.reason}")
        return result

    def _begin(self, delivery: Delivery, holder: str, deadline: Deadline) -> Run:
        """Read the state, and alongside it the secrets that the alarm's words may hold."""
        received, now = deadline.clock(), self.clock()
        with alongside(self.pool, self.learn_secrets):
            state = self.store.state()
        sent = min(sent_time(delivery, now), now)
        trigger = read_trigger(delivery, holder, secrets.token_hex(4), sent, self.mask.words)
        session = Session(self.shop, deadline, self.pool, self.mask, self.sleep)
        return Run(trigger, deadline, state, session, received, lap=received)

    def _refuse(self, run: Run) -> Result:
        """Report an event that holds no alarm."""
        until, reason = self.clock() + LEASE_MARGIN, run.trigger.reason
        self._commit(run, lambda state, now: decisions.refuse(state, run.trigger.holder, now, until, reason))
        return Result(Outcome.REFUSED, reason)

    def _remediate(self, run: Run) -> Result:
        if joined := self._claim(run):
            return joined
        try:
            with alongside(self.pool, self.factory.keys, run.deadline) as keys:
                return self._check_until_settled(run, Examiner(run.session, keys, self.link_names, self.mask))
        except Exception as error:  # whatever the error, it is recorded and the lease released
            self._finish(run, Outcome.FAILED, self.mask.exception(error), self.clock(), may_give_way=False)
            raise

    def _claim(self, run: Run) -> Result | None:
        """Begin the check, or return a result if there is none to begin."""
        until = self.clock() + timedelta(seconds=run.deadline.left) + LEASE_MARGIN
        while True:
            match self._commit(run, lambda state, now: decisions.claim(state, run.trigger, now, until)):
                case decisions.AlreadyCovered(incident):
                    return Result(Outcome.JOINED, "the alarm was sent before the last check began", incident)
                case decisions.NotDue(at, incident):
                    why = f"an incident is open, and its next check is due at {at:%H:%M:%S} UTC"
                    return Result(Outcome.JOINED, why, incident)
                case decisions.NothingOpen():
                    return Result(Outcome.STOOD_DOWN, run.trigger.reason)
                case decisions.AlreadyInProgress(holder, incident):
                    if self.store.join(holder, run.trigger.sent):
                        return Result(Outcome.JOINED, "another run is already checking the shop", incident)
                    if not run.deadline.left:
                        raise DeadlineOver("the lease's holder kept changing until time ran out")
                    self.sleep(run.deadline.allow(SECONDS_TO_RELOAD))  # the run that held the lease has ended
                    run.state = self.store.state()
                case _:
                    run.mark("claim")
                    return None

    def _check_until_settled(self, run: Run, examiner: Examiner) -> Result:
        """Check the shop, and again if alarms arrive meanwhile, while there is time."""
        result = self._check(run, SAMPLES, examiner)
        while result is None:
            result = self._check(run, 1, examiner)
        return result

    def _check(self, run: Run, count: int, examiner: Examiner) -> Result | None:
        """Log in, sample, diagnose; then guard, write the intent, call and verify, until a diagnosis settles it.

        None if an alarm was sent after the check began, and there is time to check again.
        """
        now = run.wait_its_turn(self.clock, self.sleep)
        run.session.log_in()
        run.mark("login")
        diagnosis, began = examiner.examine(run.named, count, now)
        run.mark("sample")
        while True:
            run.saw(diagnosis)
            if diagnosis.outcome:  # healthy, or a failure that no call would end
                return self._settle(run, diagnosis, began)
            link = guard_offered(diagnosis.links, self.links, self.resolve)
            if isinstance(link, Refusal):
                return self._leave_uncalled(run, link, began)
            written = self._write_intent(run, link, diagnosis, began)
            if not isinstance(written, Change) or written.outcome:  # superseded, a newer alarm, or denied
                return self._result(run, written)
            answer = self.factory.call(link, run.deadline)
            run.mark("call")
            again = run.may_repeat(answer, self.clock())
            with alongside(self.pool, self._record_answer, run, link, answer, again) as recorded:
                run.wait_until(again, self.clock(), self.sleep)
                diagnosis, began = examiner.verify(diagnosis.failing, self.clock())
                run.mark("verify")
            if isinstance(taken_over := recorded.result(), Superseded):
                return self._result(run, taken_over)
            run.healed_by(answer, diagnosis)

    def _leave_uncalled(self, run: Run, link: Refusal, began: datetime) -> Result | None:
        """Finish because the guard refused the link."""
        outcome = Outcome.UNRESOLVED if link.lookup_failed else Outcome.BLOCKED
        return self._finish(run, outcome, f"the link to {link.host} was not called: {link.reason}", began)

    def _write_intent(self, run: Run, link: ReportLink, diagnosis: Diagnosis, began: datetime) -> Change | Unchanged:
        """Write the intent, or the finish that denies it, decided on the very state that it replaces."""
        shown = {"host": link.host, "link": link.fingerprint, "diagnosis": diagnosis.symptom}
        attempt = decisions.Attempt(link.fingerprint, {**shown, "evidence": diagnosis.evidence})
        where = self.mask.words(f"{diagnosis.evidence}; the link to {link.host} is {link.fingerprint}", LONGEST_REASON)
        finding = run.finding(Outcome.UNRESOLVED, where, began)
        written = self._commit(
            run,
            lambda state, now: decisions.intend(
                state, run.id, now, self.limits, attempt, finding, run.phases, gives_way=run.gives_way()
            ),
        )
        run.mark("intent")
        return written

    def _record_answer(self, run: Run, link: ReportLink, answer: Sample, again: datetime | None) -> Change | Unchanged:
        evidence = {
            "link": link.fingerprint,
            "status": answer.status,
            "fault": answer.fault,
            "says": self.mask.words(answer.text("message"), LONGEST_ANSWER),
            "ms": round(answer.elapsed * 1000),
        }
        ended = found_nothing_to_end(answer)
        return self._commit(
            run,
            lambda state, now: decisions.record_answer(state, run.id, now, evidence, again, nothing_to_end=ended),
        )

    def _settle(self, run: Run, diagnosis: Diagnosis, began: datetime) -> Result | None:
        """Finish with what the samples showed, if no call would help."""
        assert diagnosis.outcome is not None
        if diagnosis.symptom is Symptom.UNREACHABLE and not run.deadline.left:
            why = f"this run's own time was over before the shop had answered ({diagnosis.evidence})"
            run.failing = ()  # nobody knows
            return self._finish(run, Outcome.UNRESOLVED, why, began, ask="Nothing yet: it is tried again.")
        return self._finish(run, diagnosis.outcome, diagnosis.evidence, began, ask=diagnosis.ask)

    def _finish(
        self, run: Run, outcome: Outcome, reason: str, began: datetime, *, may_give_way: bool = True, ask: str = ""
    ) -> Result | None:
        """Release the lease with that outcome; None if an alarm arrived meanwhile, and there is time to check again."""
        finding = run.finding(outcome, self.mask.words(reason, LONGEST_REASON), began, ask)
        written = self._commit(
            run,
            lambda state, now: decisions.finish(
                state, run.id, now, finding, run.phases, gives_way=may_give_way and run.gives_way()
            ),
        )
        return self._result(run, written)

    def _result(self, run: Run, written: Change | Unchanged) -> Result | None:
        """Turn what was written into a result; None if an alarm arrived meanwhile, and there is time to check again."""
        match written:
            case decisions.TriggeredMeanwhile():
                run.giving_way_since = run.giving_way_since or run.deadline.clock()
                return None
            case Change(outcome=Outcome() as outcome):
                left = self.limits.calls_left(run.state, self.clock())
                return Result(outcome, written.reason, written.incident, run.phases, left, written.retry)
            case _:
                incident = run.state.incident.id if run.state.incident else run.state.covered_by
                return Result(Outcome.JOINED, "another run took over the check", incident)

    def _commit(self, run: Run, decide: Decide) -> Change | Unchanged:
        """What was written on the state as this run last saw it, or the decision to change nothing."""
        run.state, written = commit(self.store, run.state, decide, self.clock, run.deadline, self.sleep)
        return written

    def _notify(self, run: Run, *, others: bool) -> None:
        """Send the pending notifications. One that can't be sent, or marked as sent, stays in the state.

        Raises DeadlineOver if no time was left for this run's own: Lambda's retry sends it.
        """
        waiting = decisions.to_send(run.state, run.trigger.holder, self.clock(), others=others)
        sent = send(waiting, self.notifier, run.deadline, self.mask, self.warn)
        try:
            if sent:
                self._commit(run, lambda state, now: decisions.mark_sent(state, sent, now))
        except (StateError, DeadlineOver) as error:
            self.warn(f"a notification was sent and may be sent again: {error}")
        if not run.deadline.left and any(each.holder == run.trigger.holder for each in waiting if each.id not in sent):
            raise DeadlineOver("no time was left to notify")

    def _record(self, delivery: Delivery, holder: str, result: Result) -> Result:
        """Record how the delivery ended, masked, in its record and in the metrics."""
        result = replace(result, reason=self.mask.words(result.reason, LONGEST_REASON))
        alarms = list_alarms(delivery, self.mask.words)
        self.store.record(DeliveryRecord(sent_time(delivery, self.clock()), holder, delivery.verdict, alarms, result))
        self.measure(result)
        return result
