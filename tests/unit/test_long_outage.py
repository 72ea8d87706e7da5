"""An outage that lasts, with everything against us: the state stays small, each one's turn comes, no call is final."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from remediator import decisions
from remediator.adapters.dynamodb import STATES
from remediator.deadline import Deadline
from remediator.decisions import Finding
from remediator.endpoints import ENDPOINTS
from remediator.errors import DeadlineOver, NotificationError
from remediator.limits import Limits
from remediator.notifications import LONGEST_OUTBOX, full_text, put
from remediator.outcome import Outcome
from remediator.plain import LONGEST
from remediator.sample import Fault, Sample
from remediator.state import MOST_CALLS, Call, Change, Notification, State
from remediator.trigger import MOST_ALARMS
from tests.support.builders import (
    BEGAN,
    FRESH_LINK,
    GOOD,
    HOLDER,
    LATER,
    LINK,
    RESOLVED,
    RUN,
    Harness,
    alarm,
    answer,
    changed,
    claim,
    failing,
    fault,
    finish,
    sns,
    trigger,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ORDERS, EVERYTHING = ("order",), tuple(ENDPOINTS)
QUOTES = '"' * LONGEST  # twice as long in JSON
BUSY = answer(503, {"message": "busy"})


def checks_of_30_days() -> Iterator[datetime]:
    """One a minute in the first two hours of each day, then one each ten minutes."""
    for day in range(30):
        yield from (BEGAN + day * DAY + minute * MINUTE for minute in range(120))
        yield from (BEGAN + day * DAY + minute * MINUTE for minute in range(120, 1440, 10))


def an_outage_of_30_days() -> Iterator[State]:
    """The state after each check of one incident, at its worst: another link each time, called as often as may be, no
    call answered; each check ends otherwise than the one before, in many words; no notification can be sent.
    """
    limits, state = Limits(calls_an_hour=60), State()
    ends = [outcome for outcome in Outcome if outcome not in (Outcome.ALREADY_HEALTHY, Outcome.HEALED)]
    for number, now in enumerate(checks_of_30_days()):
        by = replace(trigger(f"r-{number}#0", f"{number:08x}", now), alarm=QUOTES, sender="person")
        state = changed(claim(state, by, now, now + MINUTE))
        failing = EVERYTHING[number % 7 :] if number % 3 else ORDERS
        finding = Finding(ends[number % len(ends)], QUOTES, now, failing, EVERYTHING, offered=True, healed=failing)
        attempt = decisions.Attempt(f"{number:012x}", {"evidence": QUOTES})
        intent = decisions.intend(state, by.run, now, limits, attempt, finding, {}, gives_way=False)
        assert isinstance(intent, Change)
        assert intent.kind == "intent"
        state = changed(decisions.record_answer(intent.new, by.run, now, {}, now + timedelta(seconds=5)))
        yield state
        state = changed(decisions.finish(state, by.run, now, finding, {"total": 1}, gives_way=False))
        yield state


def test_lists_that_grow_as_long_as_an_outage_do_not() -> None:
    largest = 0
    for number, state in enumerate(an_outage_of_30_days()):
        largest = max(largest, len(STATES.dump_json(state, exclude_defaults=True)))
        assert state.incident is not None
        assert state.incident.called == number // 2 + 1
        assert (len(state.incident.calls), len(state.outbox)) <= (MOST_CALLS, LONGEST_OUTBOX)

    assert largest < 20_000


def test_lists_that_grow_a_record_names_some_alarms_and_says_how_many_more_there_were() -> None:
    alerts = [{"status": "firing", "labels": {"alertname": f"a{number}"}} for number in range(50_000)]
    harness = Harness(failing(), failing(), GOOD)
    message = json.dumps({"receiver": "r", "status": "firing", "alerts": alerts})

    harness.remediator.handle(sns(message), "r-1", Deadline.after(100))

    (record,) = harness.store.records.values()
    assert record.result.outcome is Outcome.HEALED
    assert len(record.alarms) == MOST_ALARMS + 1
    assert (record.alarms[0], record.alarms[-1]) == ("a0 firing", f"and {50_000 - MOST_ALARMS} more")


def test_call_that_was_answered_is_denied_its_repetition_for_as_many_as_are_kept() -> None:
    incident = changed(finish(claim().new, Outcome.NO_LINK)).incident
    assert incident is not None
    for number in range(MOST_CALLS + 5):
        incident = incident.with_call(Call(f"link {number}", f"run {number}", answered=True))
    state = State(incident=incident)

    denied = [number for number in range(MOST_CALLS + 5) if Limits().deny(state, RUN, LATER, f"link {number}")]

    assert denied == list(range(5, MOST_CALLS + 5))
    assert incident.called == MOST_CALLS + 5


def notified(*subjects: str) -> State:
    """The state after these were to be sent, one after the other."""
    change = Change(State())
    for number, subject in enumerate(subjects):
        change = put(change, Notification(f"n-{number}", subject, "text\n", "status", HOLDER, BEGAN))
    return change.new


@pytest.mark.parametrize(
    ("subjects", "kept", "lost"),
    [
        (["URGENT"] * 3 + ["HEALED"], [0, 1, 2, 3], 0),
        (["HEALED", *["URGENT x"] * 10], list(range(1, 11)), 1),
        (["URGENT x", *["HEALED"] * 12], [0, *range(4, 13)], 3),
        (["URGENT x"] * 12, list(range(2, 12)), 2),
        ([*["URGENT x"] * 10, "HEALED"], list(range(10)), 1),
    ],
)
def test_full_outbox_gives_up_the_oldest_that_is_not_urgent_and_says_how_many(
    subjects: list[str], kept: list[int], lost: int
) -> None:
    outbox = notified(*subjects).outbox

    assert [each.id for each in outbox] == [f"n-{number}" for number in kept]
    assert sum(each.lost for each in outbox) == lost
    assert (f"{lost} other notifications couldn't be sent." in full_text(outbox[0], "s", "r")) is bool(lost)


def waiting(count: int, holder: str = "gone#0") -> Harness:
    """A harness whose state holds so many notifications that are overdue, every second one urgent."""
    harness = Harness(failing(), failing(), GOOD)
    outbox = notified(*(("HEALED", "URGENT x")[number % 2] for number in range(count))).outbox
    harness.store.current = State(v=1, outbox=tuple(replace(each, holder=holder) for each in outbox))
    return harness


def test_one_for_all_own_notifications_and_the_record_come_before_those_of_others() -> None:
    harness, order = waiting(4), list[str]()

    def send(notification: Notification) -> None:
        order.append(f"{len(harness.store.records)} on record, {notification.id[:5]} {notification.is_urgent}")

    harness.notifier.refuse = send
    copies = alarm()
    copies["Records"] *= 2

    harness.remediator.handle(copies, "r-1", Deadline.after(100))

    assert order[0].startswith("1 on record, 20261")
    assert order[1:] == [
        "2 on record, n-1 True",
        "2 on record, n-3 True",
        "2 on record, n-0 False",
        "2 on record, n-2 False",
    ]
    assert harness.store.current.outbox == ()


@pytest.mark.parametrize("error", [NotificationError("Throttled"), KeyError("no reason"), UnicodeError("€")])
def test_one_for_all_what_cannot_be_sent_is_told_and_the_rest_goes_on(error: Exception) -> None:
    harness = waiting(4)

    def refuse(notification: Notification) -> None:
        if notification.id in ("n-1", "n-2"):
            raise error

    harness.notifier.refuse = refuse

    assert harness.handle() is not None
    assert [each.id for each in harness.store.current.outbox] == ["n-1", "n-2"]
    assert len(harness.warnings) == 2


def test_one_for_all_sending_asks_the_deadline() -> None:
    """Each takes nine seconds, as a topic does that doesn't answer; ten of them wait, and the run has its own."""
    harness, seconds = waiting(10), [0.0]

    def send(_: Notification) -> None:
        seconds[0] += 9

    harness.notifier.refuse = send

    harness.remediator.handle(alarm(), "r-1", Deadline(30, lambda: seconds[0]))

    assert harness.outcomes == ["HEALED"]
    assert seconds[0] == 36  # the fourth was begun with three seconds left
    assert len(harness.store.current.outbox) == 11 - 1 - 4


def test_one_for_all_run_without_time_for_its_own_notification_is_tried_again_and_sends_it_then() -> None:
    harness, seconds = Harness(failing(), failing(), GOOD), [0.0]
    harness.shop.logout = lambda *_: None  # type: ignore[method-assign] # this test logs nobody out
    harness.remediator = replace(harness.remediator, measure=lambda _: seconds.__setitem__(0, 101.0))

    with pytest.raises(DeadlineOver, match="no time was left to notify"):
        harness.remediator.handle(alarm(), "r-1", Deadline(100, lambda: seconds[0]))
    assert (harness.outcomes, harness.notifier.sent) == (["HEALED"], [])
    harness.remediator.handle(alarm(), "r-1", Deadline.after(100))

    assert harness.outcomes == ["HEALED"]
    assert [each.subject.split(":")[0] for each in harness.notifier.sent] == ["HEALED"]


def test_one_for_all_alarms_whose_turn_does_not_come_are_tried_again() -> None:
    event, seconds = alarm(), [0.0]
    event["Records"] *= 1000
    harness = Harness(GOOD)
    harness.remediator = replace(harness.remediator, measure=lambda _: seconds.__setitem__(0, seconds[0] + 1))

    with pytest.raises(DeadlineOver, match="before the turn of 990 alarms"):
        harness.remediator.handle(event, "r-1", Deadline(10, lambda: seconds[0]))

    assert len(harness.store.records) == 10


NO_ANSWERS = [answer(status, {"message": "busy"}) for status in (500, 502, 503, 504, 408, 429)]


@pytest.mark.parametrize("report", [*NO_ANSWERS, fault(Fault.RESET), fault(Fault.TIMEOUT)])
def test_final_too_early_call_that_got_no_answer_is_repeated_after_a_pause_and_a_new_sample(report: Sample) -> None:
    harness = Harness(failing(), failing(), failing(), GOOD, report=[report, RESOLVED])
    times = []
    harness.shop.meanwhile = lambda: times.append(harness.clock.now)

    result = harness.handle()

    assert result is not None
    assert result.outcome is Outcome.HEALED
    assert [link.reveal() for link in harness.factory.called] == [LINK, LINK]
    assert times[2] - times[1] >= timedelta(seconds=5)  # by the test's own clock, no machine's
    assert harness.shop.orders == 4
    assert harness.kinds == ["claimed", "opened", "intent", "answer", "intent", "answer", "finished", "notified"]


@pytest.mark.parametrize("status", [200, 204, 301, 400, 401, 403, 404, 409, 410, 418, 451])
def test_final_too_early_any_other_answer_is_final(status: int) -> None:
    harness = Harness(failing(), report=answer(status, {"message": "no"}))

    assert harness.handle() is None
    assert len(harness.factory.called) == 1


@pytest.mark.parametrize(
    ("asked", "pause", "calls", "outcome"), [(0, 5, 2, "HEALED"), (3, 5, 2, "HEALED"), (60, 60, 2, "HEALED"),
                                             (600, 0, 1, "UNRESOLVED"), (99_999, 0, 1, "UNRESOLVED")],
)  # fmt: skip
def test_final_too_early_the_pause_is_the_factorys_if_the_run_lasts_as_long(
    asked: int, pause: int, calls: int, outcome: str
) -> None:
    busy = answer(503, {"message": "busy"}, retry_after=asked)
    harness, slept = Harness(failing(), failing(), failing(), GOOD, report=[busy, RESOLVED]), list[float]()
    if outcome == "UNRESOLVED":
        harness.shop.answers = [failing()]

    def sleep(seconds: float) -> None:
        slept.append(round(seconds))
        harness.clock.sleep(seconds)

    harness.remediator = replace(harness.remediator, sleep=sleep)
    harness.handle()

    assert (sum(slept), len(harness.factory.called), harness.outcomes) == (pause, calls, [outcome])


def test_final_too_early_next_try_of_the_event_repeats_the_call_that_this_one_may_not() -> None:
    busy = answer(503, {"message": "busy"}, retry_after=600)
    harness = Harness(failing(), failing(), failing(), failing(), failing(), GOOD, report=[busy, RESOLVED])

    assert harness.handle() is None
    assert "too soon to repeat it" in next(iter(harness.store.records.values())).result.reason
    again = harness.handle(alarm(), after=2 * MINUTE)

    assert again is not None
    assert again.outcome is Outcome.HEALED
    assert len(harness.factory.called) == 2


def test_final_too_early_a_factory_that_stays_busy_is_called_three_times_a_run() -> None:
    harness = Harness(failing(), report=BUSY)

    assert harness.handle() is None
    assert len(harness.factory.called) == 3


def test_final_too_early_another_link_need_not_wait() -> None:
    harness = Harness(
        failing(), failing(), failing(FRESH_LINK), GOOD, report=[replace(BUSY, retry_after=600), RESOLVED]
    )

    result = harness.handle()

    assert result is not None
    assert [link.reveal() for link in harness.factory.called] == [LINK, FRESH_LINK]
