"""The remediation, from alarm to outcome, on in-memory adapters."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from remediator import overrides
from remediator.audit import verify_chain
from remediator.deadline import Deadline
from remediator.errors import (
    DeadlineOver,
    Failed,
    NotificationError,
    SecretError,
    StateError,
    Unhealed,
    UnreadableState,
)
from remediator.limits import Limits
from remediator.outcome import Outcome, Result
from remediator.sample import Fault, Sample
from remediator.state import Change, Notification, State
from tests.support.builders import (
    BEGAN,
    ELSEWHERE,
    FRESH_LINK,
    GOOD,
    HOLDER,
    LINK,
    LOGIN,
    NO_LINK,
    TOKEN,
    UNAUTHORIZED,
    UNKNOWN_USER,
    Harness,
    alarm,
    answer,
    claim,
    failing,
    fault,
    sns,
    trigger,
)
from tests.support.fakes import MemoryShop, MemoryStore

ALARM = alarm()
HTML = Sample(BEGAN, 0.1, 502, b"<html>bad gateway</html>")


@dataclass
class FaultyStore(MemoryStore):
    """A store that refuses one kind of change, doesn't note alarms, or can't be read."""

    refuses: str = ""
    notes: bool = True
    unreadable: StateError | None = None

    def state(self) -> State:
        if self.unreadable:
            raise self.unreadable
        return super().state()

    def commit(self, seen: State, change: Change) -> State | None:
        if change.kind == self.refuses:
            raise StateError("the state can't be written: TransactWriteItems: AccessDenied")
        return super().commit(seen, change)

    def join(self, holder: str, sent: datetime) -> bool:
        return self.notes and super().join(holder, sent)


def run(harness: Harness, event: object = ALARM, request: str = "r-1") -> list[Result]:
    return harness.remediator.handle(event, request, Deadline.after(100))


def outcome_of(harness: Harness, event: object = ALARM) -> Outcome:
    """The outcome on record, whether the run raised or not."""
    with suppress(Unhealed):
        run(harness, event)
    return next(iter(harness.store.records.values())).result.outcome


def at_order(harness: Harness, number: int, act: Callable[[], object]) -> None:
    """Act while that order runs, counted from 1."""

    def meanwhile() -> None:
        if harness.shop.orders == number:
            act()

    harness.shop.meanwhile = meanwhile


def later(*samples: Sample) -> list[Sample]:
    return [replace(sample, began=BEGAN + timedelta(seconds=5)) for sample in samples]


def test_incident_of_2025_04_08_is_healed_by_one_call_between_samples() -> None:
    harness = Harness(failing(), failing(), GOOD)

    (result,) = run(harness)

    assert result.outcome is Outcome.HEALED
    assert [link.reveal() for link in harness.factory.called] == [LINK]
    assert harness.shop.orders == 3
    assert harness.shop.logged_out == 1
    assert harness.kinds == ["claimed", "opened", "intent", "answer", "finished", "notified"]
    assert [each.subject for each in harness.notifier.sent] == [f"HEALED: the report link ended it {result.incident}"]


def test_check_of_a_healthy_shop_is_on_record_and_no_incident_and_reported_to_nobody() -> None:
    harness = Harness(GOOD)

    (result,) = run(harness)

    assert (result.outcome, result.incident) == (Outcome.ALREADY_HEALTHY, None)
    assert harness.outcomes == ["ALREADY_HEALTHY"]
    assert harness.kinds == ["claimed", "finished"]
    assert (harness.store.summaries, harness.notifier.sent) == ({}, [])


@pytest.mark.parametrize(
    ("orders", "login", "outcome", "raises"),
    [
        pytest.param([GOOD, GOOD], LOGIN, Outcome.ALREADY_HEALTHY, False, id="healthy"),
        pytest.param([NO_LINK, NO_LINK], LOGIN, Outcome.NO_LINK, False, id="no link"),
        pytest.param([failing(ELSEWHERE)] * 2, LOGIN, Outcome.BLOCKED, False, id="link elsewhere"),
        pytest.param([failing(), failing(FRESH_LINK)], LOGIN, Outcome.BLOCKED, False, id="two links"),
        pytest.param([UNAUTHORIZED] * 4, LOGIN, Outcome.NO_ACCESS, False, id="token refused"),
        pytest.param([GOOD], UNKNOWN_USER, Outcome.NO_ACCESS, False, id="wrong password"),
        pytest.param([fault(Fault.TIMEOUT)] * 2, LOGIN, Outcome.UNREACHABLE, True, id="no answer"),
        pytest.param([HTML] * 2, LOGIN, Outcome.UNREACHABLE, True, id="not the shop"),
        pytest.param([GOOD], fault(Fault.REFUSED), Outcome.UNREACHABLE, True, id="no login"),
        pytest.param([GOOD], HTML, Outcome.UNREACHABLE, True, id="login is not the shop's"),
    ],
)
def test_whatever_asks_for_no_call_is_on_record_without_one(
    orders: list[Sample], login: Sample, outcome: Outcome, raises: bool
) -> None:
    harness = Harness(*orders, logins=[login])

    if raises:
        with pytest.raises(Unhealed):
            run(harness)
    else:
        run(harness)

    assert harness.outcomes == [outcome]
    assert harness.factory.called == []
    assert harness.store.current.check is None
    assert (harness.store.current.incident is None) is (outcome is Outcome.ALREADY_HEALTHY)


def test_one_failing_order_of_two_is_no_reason_to_call() -> None:
    harness = Harness(failing(), GOOD, GOOD, failing())

    assert outcome_of(harness) is Outcome.UNRESOLVED
    assert harness.factory.called == []


def test_two_more_orders_decide_if_the_first_two_disagree() -> None:
    harness = Harness(failing(), GOOD, failing(), failing(), GOOD)

    assert outcome_of(harness) is Outcome.HEALED
    assert harness.shop.orders == 5


def test_refused_token_is_renewed_once() -> None:
    harness = Harness(UNAUTHORIZED, UNAUTHORIZED, GOOD, GOOD)

    assert outcome_of(harness) is Outcome.ALREADY_HEALTHY
    assert harness.shop.logged_in == 2


def test_failure_that_survives_the_answered_call_is_unresolved_and_the_link_not_called_again() -> None:
    harness = Harness(failing())

    with pytest.raises(Unhealed, match="UNRESOLVED"):
        run(harness)

    assert len(harness.factory.called) == 1
    assert harness.store.current.incident is not None
    assert [each.subject.split()[:2] for each in harness.notifier.sent] == [["URGENT", "UNRESOLVED:"]]


def test_stale_code_is_followed_by_the_fresh_link() -> None:
    stale = answer(400, {"message": "Problem unresolved"})
    harness = Harness(failing(), failing(), failing(FRESH_LINK), GOOD, report=stale)

    assert outcome_of(harness) is Outcome.HEALED
    assert [link.reveal() for link in harness.factory.called] == [LINK, FRESH_LINK]


def test_link_is_called_again_if_the_answer_was_lost_and_orders_still_fail() -> None:
    harness = Harness(failing(), failing(), failing(), GOOD, report=fault(Fault.RESET))

    assert outcome_of(harness) is Outcome.HEALED
    assert len(harness.factory.called) == 2


def test_no_run_calls_more_than_three_times() -> None:
    harness = Harness(failing(), report=fault(Fault.TIMEOUT))

    assert outcome_of(harness) is Outcome.UNRESOLVED
    assert len(harness.factory.called) == 3


def test_mode_observe_calls_nothing_and_says_what_it_would_have_done() -> None:
    harness = Harness(failing(), limits=Limits("observe"))

    assert outcome_of(harness) is Outcome.OBSERVED
    assert harness.factory.called == []
    assert "would have been called" in harness.notifier.sent[0].text


def test_limit_of_calls_in_an_hour_is_kept() -> None:
    harness = Harness(failing(), limits=Limits(calls_an_hour=0))

    assert outcome_of(harness) is Outcome.LIMITED
    assert harness.factory.called == []


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (alarm("OK"), Outcome.STOOD_DOWN),
        ({}, Outcome.REFUSED),
        ("no envelope {", Outcome.REFUSED),
        (sns("a text that no reader knows"), Outcome.ALREADY_HEALTHY),
    ],
)
def test_readable_envelope_triggers_a_check_and_what_is_none_is_refused(event: object, outcome: Outcome) -> None:
    assert outcome_of(Harness(GOOD), event) is outcome


def test_three_copies_one_after_the_other_make_one_call() -> None:
    harness = Harness(failing(), failing(), GOOD)

    for number in range(3):
        run(harness, alarm(), f"r-{number}")

    assert len(harness.factory.called) == 1
    assert harness.outcomes == ["HEALED", "JOINED", "JOINED"]


def test_later_alarm_begins_an_incident_of_its_own() -> None:
    harness = Harness(failing(), failing(), GOOD)
    run(harness)

    harness.shop.orders = 0
    (result,) = run(harness, alarm(sent=BEGAN + timedelta(minutes=10)), "r-2")

    assert result.outcome is Outcome.HEALED
    assert len(harness.store.summaries) == 2


def test_notification_that_cannot_be_sent_changes_no_outcome_and_waits_in_the_state() -> None:
    harness = Harness(failing(), failing(), GOOD)

    def refuse(notification: Notification) -> None:
        raise NotificationError(f"{notification.id}: Throttled")

    harness.notifier.refuse = refuse

    assert outcome_of(harness) is Outcome.HEALED
    assert len(harness.store.current.outbox) == 1
    assert len(harness.warnings) == 1


def test_notification_that_cannot_be_marked_as_sent_changes_no_outcome() -> None:
    harness = Harness(failing(), failing(), GOOD, store=FaultyStore(refuses="notified"))

    assert outcome_of(harness) is Outcome.HEALED
    assert len(harness.notifier.sent) == len(harness.store.current.outbox) == 1
    assert len(harness.warnings) == 1


def test_one_bad_record_spoils_no_other() -> None:
    event = alarm()
    event["Records"].insert(0, {"EventSource": "aws:sns", "Sns": None})

    results = run(Harness(failing(), failing(), GOOD), event)

    assert [result.outcome for result in results] == [Outcome.HEALED, Outcome.JOINED]


def test_no_secret_is_in_log_notifications_or_records() -> None:
    harness = Harness(failing(), failing(), GOOD)

    run(harness)

    written = repr((harness.store, harness.notifier, harness.factory, harness.warnings))
    assert not [secret for secret in (LINK, LINK.split("/")[5], TOKEN) if secret in written]


def test_alarm_that_cannot_be_noted_raises_once_the_time_is_up() -> None:
    harness = Harness(GOOD, store=FaultyStore(notes=False))
    harness.store.commit(State(), claim(by=trigger("r-9#0"), until=BEGAN + timedelta(days=1)))

    with pytest.raises(DeadlineOver):
        harness.remediator.handle(ALARM, "r-1", Deadline.after(0.05))

    assert harness.shop.orders == 0


def keeps_being_triggered(times: int) -> tuple[Harness, list[float]]:
    """A harness whose shop is healed, where an alarm comes after each of so many good orders; and its waits."""
    good = [replace(GOOD, began=BEGAN + timedelta(seconds=number)) for number in range(times + 1)]
    harness = Harness(failing(), failing(), *good)
    waits: list[float] = []

    def send_another() -> None:
        number = harness.shop.orders - 3
        if 0 <= number < times:
            harness.store.join(HOLDER, BEGAN + timedelta(seconds=number + 0.5))

    harness.shop.meanwhile = send_another
    harness.remediator = replace(harness.remediator, sleep=waits.append)
    return harness, waits


def test_alarms_that_keep_coming_make_one_check_a_second_until_they_stop() -> None:
    harness, waits = keeps_being_triggered(12)

    (result,) = harness.remediator.handle(ALARM, "r-1", Deadline(100, lambda: sum(waits)))

    assert result.outcome is Outcome.HEALED
    assert harness.shop.orders == 3 + 12
    assert sum(wait > 1.0 for wait in waits) == 12  # what is shorter is the jitter between two tries to write


def test_alarm_that_follows_a_healthy_check_at_once_is_checked_a_little_later() -> None:
    harness, waits = keeps_being_triggered(0)
    run(harness)
    assert waits == []

    run(harness, alarm(sent=BEGAN + timedelta(seconds=0.1)), "r-2")

    assert harness.outcomes == ["HEALED", "ALREADY_HEALTHY"]
    assert len(waits) == 1
    assert 0.5 < waits[0] <= 1.25


def test_alarms_that_never_stop_while_orders_are_good_are_unresolved_after_half_a_minute() -> None:
    harness, waits = keeps_being_triggered(1000)

    with pytest.raises(Unhealed, match="alarms kept coming"):
        harness.remediator.handle(ALARM, "r-1", Deadline(100, lambda: sum(waits)))

    assert 30 <= sum(waits) < 30 + 2 * (1.25 + 1.0)  # one check and one try to write may be under way
    assert harness.store.current.incident is not None


@pytest.mark.parametrize(
    "first", [pytest.param([NO_LINK] * 2, id="ends"), pytest.param([HTML] * 2, id="is tried again anyway")]
)
def test_alarm_that_comes_while_a_run_would_finish_makes_it_check_once_more(first: list[Sample]) -> None:
    harness = Harness(*first, *later(failing(), failing(), GOOD))
    at_order(harness, 2, lambda: harness.store.join(HOLDER, BEGAN + timedelta(seconds=1)))

    assert outcome_of(harness) is Outcome.HEALED
    assert harness.shop.orders == 5


def test_alarm_that_comes_when_the_time_is_up_is_left_to_lambda_to_try_again() -> None:
    harness = Harness(GOOD)
    seconds = [0.0]

    def come_too_late() -> None:
        seconds[0] = 100
        harness.store.join(HOLDER, BEGAN + timedelta(seconds=1))

    at_order(harness, 2, come_too_late)

    with pytest.raises((Unhealed, DeadlineOver)):
        harness.remediator.handle(ALARM, "r-1", Deadline(100, lambda: seconds[0]))

    assert (harness.store.current.check, harness.store.current.covered_until) == (None, None)


def test_pause_that_is_set_while_the_samples_run_is_seen() -> None:
    harness = Harness(failing())
    store = harness.store
    at_order(
        harness,
        2,
        lambda: store.commit(store.current, overrides.pause(store.current, BEGAN, "we release", "ana", None)),
    )

    assert outcome_of(harness) is Outcome.PAUSED
    assert harness.factory.called == []
    assert "paused by ana: we release" in harness.notifier.sent[0].text


def test_resume_while_the_samples_run_is_seen_before_the_run_finishes() -> None:
    store = MemoryStore()
    store.commit(State(), overrides.pause(State(), BEGAN, "release 42", "ana", None))
    harness = Harness(failing(), failing(), GOOD, store=store)

    def resume() -> None:
        change = overrides.resume(store.current, BEGAN, "ana")
        assert isinstance(change, Change)
        store.commit(store.current, change)

    at_order(harness, 2, resume)

    assert outcome_of(harness) is Outcome.HEALED


def test_run_whose_twin_took_the_check_over_calls_and_writes_nothing_more() -> None:
    harness = Harness(failing())
    store = harness.store
    twin = trigger(HOLDER, "bbbb2222")
    at_order(harness, 2, lambda: store.commit(store.current, claim(store.current, twin)))

    (result,) = run(harness)

    assert result.outcome is Outcome.JOINED
    assert harness.factory.called == []
    assert harness.kinds == ["claimed", "claimed"]
    assert store.current.held_by("bbbb2222")


@pytest.mark.parametrize(
    "error",
    [UnreadableState("the state is of format 99"), StateError("the state can't be read: GetItem: AccessDenied")],
)
def test_state_that_cannot_be_read_raises_and_nothing_is_called(error: StateError) -> None:
    harness = Harness(failing(), store=FaultyStore(unreadable=error))

    with pytest.raises(type(error), match=str(error)):
        run(harness)

    assert (harness.shop.logged_in, harness.shop.orders, harness.factory.called) == (0, 0, [])
    (record,) = harness.store.records.values()
    assert record.result == Result(Outcome.FAILED, f"{type(error).__name__}: {error}")


@dataclass
class BrokenShop(MemoryShop):
    """A shop whose orders raise."""

    error: Exception | None = None

    def order(self, token: str, deadline: Deadline) -> Sample:
        assert self.error
        raise self.error


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (SecretError("the diner's secret can't be read"), SecretError),
        (KeyError(f"a fault with {TOKEN}"), Failed),
    ],
)
def test_whatever_is_raised_is_on_record_without_secrets_and_the_lease_is_given_back(
    error: Exception, raised: type[Exception]
) -> None:
    harness = Harness(GOOD)
    shop = BrokenShop([], [LOGIN], error=error)
    harness.remediator = replace(harness.remediator, shop=shop)

    with pytest.raises(raised) as told:
        run(harness)

    assert TOKEN not in str(told.value)
    assert harness.outcomes == ["FAILED"]
    assert harness.kinds == ["claimed", "finished"]
    assert (harness.store.current.check, shop.logged_out) == (None, 1)
    assert TOKEN not in repr(harness.store)


@pytest.mark.parametrize("refuses", ["intent", "answer", "finished"])
def test_diner_logs_out_also_if_the_run_fails(refuses: str) -> None:
    harness = Harness(failing(), failing(), GOOD, store=FaultyStore(refuses=refuses))

    with pytest.raises(StateError):
        run(harness)

    assert (harness.shop.logged_in, harness.shop.logged_out) == (1, 1)


def test_text_that_is_no_utf_8_is_written_down_all_the_same() -> None:
    says = Sample(BEGAN, 0.1, 200, b'{"message": "resolved \\ud800"}')
    harness = Harness(failing(), failing(), GOOD, report=says)

    assert outcome_of(harness, alarm(name="Orders\ud800Failing")) is Outcome.HEALED
    assert "Orders?Failing" in harness.notifier.sent[0].text
    assert verify_chain(harness.store.log, BEGAN) is None
