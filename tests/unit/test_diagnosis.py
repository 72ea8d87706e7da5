"""What samples show, row by row."""

from dataclasses import replace

import pytest

from remediator.diagnosis import (
    COOKIE_ALONE,
    CREDENTIALS,
    DATABASE,
    WRONG_ORDER,
    Diagnosis,
    Symptom,
    diagnose,
    judge_login,
)
from remediator.report_link import FIELD_NAMES
from remediator.sample import Fault, Sample
from tests.support.builders import (
    BEGAN,
    FRESH_LINK,
    GOOD,
    JWT,
    LINK,
    LOGIN,
    UNAUTHORIZED,
    UNKNOWN_USER,
    answer,
    failing,
    fault,
)

ORDER = {"franchiseId": 1, "storeId": 1, "items": [], "id": 7}
REFUSED = {"message": "Failed to fulfill order at factory"}
BAD_JWT = "deadxe6MTcb33f3ODgzOTgs.eyJhIjoxfQ.x"


def text(status: int, body: bytes, elapsed: float = 0.02) -> Sample:
    return Sample(BEGAN, elapsed, status, body)


@pytest.mark.parametrize(
    ("sample", "symptom", "evidence"),
    [
        pytest.param(GOOD, "healthy", "couldn't be checked", id="healthy"),
        pytest.param(failing(), "fail", "500 after 0.02 s, with a report link", id="fail"),
        pytest.param(
            answer(200, {"order": ORDER, "followLinkToEndChaos": LINK, "jwt": BAD_JWT}),
            "badjwt", "JWT that doesn't verify", id="badjwt",
        ),
        pytest.param(
            answer(200, {"order": ORDER, "reportSlowPizzaToFactoryUrl": LINK, "jwt": JWT}, 32.06),
            "throttle", "200 after 32.06 s", id="throttle",
        ),
        pytest.param(answer(502, {"upstreamStatus": 500, "reportUrl": LINK}), "fail", "502", id="502 with a link"),
        pytest.param(
            answer(500, {"error": {"body": f'{{"reportUrl":"{LINK}"}}'}}), "fail", "500", id="link in JSON in JSON"
        ),
        pytest.param(answer(500, REFUSED, 32.05), "no_link", "size", id="oversized"),
        pytest.param(answer(500, REFUSED), "no_link", "key", id="key refused"),
        pytest.param(answer(500, {"message": "Chaos monkey", "stack": "E"}), "no_link", "practice", id="practice"),
        pytest.param(answer(500, {"message": "fetch failed"}), "no_link", "reach the factory", id="factory down"),
        pytest.param(answer(500, {"message": "Unexpected token '<'"}), "no_link", "no JSON", id="factory HTML"),
        pytest.param(answer(500, {"message": "Unexpected end of JSON input"}), "no_link", "nothing", id="empty"),
        pytest.param(answer(400, {"message": "Unexpected end of JSON"}), "no_link", "Order", id="broken JSON"),
        pytest.param(answer(408, {"message": "timeout"}, 10.0), "no_link", "time-out", id="their time-out"),
        pytest.param(answer(500, {"message": "No ID found"}), "no_link", "menu", id="menu"),
        pytest.param(answer(500, {"message": "what?"}), "no_link", "nothing of", id="unknown"),
        pytest.param(answer(200, {"order": ORDER, "jwt": BAD_JWT}), "no_link", "doesn't verify", id="bad JWT, no link"),
        pytest.param(answer(200, {"order": ORDER}), "no_link", "doesn't verify", id="no JWT"),
        pytest.param(replace(GOOD, elapsed=9.0), "no_link", "latency budget", id="slow, no link"),
        pytest.param(UNAUTHORIZED, "unauthorized", "database", id="unauthorized"),
        pytest.param(answer(404, {"message": "unknown endpoint"}), "unreachable", "doesn't answer", id="404"),
        pytest.param(text(200, b"<html>"), "unreachable", "doesn't answer", id="HTML"),
        pytest.param(text(503, b"<html>"), "unreachable", "doesn't answer", id="503 page"),
        pytest.param(text(200, b""), "unreachable", "doesn't answer", id="empty"),
        pytest.param(text(200, b"[" * 100_000), "unreachable", "doesn't answer", id="nested"),
        pytest.param(text(302, b"{}"), "unreachable", "redirect", id="redirect"),
        pytest.param(answer(200, {"message": "welcome"}), "unreachable", "no order", id="another page"),
        pytest.param(fault(Fault.TIMEOUT), "unreachable", "timed out", id="time-out"),
        pytest.param(fault(Fault.TOO_LARGE), "unreachable", "larger", id="too large"),
    ],
)  # fmt: skip
def test_an_order_shows_its_symptom(sample: Sample, symptom: str, evidence: str) -> None:
    shown = diagnose([sample], {})

    assert shown.symptom == symptom, shown
    assert evidence in shown.evidence
    assert LINK not in shown.evidence


@pytest.mark.parametrize("name", sorted(FIELD_NAMES))
@pytest.mark.parametrize("status", [200, 400, 408, 500, 502])
def test_a_link_is_found_under_every_name_at_every_status(name: str, status: int) -> None:
    assert diagnose([answer(status, {"order": ORDER, "jwt": JWT, name: LINK})], {}).links == (LINK,)


def test_a_link_under_a_further_name_is_found_if_the_settings_name_it() -> None:
    sample = answer(500, {"supplierHelp": LINK})

    assert diagnose([sample], {}).links == ()
    assert diagnose([sample], {}, FIELD_NAMES | {"supplierHelp"}).links == (LINK,)


@pytest.mark.parametrize(
    ("samples", "symptom"),
    [
        ([failing(), failing()], "fail"),
        ([failing(), GOOD], "disagree"),
        ([failing(), UNAUTHORIZED], "disagree"),
        ([failing(), fault(Fault.TIMEOUT)], "disagree"),
        ([GOOD, answer(500, REFUSED)], "no_link"),
        ([GOOD, UNAUTHORIZED], "unauthorized"),
        ([GOOD, fault(Fault.RESET)], "unreachable"),
        ([GOOD, GOOD], "healthy"),
    ],
)
def test_a_set_of_orders_shows_the_worst_of_them_unless_they_disagree(samples: list[Sample], symptom: str) -> None:
    assert diagnose(samples, {}).symptom == symptom
    assert diagnose(samples[::-1], {}).symptom == symptom


def test_different_links_are_all_offered() -> None:
    assert diagnose([failing(), failing(FRESH_LINK)], {}).links == (LINK, FRESH_LINK)


@pytest.mark.parametrize(
    ("sample", "symptom", "ask"),
    [
        (UNKNOWN_USER, Symptom.UNAUTHORIZED, CREDENTIALS["order"]),
        (answer(500, {"message": "connect ECONNREFUSED"}), Symptom.UNAUTHORIZED, DATABASE),
        (answer(200, {"user": {}}), Symptom.UNAUTHORIZED, COOKIE_ALONE),
        (answer(200, {"user": {"id": 2}, "token": ""}), Symptom.UNAUTHORIZED, COOKIE_ALONE),
        (answer(200, {"user": {"id": 2}, "token": None, "message": "ok"}), Symptom.UNAUTHORIZED, COOKIE_ALONE),
        (answer(200, {"message": "login successful"}), Symptom.UNAUTHORIZED, COOKIE_ALONE),
        (answer(200, {"version": "1"}), Symptom.UNREACHABLE, ""),
        (answer(200, ["user"]), Symptom.UNREACHABLE, ""),
        (answer(302, {"user": {}}), Symptom.UNREACHABLE, ""),
        (answer(404, {"message": "unknown endpoint"}), Symptom.UNREACHABLE, ""),
        (text(502, b"<html>"), Symptom.UNREACHABLE, ""),
        (fault(Fault.TIMEOUT), Symptom.UNREACHABLE, ""),
    ],
)
def test_a_login_without_a_token_says_why_and_what_to_do(sample: Sample, symptom: Symptom, ask: str) -> None:
    shown = judge_login(sample)

    assert isinstance(shown, Diagnosis)
    assert (shown.symptom, shown.ask) == (symptom, ask)


@pytest.mark.parametrize(
    ("sample", "ask"),
    [
        (answer(400, {"message": "unknown menu item"}), WRONG_ORDER),
        (answer(400, {"error": "no such store"}), WRONG_ORDER),
        (answer(500, {"message": "No ID found"}), WRONG_ORDER),
        (answer(500, REFUSED, 32.05), WRONG_ORDER),
        (answer(500, REFUSED), ""),
        (answer(400, {"message": "chaos", "reportUrl": LINK}), ""),
        (UNAUTHORIZED, ""),
        (GOOD, ""),
    ],
)
def test_an_order_that_is_itself_at_fault_asks_for_another_one(sample: Sample, ask: str) -> None:
    assert diagnose([sample, sample], {}).ask == ask


def test_a_login_gives_the_token() -> None:
    assert judge_login(LOGIN) == "the-diners-own-token"
