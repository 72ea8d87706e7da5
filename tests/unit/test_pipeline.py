"""The remediation, from alarm to outcome, on in-memory adapters."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from console.records import broken
from remediator.errors import DeadlineOver, MessageError, StateError, Unhealed, UnreadableHead
from remediator.head import Change, Head, Message, Pause, Policy, Wake, claim, pause, resume
from remediator.outcome import Ending, Outcome
from remediator.sample import Deadline, Fault, Sample
from tests.memory import MemoryStore
from tests.scenes import (
    BEGAN,
    ELSEWHERE,
    FRESH_LINK,
    GOOD,
    LINK,
    LOGIN,
    TOKEN,
    UNAUTHORIZED,
    UNKNOWN_USER,
    Scene,
    alarm,
    answer,
    failing,
    fault,
    sns,
)


@dataclass
class Store(MemoryStore):
    """A store that refuses one kind of entry, doesn't note wakes, or can't be read."""

    refuses: str = ""
    notes: bool = True
    unreadable: StateError | None = None

    def head(self) -> Head:
        if self.unreadable:
            raise self.unreadable
        return super().head()

    def commit(self, seen: Head, change: Change) -> Head | None:
        if change.entries[0].kind == self.refuses:
            raise StateError("the head can't be written: TransactWriteItems: AccessDenied")
        return super().commit(seen, change)

    def join(self, owner: str, sent: datetime) -> bool:
        return self.notes and super().join(owner, sent)


ALARM = alarm()
HTML = Sample(BEGAN, 0.1, 502, b"<html>bad gateway</html>")
NO_LINK = answer(500, {"message": "Chaos monkey", "stack": "Error: Chaos monkey"})


def run(scene: Scene, event: object = ALARM, request: str = "r-1") -> list[Ending]:
    return scene.remediator.handle(event, request, Deadline.after(100))


def ends(scene: Scene, event: object = ALARM) -> Outcome:
    """The outcome on record, whether the run raised or not."""
    with suppress(Unhealed):
        run(scene, event)
    return next(iter(scene.store.events.values())).ending.outcome


def test_incident_of_2025_04_08_is_healed_by_one_call_between_samples() -> None:
    scene = Scene(failing(), failing(), GOOD)

    (ending,) = run(scene)

    assert ending.outcome is Outcome.HEALED
    assert [link.reveal() for link in scene.factory.called] == [LINK]
    assert scene.shop.orders == 3
    assert scene.shop.logged_out == 1
    assert scene.kinds == ["opened", "intent", "answer", "closed", "told"]
    assert [message.subject for message in scene.people.told] == [f"HEALED {ending.incident}"]


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
def test_whatever_asks_for_no_call_ends_on_record_without_one(
    orders: list[Sample], login: Sample, outcome: Outcome, raises: bool
) -> None:
    scene = Scene(*orders, logins=[login])

    if raises:
        with pytest.raises(Unhealed):
            run(scene)
    else:
        run(scene)

    assert scene.outcomes == [outcome]
    assert scene.factory.called == []
    assert scene.store.current.incident is None or scene.store.current.incident.lease is None


def test_one_failing_order_of_two_is_no_reason_to_call() -> None:
    scene = Scene(failing(), GOOD, GOOD, failing())

    assert ends(scene) is Outcome.UNRESOLVED
    assert scene.factory.called == []


def test_second_look_decides_where_the_first_orders_disagree() -> None:
    scene = Scene(failing(), GOOD, failing(), failing(), GOOD)

    assert ends(scene) is Outcome.HEALED
    assert scene.shop.orders == 5


def test_refused_token_is_asked_for_once_more() -> None:
    scene = Scene(UNAUTHORIZED, UNAUTHORIZED, GOOD, GOOD)

    assert ends(scene) is Outcome.ALREADY_HEALTHY
    assert scene.shop.logged_in == 2


def test_failure_that_survives_the_answered_call_is_unresolved_and_the_link_not_called_again() -> None:
    scene = Scene(failing())

    with pytest.raises(Unhealed, match="UNRESOLVED"):
        run(scene)

    assert len(scene.factory.called) == 1
    assert scene.store.current.incident is not None
    assert [m.subject.split()[:2] for m in scene.people.told] == [["URGENT", "UNRESOLVED"]]


def test_stale_code_is_followed_by_the_fresh_link() -> None:
    stale = answer(400, {"message": "Problem unresolved"})
    scene = Scene(failing(), failing(), failing(FRESH_LINK), GOOD, report=stale)

    assert ends(scene) is Outcome.HEALED
    assert [link.reveal() for link in scene.factory.called] == [LINK, FRESH_LINK]


def test_link_is_called_again_where_the_answer_was_lost_and_orders_still_fail() -> None:
    scene = Scene(failing(), failing(), failing(), GOOD, report=fault(Fault.RESET))

    assert ends(scene) is Outcome.HEALED
    assert len(scene.factory.called) == 2


def test_no_run_calls_more_than_three_times() -> None:
    scene = Scene(failing(), report=fault(Fault.TIMEOUT))

    assert ends(scene) is Outcome.UNRESOLVED
    assert len(scene.factory.called) == 3


def test_mode_observe_calls_nothing_and_says_what_it_would_have_done() -> None:
    scene = Scene(failing(), policy=Policy("observe"))

    assert ends(scene) is Outcome.OBSERVED
    assert scene.factory.called == []
    assert "would have been called" in scene.people.told[0].text


def test_limit_of_calls_in_an_hour_is_kept() -> None:
    scene = Scene(failing(), policy=Policy(calls_an_hour=0))

    assert ends(scene) is Outcome.LIMITED
    assert scene.factory.called == []


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (alarm("OK"), Outcome.STOOD_DOWN),
        ({}, Outcome.REFUSED),
        ("no envelope {", Outcome.REFUSED),
        (sns("a text that no reader knows"), Outcome.ALREADY_HEALTHY),
    ],
)
def test_readable_envelope_wakes_and_what_is_none_is_refused(event: object, outcome: Outcome) -> None:
    scene = Scene(GOOD)

    assert ends(scene, event) is outcome


def test_three_copies_one_after_the_other_make_one_call() -> None:
    scene = Scene(failing(), failing(), GOOD)

    for number in range(3):
        run(scene, alarm(), f"r-{number}")

    assert len(scene.factory.called) == 1
    assert scene.outcomes == ["HEALED", "JOINED", "JOINED"]


def test_later_alarm_opens_an_incident_of_its_own() -> None:
    scene = Scene(failing(), failing(), GOOD)
    run(scene)

    scene.shop.orders = 0
    later = alarm(sent=BEGAN + timedelta(minutes=10))
    (ending,) = run(scene, later, "r-2")

    assert ending.outcome is Outcome.HEALED
    assert len(scene.store.summaries) == 2


def test_urgent_message_is_sent_once_for_an_incident_and_outcome() -> None:
    scene = Scene(NO_LINK)

    run(scene, alarm(), "r-1")
    run(scene, alarm(sent=BEGAN + timedelta(minutes=5)), "r-2")

    assert len(scene.people.told) == 1


def test_open_incident_that_turns_out_healthy_is_told_when_it_ends() -> None:
    scene = Scene(NO_LINK, NO_LINK, GOOD)

    run(scene, alarm(), "r-1")
    run(scene, alarm(sent=BEGAN + timedelta(minutes=5)), "r-2")

    assert scene.outcomes == ["NO_LINK", "ALREADY_HEALTHY"]
    assert [m.subject.split()[-2] for m in scene.people.told] == ["NO_LINK", "ALREADY_HEALTHY"]


def test_message_that_cannot_be_sent_changes_no_outcome_and_waits_in_the_head() -> None:
    scene = Scene(failing(), failing(), GOOD)

    def refuse(message: Message) -> None:
        raise MessageError(f"{message.id}: Throttled")

    scene.people.refuse = refuse

    assert ends(scene) is Outcome.HEALED
    assert len(scene.store.current.outbox) == 1
    assert len(scene.warnings) == 1


def test_one_bad_record_spoils_no_other() -> None:
    event = alarm()
    event["Records"].insert(0, {"EventSource": "aws:sns", "Sns": None})
    scene = Scene(failing(), failing(), GOOD)

    endings = run(scene, event)

    assert [ending.outcome for ending in endings] == [Outcome.HEALED, Outcome.JOINED]


def test_no_secret_is_in_log_messages_or_records() -> None:
    scene = Scene(failing(), failing(), GOOD)

    run(scene)

    written = repr((scene.store, scene.people, scene.factory, scene.warnings))
    assert LINK not in written
    assert LINK.split("/")[5] not in written
    assert TOKEN not in written


def test_message_that_cannot_be_noted_as_sent_changes_no_outcome() -> None:
    scene = Scene(failing(), failing(), GOOD, store=Store(refuses="told"))

    assert ends(scene) is Outcome.HEALED
    assert len(scene.people.told) == len(scene.store.current.outbox) == 1
    assert len(scene.warnings) == 1


def test_wake_that_cannot_be_noted_raises_once_the_time_is_up() -> None:
    scene = Scene(GOOD, store=Store(notes=False))
    other = Wake("r-9#0", "bbbb2222", BEGAN, "OrdersFailing", "it fires")
    claimed = claim(Head(), other, BEGAN, BEGAN + timedelta(days=1))
    assert isinstance(claimed, Change)
    scene.store.commit(Head(), claimed)

    with pytest.raises(DeadlineOver):
        scene.remediator.handle(ALARM, "r-1", Deadline.after(0.05))

    assert scene.shop.orders == 0


def woken(times: int) -> tuple[Scene, list[float]]:
    """A scene whose shop is healed, where an alarm comes after each of so many good orders; and its waits."""
    orders = [replace(GOOD, began=BEGAN + timedelta(seconds=number)) for number in range(times + 1)]
    scene = Scene(failing(), failing(), *orders)
    waits: list[float] = []

    def wake() -> None:
        good = scene.shop.orders - 3
        if 0 <= good < times:
            scene.store.join("r-1#0", BEGAN + timedelta(seconds=good + 0.5))

    scene.shop.meanwhile = wake
    scene.remediator = replace(scene.remediator, sleep=waits.append)
    return scene, waits


def test_alarms_that_keep_coming_are_looked_at_once_a_second_until_they_stop() -> None:
    scene, waits = woken(12)

    (ending,) = scene.remediator.handle(ALARM, "r-1", Deadline(100, lambda: sum(waits)))

    assert ending.outcome is Outcome.HEALED
    assert scene.shop.orders == 3 + 12
    assert sum(wait > 1.0 for wait in waits) == 12  # what is shorter is the jitter between two tries to write


def test_alarm_that_follows_a_good_look_at_once_is_looked_at_a_little_later() -> None:
    scene, waits = woken(0)
    run(scene)
    assert waits == []

    run(scene, alarm(sent=BEGAN + timedelta(seconds=0.1)), "r-2")

    assert scene.outcomes == ["HEALED", "ALREADY_HEALTHY"]
    assert len(waits) == 1
    assert 0.5 < waits[0] <= 1.25


def test_alarms_that_never_stop_while_orders_are_good_are_unresolved_after_half_a_minute() -> None:
    scene, waits = woken(1000)

    with pytest.raises(Unhealed, match="alarms kept coming"):
        scene.remediator.handle(ALARM, "r-1", Deadline(100, lambda: sum(waits)))

    assert 30 <= sum(waits) < 30 + 2 * (1.25 + 1.0)  # one look and one try to write may be under way
    assert scene.store.current.incident is not None


def test_pause_that_is_set_while_the_samples_run_is_seen() -> None:
    scene = Scene(failing())

    def paused() -> None:
        head = scene.store.current
        scene.store.current = replace(head, v=head.v + 1, pause=Pause("we release", "ana"))

    scene.shop.meanwhile = paused

    assert ends(scene) is Outcome.PAUSED
    assert scene.factory.called == []
    assert "paused by ana: we release" in scene.people.told[0].text


@pytest.mark.parametrize("error", [UnreadableHead("the head is of format 99"), StateError("GetItem: AccessDenied")])
def test_head_that_cannot_be_read_raises_and_nothing_is_called(error: StateError) -> None:
    scene = Scene(failing(), store=Store(unreadable=error))

    with pytest.raises(type(error), match=str(error)):
        run(scene)

    assert (scene.shop.logged_in, scene.shop.orders, scene.factory.called) == (0, 0, [])
    (event,) = scene.store.events.values()
    assert event.ending == Ending(Outcome.FAILED, f"{type(error).__name__}: {error}")


def test_resume_while_the_samples_run_is_seen_before_the_run_lets_go() -> None:
    store = MemoryStore()
    store.commit(Head(), pause(Head(), BEGAN, "release 42", "ana", None))
    scene = Scene(failing(), failing(), GOOD, store=store)

    def resumed() -> None:
        change = resume(store.current, BEGAN, "ana")
        if change:
            store.commit(store.current, change)

    scene.shop.meanwhile = resumed

    assert ends(scene) is Outcome.HEALED


def test_alarm_that_comes_while_a_run_would_let_go_makes_it_look_again() -> None:
    later = [replace(sample, began=BEGAN + timedelta(seconds=5)) for sample in (failing(), failing(), GOOD)]
    scene = Scene(NO_LINK, NO_LINK, *later)

    def wake() -> None:
        if scene.shop.orders == 2:
            scene.store.join("r-1#0", BEGAN + timedelta(seconds=1))

    scene.shop.meanwhile = wake

    assert ends(scene) is Outcome.HEALED
    assert scene.shop.orders == 5


def test_text_that_is_no_utf_8_is_written_down_all_the_same() -> None:
    says = Sample(BEGAN, 0.1, 200, b'{"message": "resolved \\ud800"}')
    scene = Scene(failing(), failing(), GOOD, report=says)

    assert ends(scene, alarm(name="Orders\ud800Failing")) is Outcome.HEALED
    assert "Orders?Failing" in scene.people.told[0].text
    assert broken(scene.store.log) is None


@dataclass
class OldHead(MemoryStore):
    """A store whose process last saw the head long ago."""

    old: Head = field(default_factory=Head)

    def seen(self) -> Head:
        return self.old


def test_head_that_was_seen_long_ago_is_read_anew_and_the_shop_is_healed_by_one_call() -> None:
    store = OldHead()
    run(Scene(GOOD, store=store), alarm(sent=BEGAN), "r-0")
    assert store.current.v > 0
    scene = Scene(failing(), failing(), GOOD, store=store)
    scene.clock.now = BEGAN + timedelta(minutes=1)

    (ending,) = run(scene, alarm(sent=BEGAN + timedelta(minutes=1)), "r-1")

    assert ending.outcome is Outcome.HEALED
    assert len(scene.factory.called) == 1
    assert broken(store.log) is None


def test_covered_alarm_does_not_tell_what_others_told_since_the_head_was_seen() -> None:
    store = OldHead()
    run(Scene(failing(), failing(), GOOD, store=store))
    closed = replace(store.current, outbox=(Message("i-1/HEALED", "HEALED i-1", "text", "r-9#0", BEGAN),))
    store.old = closed  # as it was before the message was sent
    scene = Scene(GOOD, store=store)

    (ending,) = run(scene, alarm(sent=BEGAN - timedelta(minutes=5)), "r-2")

    assert ending.outcome is Outcome.JOINED
    assert scene.people.told == []


@pytest.mark.parametrize("refuses", ["intent", "answer", "closed"])
def test_diner_leaves_also_where_the_run_fails(refuses: str) -> None:
    scene = Scene(failing(), failing(), GOOD, store=Store(refuses=refuses))

    with pytest.raises(StateError):
        run(scene)

    assert (scene.shop.logged_in, scene.shop.logged_out) == (1, 1)
