"""An open incident: when it is checked again, reported again, and how it ends; by alarms of every sender."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from remediator import overrides
from remediator.alarms import person
from remediator.canary import write_alarm, write_recovery
from remediator.deadline import Deadline
from remediator.diagnosis import Diagnosis, Symptom
from remediator.endpoints import ENDPOINTS
from remediator.errors import Unhealed
from remediator.limits import Limits
from remediator.outcome import Outcome
from remediator.sample import Fault, Sample
from tests.support.builders import (
    BEGAN,
    FRESH_LINK,
    GOOD,
    LINK,
    LOGIN,
    NO_LINK,
    RESOLVED,
    UNKNOWN_USER,
    Harness,
    alarm,
    answer,
    failing,
    fault,
    sns,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DEAD_DATABASE = answer(500, {"message": "connect ECONNREFUSED 127.0.0.1:3306"})
MENU = ENDPOINTS["menu"].path
NOBODY = answer(200, {"message": "No chaos currently executing"})


def canary(*names: str, link: bool = False) -> dict[str, Any]:
    """The canary's alarm that these endpoints failed, perhaps with a report link."""
    shown = Diagnosis(Symptom.NO_LINK, "500", (LINK,) if link else ())
    return sns(write_alarm(dict.fromkeys(names, shown), BEGAN), BEGAN)


def sent(event: dict[str, Any], harness: Harness) -> dict[str, Any]:
    """The event as of now."""
    return sns(event["Records"][0]["Sns"]["Message"], harness.clock.now)


def all_sent(harness: Harness) -> list[str]:
    """The subjects of all notifications, without the incident's id."""
    return [each.subject.rpartition(" ")[0] for each in harness.notifier.sent]


def menu_fails(*answers: Sample, orders: tuple[Sample, ...] = (GOOD,), report: Sample = RESOLVED) -> Harness:
    harness = Harness(*orders, report=report)
    harness.shop.probes = {MENU: answers}
    return harness


@pytest.mark.parametrize("back", [alarm("OK"), canary()], ids=["resolved alarm", "canary"])
def test_second_outage_is_an_incident_of_its_own_if_an_alarm_said_that_the_first_was_over(back: dict[str, Any]) -> None:
    harness = Harness(NO_LINK, NO_LINK, GOOD, GOOD, NO_LINK, NO_LINK)

    harness.handle()
    incident = harness.store.current.incident
    assert incident is not None
    harness.clock.now += MINUTE
    over = sns(write_recovery(incident, BEGAN)) if back != alarm("OK") else back
    harness.handle(sent(over, harness), "r-2")
    harness.handle(request="r-3", after=MINUTE)

    assert harness.outcomes == ["NO_LINK", "ALREADY_HEALTHY", "NO_LINK"]
    assert [each.split(":")[0] for each in all_sent(harness)] == ["URGENT NO_LINK", "ALREADY_HEALTHY", "URGENT NO_LINK"]
    assert len(harness.store.summaries) == 2


def test_resolved_alarm_without_an_open_incident_costs_no_order() -> None:
    harness = Harness(GOOD)

    result = harness.handle(alarm("OK"))

    assert result is not None
    assert result.outcome is Outcome.STOOD_DOWN
    assert (harness.shop.orders, harness.kinds) == (0, [])


def test_resolved_alarm_while_a_run_holds_the_lease_makes_it_check_once_more() -> None:
    harness = Harness(NO_LINK, NO_LINK, replace(GOOD, began=BEGAN + MINUTE))

    def resolve() -> None:
        if harness.shop.orders == 2:
            harness.clock.now += timedelta(seconds=5)
            harness.handle(sent(alarm("OK"), harness), "r-2")

    harness.shop.meanwhile = resolve
    result = harness.handle()

    assert result is not None
    assert result.outcome is Outcome.ALREADY_HEALTHY
    assert harness.outcomes == ["JOINED", "ALREADY_HEALTHY"]


def minutes_checked(harness: Harness, event: dict[str, Any], minutes: int) -> list[int]:
    """The minutes in which a check was made, if the event comes each minute."""
    found = []
    for minute in range(minutes):
        orders = harness.shop.orders
        harness.clock.now = BEGAN + minute * MINUTE
        harness.handle(sent(event, harness), f"r-{minute}")
        found += [minute] if harness.shop.orders > orders else []
    return found


@pytest.mark.parametrize(
    ("event", "checks"),
    [
        pytest.param(alarm(), [0, 1, 3, 7, 15, 25, 35, 45, 55, 65, 75, 85, 95, 105, 115, 125], id="an alarm"),
        pytest.param(canary("order"), [0, 1, 3, 7, 15, 31, 63, 123], id="the canary"),
        pytest.param(canary("menu"), [0, 1, 3, 7, 15, 31, 63, 123], id="the canary, of another endpoint"),
        pytest.param(sns(json.dumps(person.write("heal", "ana", "1"))), list(range(130)), id="a person"),
        pytest.param(alarm("OK"), [], id="a resolved alarm"),
    ],
)
def test_state_paces_the_checks_of_a_failure_that_goes_on(event: dict[str, Any], checks: list[int]) -> None:
    harness = menu_fails(NO_LINK, orders=(NO_LINK,))

    assert minutes_checked(harness, event, 130) == checks
    if event == alarm():
        joined = [record.result for record in harness.store.records.values()][2]
        assert joined.outcome is Outcome.JOINED
        assert "next check is due at 08:02:4" in joined.reason


def test_recovery_that_is_none_is_paced_too() -> None:
    harness = Harness(NO_LINK)
    harness.handle()
    found = []
    for minute in range(1, 40):
        orders = harness.shop.orders
        harness.handle(sent(alarm("OK"), harness), f"r-{minute}", after=MINUTE)
        found += [minute] if harness.shop.orders > orders else []

    assert found == [1, 3, 7, 15, 31]


@pytest.mark.parametrize(
    ("news", "orders"),
    [
        pytest.param(canary("order", "menu"), 2, id="another endpoint"),
        pytest.param(canary("order", link=True), 2, id="a link where there was none"),
        pytest.param(canary("order"), 0, id="nothing new"),
    ],
)
def test_trigger_that_says_something_new_is_checked_at_once(news: dict[str, Any], orders: int) -> None:
    harness = Harness(NO_LINK)
    harness.handle(canary("order"))
    before = harness.shop.orders

    harness.handle(sent(news, harness), "r-2", after=timedelta(seconds=20))

    assert harness.shop.orders - before == orders


def test_own_event_that_lambda_tries_again_is_checked_at_once_three_times_and_is_then_paced() -> None:
    harness = Harness(fault(Fault.TIMEOUT))

    raised = [harness.handle(request="r-1", after=timedelta(seconds=20)) is None for _ in range(3)]
    paced = harness.handle(request="r-2", after=timedelta(seconds=20))
    due = harness.handle(request="r-3", after=5 * MINUTE)

    assert raised == [True, True, True]
    assert paced is not None
    assert paced.outcome is Outcome.JOINED
    assert due is not None
    assert due.outcome is Outcome.UNREACHABLE  # not raised: the state asks when it is due


def test_outcome_is_reported_again_after_an_hour_four_hours_and_then_each_day() -> None:
    harness = Harness(NO_LINK)
    for hour in range(24 * 3):
        harness.handle(request=f"r-{hour}", after=HOUR if hour else timedelta())
    hours = [round((entry.at - BEGAN) / HOUR) for entry in harness.store.log if entry.kind == "notified"]
    reminders = [f"URGENT NO_LINK (reminder {number}): orders fail, no report link" for number in range(1, 5)]

    assert hours == [0, 1, 5, 29, 53]
    assert all_sent(harness) == ["URGENT NO_LINK: orders fail, no report link", *reminders]
    assert harness.notifier.sent[1].text.startswith("NO_LINK, still after 60 min: ")


def test_other_outcome_of_the_same_incident_is_reported_at_once_and_each_has_its_own_hour() -> None:
    harness = Harness(NO_LINK)
    for minute, orders in enumerate([NO_LINK, fault(Fault.TIMEOUT), NO_LINK, fault(Fault.TIMEOUT)]):
        harness.shop.answers = [orders]
        harness.handle(request=f"r-{minute}", after=10 * MINUTE)

    assert [each.split(":")[0] for each in all_sent(harness)] == ["URGENT NO_LINK", "URGENT UNREACHABLE"]


def test_endpoint_that_fails_without_a_link_is_reported_with_its_answer_and_stays_open() -> None:
    harness = menu_fails(DEAD_DATABASE)

    result = harness.handle(canary("menu"))

    assert result is not None
    assert result.outcome is Outcome.NO_LINK
    assert "menu: 2 of 2 samples: 500" in result.reason
    assert all_sent(harness) == ["URGENT NO_LINK: the menu fails, no report link"]
    assert harness.shop.orders == 1
    incident = harness.store.current.incident
    assert incident is not None
    assert incident.endpoints == ("menu",)


def test_endpoint_that_fails_with_a_link_is_healed_as_orders_are() -> None:
    harness = menu_fails(failing(), failing(), answer(200, []))

    result = harness.handle(canary("menu", link=True))

    assert result is not None
    assert result.outcome is Outcome.HEALED
    assert [link.reveal() for link in harness.factory.called] == [LINK]
    assert harness.shop.orders == 2  # beside the menu, and to verify


def test_endpoints_that_offer_different_links_are_blocked() -> None:
    harness = menu_fails(failing(FRESH_LINK), orders=(failing(),))

    result = harness.handle(canary("menu"))

    assert result is not None
    assert result.outcome is Outcome.BLOCKED
    assert harness.factory.called == []


def test_menu_that_fails_beside_healed_orders_is_the_outcome_and_the_healing_counts() -> None:
    harness = menu_fails(DEAD_DATABASE, orders=(failing(), failing(), GOOD))

    result = harness.handle(canary("menu", "order"))

    assert result is not None
    assert result.outcome is Outcome.NO_LINK
    assert "ended the failure of: order" in harness.notifier.sent[0].text
    assert len(harness.store.current.healed) == 1
    assert harness.store.current.incident is not None
    assert harness.store.current.incident.endpoints == ("menu",)


def test_incident_is_over_when_all_its_endpoints_are_healthy() -> None:
    harness = menu_fails(
        DEAD_DATABASE, DEAD_DATABASE, DEAD_DATABASE, DEAD_DATABASE, answer(200, []), orders=(NO_LINK, NO_LINK, GOOD)
    )

    harness.handle(canary("order", "menu"))
    harness.handle(sent(alarm("OK"), harness), "r-2", after=MINUTE)
    harness.handle(sent(alarm("OK"), harness), "r-3", after=5 * MINUTE)

    assert harness.outcomes == ["NO_LINK", "NO_LINK", "ALREADY_HEALTHY"]
    assert harness.store.current.incident is None


def test_canary_that_cannot_log_in_is_reported_with_the_advice_that_fits() -> None:
    harness = Harness(GOOD)
    harness.shop.canary_logins = [UNKNOWN_USER]

    result = harness.handle(canary("canary login"))

    assert result is not None
    assert result.outcome is Outcome.NO_ACCESS
    assert all_sent(harness) == ["URGENT NO_ACCESS: canary's login failed"]
    assert "Check the canary's email and password in the secret." in harness.notifier.sent[0].text


@pytest.mark.parametrize(
    ("login", "ask"),
    [
        (UNKNOWN_USER, "Check the diner's email and password in the secret."),
        (DEAD_DATABASE, "Repair the shop's database"),
        (answer(500, {"message": ""}), "Repair the shop's database"),
    ],
)
def test_refused_login_and_dead_database_ask_for_different_things(login: Sample, ask: str) -> None:
    harness = Harness(GOOD, logins=[login])
    harness.handle()

    assert harness.outcomes == ["NO_ACCESS"]
    assert ask in harness.notifier.sent[0].text


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        pytest.param(NOBODY, "ALREADY_HEALTHY", id="somebody else ended it"),
        pytest.param(RESOLVED, "HEALED", id="the call ended it"),
        pytest.param(fault(Fault.RESET), "HEALED", id="the answer was lost"),
        pytest.param(answer(200, {"message": "No chaos currently executing."}), "HEALED", id="other words"),
    ],
)
def test_who_ended_it_is_told_by_the_factorys_own_words(answers: Sample, outcome: str) -> None:
    harness = Harness(failing(), failing(), GOOD, report=answers)
    harness.handle()

    assert harness.outcomes == [outcome]
    assert bool(harness.store.current.healed) is (outcome == "HEALED")


def test_time_from_the_future_poisons_nothing() -> None:
    harness = Harness(GOOD)
    harness.handle(alarm(sent=datetime(2099, 1, 1, tzinfo=BEGAN.tzinfo)))
    harness.handle(request="r-2", after=MINUTE)

    assert harness.outcomes == ["ALREADY_HEALTHY"] * 2
    assert harness.shop.orders == 4


def test_event_that_is_no_alarm_is_reported_once_a_day() -> None:
    harness = Harness(GOOD)
    for hour in range(25):
        harness.handle({"a": 1, "Records": []}, f"r-{hour}", after=HOUR if hour else timedelta())

    assert harness.outcomes == ["REFUSED"] * 25
    assert all_sent(harness) == ["URGENT REFUSED: an event was no"] * 2
    assert harness.kinds == ["refused", "notified"] * 2


def test_check_that_a_person_asked_for_names_person_and_command() -> None:
    harness = Harness(NO_LINK)
    harness.handle(sns(json.dumps(person.write("heal", "ana", "1f"))))

    assert "triggered by remediator heal by ana, 1f" in harness.notifier.sent[0].text


def test_resume_and_mode_let_the_next_alarm_check_at_once() -> None:
    harness = Harness(failing(), failing(), failing(), failing(), GOOD, limits=Limits())
    store = harness.store
    store.commit(store.current, overrides.set_mode(store.current, BEGAN, "observe", "careful", "ana"))
    harness.handle()
    store.commit(store.current, overrides.set_mode(store.current, BEGAN, "act", "trust", "ana"))
    harness.handle(request="r-2", after=timedelta(seconds=10))

    assert harness.outcomes == ["OBSERVED", "HEALED"]


def test_order_that_the_runs_own_deadline_cut_short_is_no_word_on_the_shop() -> None:
    seconds = [0.0]
    harness = Harness(fault(Fault.TIMEOUT))
    harness.shop.meanwhile = lambda: seconds.__setitem__(0, 100.0)

    with pytest.raises(Unhealed, match="this run's own time was over"):
        harness.remediator.handle(alarm(), "r-1", Deadline(100, lambda: seconds[0]))

    assert harness.outcomes == ["UNRESOLVED"]
    assert harness.store.current.incident is None


def test_login_that_fails_with_a_report_link_is_healed_too() -> None:
    harness = Harness(GOOD, logins=[failing(), LOGIN])

    harness.handle()

    assert harness.outcomes == ["HEALED"]
    assert (len(harness.factory.called), harness.shop.logged_in) == (1, 2)


def test_refused_login_is_tried_once_in_a_check() -> None:
    harness = Harness(GOOD, logins=[UNKNOWN_USER])

    harness.handle()

    assert (harness.shop.logged_in, harness.shop.orders) == (1, 0)


def test_login_is_not_asked_of_the_canary_if_nobody_named_it() -> None:
    harness = Harness(GOOD, logins=[LOGIN])
    harness.handle()

    assert harness.shop.canary_logged_in == 0
