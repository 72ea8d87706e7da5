"""The judgements on the head: pure functions of head, facts and time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from console.records import broken
from remediator.head import (
    Change,
    Covered,
    Denied,
    Entry,
    Head,
    Join,
    Pause,
    Policy,
    Superseded,
    Wake,
    Woken,
    answered,
    claim,
    close,
    intend,
    pause,
    release,
    resume,
    set_mode,
    told,
    unsent,
)
from remediator.outcome import Outcome
from tests.scenes import BEGAN

LATER = BEGAN + timedelta(seconds=30)
LEASE_END = BEGAN + timedelta(seconds=125)
ACT = Policy()


def wake(owner: str = "r-1#0", run: str = "aaaa1111", sent: float = 0.0) -> Wake:
    return Wake(owner, run, BEGAN + timedelta(seconds=sent), "OrdersFailing", "1 alarm fires")


def changed(change: object) -> Head:
    assert isinstance(change, Change)
    return change.new


def claimed(head: Head | None = None, by: Wake | None = None) -> Head:
    return changed(claim(head or Head(), by or wake(), BEGAN, LEASE_END))


def intended(head: Head, fingerprint: str = "f00d", run: str = "aaaa1111") -> Head:
    return changed(intend(head, run, LATER, ACT, fingerprint, {}))


def test_first_wake_opens_an_incident_named_after_its_time() -> None:
    change = claim(Head(), wake(), BEGAN, LEASE_END)

    assert isinstance(change, Change)
    assert change.new.incident is not None
    assert change.new.incident.id == "20261123T080000Z-aaaa"
    assert [entry.kind for entry in change.entries] == ["opened"]


def test_wake_under_a_live_lease_joins_its_owner() -> None:
    assert claim(claimed(), wake("r-2#0", "bbbb"), LATER, LEASE_END) == Join("20261123T080000Z-aaaa", "r-1#0")


def test_wake_after_the_lease_continues_the_incident() -> None:
    head = changed(claim(claimed(), wake("r-2#0", "bbbb"), LEASE_END, LEASE_END + timedelta(seconds=125)))

    assert head.incident is not None
    assert head.incident.wakes == 2


def test_retry_of_the_same_request_continues_at_once_and_fences_its_twin() -> None:
    head = changed(claim(claimed(), wake(run="bbbb2222"), LATER, LEASE_END))

    assert isinstance(intend(head, "aaaa1111", LATER, ACT, "f00d", {}), Superseded)
    assert isinstance(intend(head, "bbbb2222", LATER, ACT, "f00d", {}), Change)


@pytest.mark.parametrize(("sent", "covered"), [(-1, True), (0, True), (0.001, False)])
def test_alarm_is_covered_where_it_was_sent_by_the_start_of_the_sample_that_closed(sent: float, covered: bool) -> None:
    closed = changed(close(claimed(), "aaaa1111", LATER, BEGAN, "good", {}))

    judged = claim(closed, wake("r-2#0", "bbbb", sent), LATER, LEASE_END)

    assert isinstance(judged, Covered) is covered


def test_wake_that_came_after_the_sample_began_keeps_the_incident_open() -> None:
    head = replace(claimed(), last_wake=BEGAN + timedelta(seconds=1))

    assert isinstance(close(head, "aaaa1111", LATER, BEGAN, "good", {}), Woken)
    assert isinstance(close(head, "aaaa1111", LATER, LATER, "good", {}), Change)


@pytest.mark.parametrize(
    ("head", "policy", "outcome"),
    [
        (replace(claimed(), pause=Pause("release", "ana")), ACT, Outcome.PAUSED),
        (replace(claimed(), pause=Pause("release", "ana", LATER + timedelta(1))), ACT, Outcome.PAUSED),
        (claimed(), Policy("observe"), Outcome.OBSERVED),
        (replace(claimed(), mode="observe"), ACT, Outcome.OBSERVED),
        (replace(claimed(), mode="act"), Policy("observe"), Outcome.OBSERVED),
        (replace(claimed(), calls=(BEGAN,) * 6), ACT, Outcome.LIMITED),
    ],
)
def test_call_is_denied_with_its_reason(head: Head, policy: Policy, outcome: Outcome) -> None:
    denied = intend(head, "aaaa1111", LATER, policy, "f00d", {})

    assert isinstance(denied, Denied)
    assert denied.outcome is outcome
    assert denied.reason


def test_pause_that_is_over_and_calls_older_than_an_hour_deny_nothing() -> None:
    head = replace(claimed(), pause=Pause("release", "ana", BEGAN), calls=(LATER - timedelta(hours=1),) * 6)

    assert isinstance(intend(head, "aaaa1111", LATER, ACT, "f00d", {}), Change)


def test_same_link_is_called_again_only_where_no_answer_came() -> None:
    called = intended(claimed())
    lost = changed(answered(called, "aaaa1111", LATER, whole=False, evidence={}))
    heard = changed(answered(called, "aaaa1111", LATER, whole=True, evidence={}))

    assert isinstance(intend(lost, "aaaa1111", LATER, ACT, "f00d", {}), Change)
    assert isinstance(intend(heard, "aaaa1111", LATER, ACT, "f00d", {}), Denied)
    assert isinstance(intend(heard, "aaaa1111", LATER, ACT, "beef", {}), Change)


def test_incident_without_a_call_of_ours_closes_as_already_healthy() -> None:
    change = close(claimed(), "aaaa1111", LATER, LATER, "good", {})

    assert isinstance(change, Change)
    assert change.summary is not None
    assert change.summary.outcome is Outcome.ALREADY_HEALTHY
    assert change.new.outbox == ()


def test_released_incident_stays_open_without_a_lease() -> None:
    head = changed(release(claimed(), "aaaa1111", LATER, BEGAN, Outcome.NO_LINK, "no link", {}))

    assert head.incident is not None
    assert head.incident.lease is None
    assert isinstance(claim(head, wake("r-2#0", "bbbb", 1), LATER, LEASE_END), Change)


def test_message_is_sent_by_its_owner_and_once_overdue_by_whoever_comes() -> None:
    head = changed(close(intended(claimed()), "aaaa1111", LATER, LATER, "good", {}))

    assert len(unsent(head, "r-1#0", LATER)) == 1
    assert unsent(head, "r-2#0", LATER) == ()
    assert len(unsent(head, "r-2#0", LEASE_END)) == 1
    sent = changed(told(head, [head.outbox[0].id], LATER))
    assert sent.outbox == ()
    assert told(sent, [head.outbox[0].id], LATER) is None


def test_log_that_was_altered_cut_or_reordered_is_found_at_its_first_wrong_entry() -> None:
    head = Head()
    log: list[Entry] = []
    for _ in range(4):
        change = claim(head, wake(), BEGAN, LEASE_END)
        assert isinstance(change, Change)
        head = change.new
        log += change.entries

    assert broken(log) is None
    assert broken(log[1:]) is None
    assert broken([log[0], log[2]]) == "entry 3 follows entry 1"
    assert broken([log[0], replace(log[1], data="{}"), *log[2:]]) == "entry 2 isn't what was written"
    assert broken([log[1], log[0]]) == "entry 1 follows entry 2"


def test_pause_and_mode_are_entries_that_say_who_and_why() -> None:
    paused = pause(Head(), BEGAN, "release 42", "ana", None)
    moded = set_mode(paused.new, BEGAN, "observe", "careful", "ben")

    assert [entry.kind for entry in (*paused.entries, *moded.entries)] == ["paused", "mode"]
    assert '"who":"ana"' in paused.entries[0].data
    assert moded.new.mode == "observe"
    resumed = resume(moded.new, BEGAN, "ana")
    assert resumed is not None
    assert resumed.new.pause is None
    assert resume(resumed.new, BEGAN, "ana") is None


def test_relapse_names_the_incident_before_and_the_third_in_an_hour_is_told_as_flapping() -> None:
    head, subjects = Head(), []
    for number in range(3):
        at = BEGAN + timedelta(minutes=10 * number)
        by = Wake(f"r-{number}#0", f"{number:08x}", at, "OrdersFailing", "it fires")
        opened = changed(claim(head, by, at, at + timedelta(seconds=125)))
        called = changed(intend(opened, by.run, at, ACT, f"f{number}", {}))
        head = changed(close(called, by.run, at, at, "good", {}))
        subjects.append(head.outbox[-1].subject)
        assert opened.incident is not None
        assert (opened.incident.before is None) == (number == 0)

    assert [subject.startswith("URGENT") for subject in subjects] == [False, False, True]
    assert "healing 3 within the hour" in head.outbox[-1].text
    assert "a relapse of" in head.outbox[-1].text


def test_wake_that_came_after_the_look_began_keeps_a_release_from_being_written_unless_it_raises() -> None:
    head = replace(claimed(), last_wake=BEGAN + timedelta(seconds=1))

    assert isinstance(release(head, "aaaa1111", LATER, BEGAN, Outcome.NO_LINK, "no link", {}), Woken)
    assert isinstance(release(head, "aaaa1111", LATER, BEGAN, Outcome.UNRESOLVED, "still", {}), Change)
