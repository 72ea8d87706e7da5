"""A shop that limits how often it is asked: its 429 shows nothing, and is waited out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from remediator.deadline import Deadline
from remediator.diagnosis import Diagnosis, Symptom, combine, diagnose, judge_login
from remediator.outcome import Outcome
from remediator.pacing import next_check
from remediator.sample import LONGEST_REST, USUAL_REST, Sample, read_retry_after
from remediator.session import SECONDS_FOR_A_CHECK
from remediator.settings import SECONDS_FOR_THE_REST, ShopSettings
from tests.support.builders import (
    BEGAN,
    FRESH_LINK,
    GOOD,
    LIMITED,
    LINK,
    LOGIN,
    NO_LINK,
    Harness,
    alarm,
    answer,
    failing,
    trigger,
)

SHORTLY = replace(LIMITED, retry_after=7)
MINUTE = timedelta(minutes=1)
AGAIN = BEGAN + timedelta(seconds=611)
MENU_DOWN = Diagnosis(Symptom.NO_LINK, "500 of the menu")
HEALTHY = Diagnosis(Symptom.HEALTHY, "as it should be")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        *(("611", 611), (" 5 ", 5), ("0", 0), ("3601", LONGEST_REST), ("9" * 400, LONGEST_REST)),
        *(("", 0), ("-3", 0), ("1.5", 0), ("\u0663", 0), ("soon", 0), ("Mon, 99 Nov 2026 08:05:00 GMT", 0)),
        *(("Mon, 23 Nov 2026 08:05:00 GMT", 300), ("Mon, 23 Nov 2026 07:05:00 GMT", 0)),
        *(("Monday, 23-Nov-26 08:05:00 GMT", 300), ("Mon Nov 23 08:05:00 2026", 300)),
        *(("Mon, 23 Nov 2099 08:05:00 GMT", LONGEST_REST), ("Mon, 23 Nov 2026 08:05:00 +99999999", 0)),
    ],
)
def test_retry_after_is_a_number_or_a_date_and_an_hour_at_most(written: str, seconds: int) -> None:
    assert read_retry_after(written, BEGAN) == seconds


@pytest.mark.parametrize("body", [{"message": "slow down"}, {"followLinkToEndChaos": LINK}, ["x"]])
def test_429_shows_when_to_ask_again_and_nothing_else(body: object) -> None:
    for shown in (diagnose([answer(429, body, retry_after=611)], {}), judge_login(answer(429, body, retry_after=611))):
        assert isinstance(shown, Diagnosis)
        assert (shown.symptom, shown.outcome, shown.links) == (Symptom.RATE_LIMITED, Outcome.RATE_LIMITED, ())
        assert shown.not_before == AGAIN + timedelta(milliseconds=20)
        assert "429" in shown.evidence
        assert "611 s" in shown.evidence
        assert "08:10:11 UTC" in shown.ask


def test_429_that_says_no_time_is_left_alone_for_a_usual_one() -> None:
    assert diagnose([Sample(BEGAN, 0.0, 429, b"Slow down")], {}).not_before == BEGAN + timedelta(seconds=USUAL_REST)


@pytest.mark.parametrize(
    ("samples", "symptom"),
    [
        ([LIMITED, GOOD], Symptom.HEALTHY),
        ([LIMITED, failing()], Symptom.FAIL),
        ([LIMITED, failing(), GOOD], Symptom.DISAGREE),
        ([LIMITED, NO_LINK], Symptom.NO_LINK),
        ([LIMITED, LIMITED], Symptom.RATE_LIMITED),
    ],
)
def test_429_neither_fails_nor_heals_nor_disagrees(samples: list[Sample], symptom: Symptom) -> None:
    assert diagnose(samples, {}).symptom is symptom
    assert diagnose(samples[::-1], {}).symptom is symptom


def test_what_was_not_looked_at_comes_after_what_fails_and_is_no_healthy_shop() -> None:
    unseen = diagnose([LIMITED], {})

    mixed = combine({"order": unseen, "menu": MENU_DOWN})
    rest = combine({"order": unseen, "menu": HEALTHY})

    assert (mixed.symptom, mixed.failing, mixed.unseen) == (Symptom.NO_LINK, ("menu",), ("order",))
    assert (rest.symptom, rest.failing, rest.unseen) == (Symptom.RATE_LIMITED, (), ("order",))
    assert mixed.not_before == rest.not_before == unseen.not_before
    assert "429" in mixed.evidence


def test_check_that_is_asked_to_wait_has_time_for_a_throttled_order_and_the_rest() -> None:
    assert ShopSettings.model_fields["order_seconds"].default + SECONDS_FOR_THE_REST == SECONDS_FOR_A_CHECK


@pytest.mark.parametrize(
    ("orders", "logins", "outcome", "waits"),
    [
        pytest.param([failing(), SHORTLY, failing(), GOOD], [LOGIN], "HEALED", 1, id="one sample"),
        pytest.param([SHORTLY, SHORTLY, failing(), failing(), GOOD], [LOGIN], "HEALED", 1, id="both samples"),
        pytest.param([failing(), failing(), SHORTLY, GOOD], [LOGIN], "HEALED", 1, id="the order after the call"),
        pytest.param([failing(), failing(), GOOD], [SHORTLY, LOGIN], "HEALED", 1, id="the login"),
        pytest.param([SHORTLY], [LOGIN], "RATE_LIMITED", 1, id="twice"),
        pytest.param([failing(), failing(), SHORTLY], [LOGIN], "RATE_LIMITED", 1, id="twice after the call"),
        pytest.param([GOOD], [SHORTLY], "RATE_LIMITED", 1, id="the login, twice"),
        pytest.param([LIMITED], [LOGIN], "RATE_LIMITED", 0, id="longer than the run"),
        pytest.param([failing(), LIMITED], [LOGIN], "RATE_LIMITED", 0, id="one failed order calls nothing"),
        pytest.param([GOOD], [LIMITED], "RATE_LIMITED", 0, id="the login, longer than the run"),
    ],
)
def test_shop_that_asks_to_be_left_alone_is_waited_for_once_if_a_whole_check_fits_behind_it(
    orders: list[Sample], logins: list[Sample], outcome: str, waits: int
) -> None:
    harness = Harness(*orders, logins=logins)
    slept: list[float] = []
    harness.remediator = replace(harness.remediator, sleep=slept.append)

    result = harness.handle()

    assert result is not None
    assert (result.outcome, slept.count(7)) == (outcome, waits)
    assert len(harness.factory.called) == (harness.kinds.count("intent"))
    assert harness.shop.orders <= len(orders) + 3


def test_outcome_is_reported_with_the_time_and_not_raised_and_the_incident_stays_open() -> None:
    harness = Harness(LIMITED)

    result = harness.handle()

    state, (told,) = harness.store.current, harness.notifier.sent
    assert (result and result.outcome, result and result.retry) == (Outcome.RATE_LIMITED, False)
    assert state.incident is not None
    assert state.incident.last is not None
    assert state.incident.last.not_before is not None
    again = f"{state.incident.last.not_before:%H:%M:%S} UTC"
    assert told.subject.startswith("URGENT RATE_LIMITED: can't check the shop (429)")
    assert again in told.text
    assert "429" in told.text


def test_nobody_but_a_person_asks_again_before_the_shop_may_be_asked() -> None:
    harness = Harness(LIMITED)
    harness.handle()
    incident = harness.store.current.incident
    assert incident is not None
    again = incident.last.not_before if incident.last else None
    news = {"endpoints": ("menu",), "offers_link": True}

    by_alarm = [harness.handle(request=f"r-{minute}", after=MINUTE) for minute in range(2, 9)]

    assert {result and result.outcome for result in by_alarm} == {Outcome.JOINED}
    assert harness.shop.orders == 2
    for sender in ("", "canary"):
        for said in ({}, news, {"recovery": True}):
            assert next_check(incident, trigger(holder="r-9#0", sender=sender, **said)) == again
    assert next_check(incident, trigger(holder="r-9#0", sender="person")) < BEGAN + MINUTE


def test_alarms_that_come_while_the_shop_refuses_make_nobody_ask_again() -> None:
    harness = Harness(LIMITED)

    def arrive() -> None:
        harness.store.join("r-1#0", harness.clock() + MINUTE)

    harness.shop.meanwhile = arrive

    result = harness.handle()

    assert result is not None
    assert result.outcome is Outcome.RATE_LIMITED
    assert harness.shop.orders == 2


def test_call_that_a_429_keeps_from_being_verified_counts_once_the_shop_is_asked_again() -> None:
    harness = Harness(failing(), failing(), LIMITED, GOOD)
    harness.handle()

    result = harness.handle(request="r-2", after=timedelta(seconds=620))

    assert harness.outcomes == ["RATE_LIMITED", "HEALED"]
    assert result is not None
    assert harness.store.current.incident is None


def test_endpoint_that_failed_and_was_not_looked_at_again_stays_the_incidents() -> None:
    harness = Harness(failing(), failing(), LIMITED, failing(FRESH_LINK), failing(FRESH_LINK), GOOD)
    harness.handle()
    incident = harness.store.current.incident
    assert incident is not None

    assert (incident.endpoints, incident.healed) == (("order",), False)
    result = harness.handle(alarm(sent=BEGAN + timedelta(minutes=20)), "r-2", after=timedelta(minutes=20))
    assert result is not None
    assert (result.outcome, len(harness.factory.called)) == (Outcome.HEALED, 2)


def test_run_whose_time_is_nearly_over_does_not_wait() -> None:
    harness = Harness(SHORTLY)
    slept: list[float] = []
    harness.remediator = replace(harness.remediator, sleep=slept.append)

    harness.remediator.handle(alarm(), "r-1", Deadline.after(SECONDS_FOR_A_CHECK))

    assert slept == []
