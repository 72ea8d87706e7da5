"""The decisions on the state: pure functions of the state, the facts and the time."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from remediator import decisions, overrides
from remediator.decisions import AlreadyCovered, AlreadyInProgress, NothingToDo, Superseded, TriggeredMeanwhile
from remediator.limits import CALLS_A_RUN, Limits
from remediator.outcome import CONSEQUENCES, Outcome
from remediator.state import Change, Pause, State
from tests.support.builders import BEGAN, LATER, LEASE_ENDS, RUN, changed, claim, finish, intend, trigger

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
OTHER = trigger("r-2#0", "bbbb2222")
FAILING = Outcome.NO_LINK


def kinds(change: object) -> list[str]:
    assert isinstance(change, Change)
    return [entry.kind for entry in change.entries]


def claimed() -> State:
    return claim().new


def called(fingerprint: str = "f00d", *, answered: bool = True) -> State:
    """A check of a failing shop, whose link was called."""
    intended = changed(intend(claimed(), fingerprint))
    return changed(decisions.record_answer(intended, RUN, LATER, {}, None if answered else LATER))


def test_alarm_begins_a_check_and_no_incident() -> None:
    change = claim()

    assert kinds(change) == ["claimed"]
    assert change.new.check is not None
    assert (change.new.check.began, change.new.check.first_v, change.new.incident) == (BEGAN, 1, None)


def test_alarm_joins_the_holder_of_a_live_lease() -> None:
    assert decisions.claim(claimed(), OTHER, LATER, LEASE_ENDS) == AlreadyInProgress("r-1#0", None)


def test_alarm_after_the_lease_continues_the_check() -> None:
    continued = claim(claimed(), OTHER, LEASE_ENDS, LEASE_ENDS + 60 * SECOND).new

    assert continued.check is not None
    assert (continued.check.began, continued.check.first_v) == (BEGAN, 1)
    assert (continued.check.lease.run, continued.check.lease.until) == ("bbbb2222", LEASE_ENDS + 60 * SECOND)


def test_retry_of_the_same_request_continues_at_once_and_shuts_out_its_twin() -> None:
    continued = claim(called(), trigger(run="bbbb2222"), LATER).new

    assert intend(continued, "beef") == Superseded()
    assert decisions.record_answer(continued, RUN, LATER, {}) == Superseded()
    assert finish(continued) == finish(continued, gives_way=False) == Superseded()
    assert kinds(intend(continued, "beef", run="bbbb2222")) == ["intent"]


@pytest.mark.parametrize(("sent", "covered"), [(-1, True), (0, True), (0.001, False)])
def test_alarm_is_covered_if_it_was_sent_by_the_time_the_last_healthy_check_began(sent: float, covered: bool) -> None:
    healthy = changed(finish(claimed(), began=BEGAN))

    decided = decisions.claim(healthy, replace(OTHER, sent=BEGAN + sent * SECOND), LATER, LEASE_ENDS)

    assert isinstance(decided, AlreadyCovered) is covered


def test_check_that_found_a_failure_covers_no_alarm() -> None:
    assert claim(changed(finish(claimed(), FAILING)), OTHER, LATER + MINUTE).kind == "claimed"


@pytest.mark.parametrize("outcome", [Outcome.ALREADY_HEALTHY, Outcome.NO_LINK, Outcome.UNRESOLVED, Outcome.UNREACHABLE])
def test_finish_gives_way_to_an_alarm_that_was_sent_after_the_check_began(outcome: Outcome) -> None:
    joined = replace(claimed(), last_trigger=BEGAN + SECOND)

    assert finish(joined, outcome, began=BEGAN) == TriggeredMeanwhile()
    assert kinds(finish(joined, outcome, began=BEGAN + SECOND))[-1] == "finished"


def test_denial_gives_way_to_an_alarm_too_and_a_call_does_not() -> None:
    joined = replace(claimed(), last_trigger=LATER + SECOND)

    assert intend(joined, limits=Limits("observe")) == TriggeredMeanwhile()
    assert kinds(intend(joined)) == ["opened", "intent"]


ASKED = [each for each, then in CONSEQUENCES.items() if not then.raises and then.ask and each != Outcome.RATE_LIMITED]


@pytest.mark.parametrize("outcome", ASKED)
def test_finish_without_time_to_give_way_has_lambda_try_the_newer_alarm_again(outcome: Outcome) -> None:
    joined = replace(claimed(), last_trigger=BEGAN + SECOND)

    change = finish(joined, outcome, began=BEGAN, gives_way=False)

    assert isinstance(change, Change)
    assert change.outcome is Outcome.UNRESOLVED
    assert outcome in change.reason
    assert change.new.covered_until is None


def test_outcome_that_lambda_tries_again_anyway_stands_without_time_to_give_way() -> None:
    joined = replace(claimed(), last_trigger=BEGAN + SECOND)

    change = finish(joined, Outcome.UNREACHABLE, began=BEGAN, gives_way=False)

    assert isinstance(change, Change)
    assert change.outcome is Outcome.UNREACHABLE


@pytest.mark.parametrize(
    ("outcome", "gives_way", "only_unless"),
    [
        (Outcome.ALREADY_HEALTHY, True, BEGAN),
        (Outcome.ALREADY_HEALTHY, False, BEGAN),
        (Outcome.UNRESOLVED, True, BEGAN),
        (Outcome.UNRESOLVED, False, None),
    ],
)
def test_finish_is_written_only_unless_a_newer_alarm_was_noted_or_lambda_tries_it_again(
    outcome: Outcome, gives_way: bool, only_unless: datetime | None
) -> None:
    change = finish(claimed(), outcome, began=BEGAN, gives_way=gives_way)

    assert isinstance(change, Change)
    assert change.unless_triggered_after == only_unless


@pytest.mark.parametrize(
    ("state", "limits", "outcome"),
    [
        (replace(claimed(), pause=Pause("release", "ana")), Limits(), Outcome.PAUSED),
        (replace(claimed(), pause=Pause("release", "ana", LATER + SECOND)), Limits(), Outcome.PAUSED),
        (claimed(), Limits("observe"), Outcome.OBSERVED),
        (replace(claimed(), mode="observe"), Limits(), Outcome.OBSERVED),
        (replace(claimed(), mode="act"), Limits("observe"), Outcome.OBSERVED),
        (replace(claimed(), calls=(BEGAN,) * 6), Limits(), Outcome.LIMITED),
    ],
)
def test_denied_call_finishes_the_check_with_its_reason(state: State, limits: Limits, outcome: Outcome) -> None:
    change = intend(state, limits=limits)

    assert isinstance(change, Change)
    assert kinds(change) == ["opened", "finished"]
    assert change.outcome is outcome
    assert "2 of 2 orders" in change.reason
    assert (change.new.check, change.new.calls) == (None, state.calls)


def test_pause_that_is_over_and_calls_older_than_an_hour_deny_nothing() -> None:
    state = replace(claimed(), pause=Pause("release", "ana", BEGAN), calls=(LATER - timedelta(hours=1),) * 6)

    assert kinds(intend(state)) == ["opened", "intent"]


def test_same_link_is_called_again_only_if_no_answer_came() -> None:
    assert kinds(intend(called(answered=False))) == ["intent"]
    assert kinds(intend(called())) == ["finished"]
    assert kinds(intend(called(), "beef")) == ["intent"]


def test_run_calls_three_times_at_most_and_the_next_run_may_call_again() -> None:
    state = claimed()
    for number in range(CALLS_A_RUN):
        state = changed(intend(state, f"f{number}"))

    change = intend(state, "beef")

    assert isinstance(change, Change)
    assert change.outcome is Outcome.UNRESOLVED
    assert kinds(intend(claim(state, trigger(run="bbbb2222"), LATER).new, "beef", run="bbbb2222")) == ["intent"]


def test_check_of_a_healthy_shop_leaves_entries_alone() -> None:
    change = finish(claimed())

    assert isinstance(change, Change)
    assert kinds(change) == ["finished"]
    assert (change.outcome, change.incident, change.summary) == (Outcome.ALREADY_HEALTHY, None, None)
    assert (change.new.incident, change.new.outbox, change.new.check) == (None, (), None)


@pytest.mark.parametrize(
    ("decided", "wrote"),
    [(intend(claimed()), ["opened", "intent"]), (finish(claimed(), FAILING), ["opened", "finished"])],
)
def test_incident_begins_with_the_check_that_first_failed_in_the_write_that_follows(
    decided: object, wrote: list[str]
) -> None:
    assert isinstance(decided, Change)
    assert kinds(decided) == wrote
    assert decided.summary is not None
    assert (decided.summary.id, decided.summary.opened_at) == ("20261123T080000Z-aaaa", BEGAN)
    assert (decided.summary.first_v, decided.summary.last_v) == (1, decided.new.v)
    assert decided.new.incident is not None
    assert decided.summary.calls == len(decided.new.incident.calls)


def test_incident_that_heals_without_a_call_of_ours_ends_as_already_healthy() -> None:
    failing = changed(finish(claimed(), FAILING))

    change = finish(claim(failing, OTHER, LATER + MINUTE, LATER + 3 * MINUTE).new, run=OTHER.run)

    assert isinstance(change, Change)
    assert change.summary is not None
    assert (change.summary.outcome, change.summary.ended_at) == (Outcome.ALREADY_HEALTHY, LATER)
    assert (change.new.incident, change.new.covered_by) == (None, "20261123T080000Z-aaaa")
    assert change.new.outbox[-1].subject == "ALREADY_HEALTHY: the shop recovered 20261123T080000Z-aaaa"


def test_incident_of_which_nobody_was_notified_ends_as_silently() -> None:
    failed = changed(finish(claimed(), Outcome.FAILED))

    ended = changed(finish(claim(failed, OTHER, LATER + MINUTE, LATER + 3 * MINUTE).new, run=OTHER.run))

    assert (ended.incident, ended.outbox) == (None, ())


def test_incident_that_is_not_healed_stays_open_without_a_lease() -> None:
    state = changed(finish(claimed(), FAILING))

    assert state.incident is not None
    assert state.check is None
    assert claim(state, OTHER, LATER + MINUTE).incident == state.incident.id


def test_notification_is_sent_by_its_holder_and_once_overdue_by_whoever_comes() -> None:
    state = changed(finish(called()))

    assert len(decisions.to_send(state, "r-1#0", LATER)) == 1
    assert decisions.to_send(state, "r-2#0", LATER) == ()
    assert len(decisions.to_send(state, "r-2#0", LEASE_ENDS)) == 1
    sent = changed(decisions.mark_sent(state, [state.outbox[0].id], LATER))
    assert sent.outbox == ()
    assert decisions.mark_sent(sent, [state.outbox[0].id], LATER) == NothingToDo()


def test_pause_and_mode_are_entries_that_say_who_and_why() -> None:
    paused = overrides.pause(State(), BEGAN, "release 42", "ana", None)
    lowered = overrides.set_mode(paused.new, BEGAN, "observe", "careful", "ben")

    assert kinds(paused) + kinds(lowered) == ["paused", "mode"]
    assert '"who":"ana"' in paused.entries[0].data
    assert '"why":"careful"' in lowered.entries[0].data
    assert lowered.new.mode == "observe"
    resumed = overrides.resume(lowered.new, BEGAN, "ana")
    assert changed(resumed).pause is None
    assert overrides.resume(changed(resumed), BEGAN, "ana") == NothingToDo()


def heal(state: State, number: int, at: datetime) -> State:
    """An incident that is healed by one call, all of it at that time."""
    by = trigger(f"r-{number}#0", f"{number:08x}", at)
    opened = claim(state, by, at, at + 125 * SECOND).new
    return changed(finish(changed(intend(opened, f"f{number}", run=by.run, now=at)), run=by.run, began=at, now=at))


def test_relapse_names_the_incident_before_and_the_third_healing_in_an_hour_is_reported_as_flapping() -> None:
    state = State()
    for number in range(3):
        state = heal(state, number, BEGAN + timedelta(minutes=10 * number))

    assert [each.subject.startswith("URGENT") for each in state.outbox] == [False, False, True]
    assert "healing 3 within the hour" in state.outbox[2].text
    assert ["a relapse of" in each.text for each in state.outbox] == [False, True, True]
    assert "a relapse of 20261123T081000Z-0000" in state.outbox[2].text


def test_failure_an_hour_after_a_healing_is_no_relapse() -> None:
    state = heal(heal(State(), 0, BEGAN), 1, BEGAN + timedelta(hours=1))

    assert "a relapse of" not in state.outbox[1].text
