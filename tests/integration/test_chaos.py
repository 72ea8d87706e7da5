"""Chaos as the vendor's owner schedules, repeats and removes it; a factory without its database; its keys."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from remediator.jwt import read_keys
from simulator.shop import Shop
from simulator.shop.conditions import REPORT, ActiveCondition
from simulator.shop.factory import StandInFactory, next_day
from tests.support.replay import ORDER, VEGGIE, Visitor, says

RESOLVED = (200, "Problem resolved. Pizza is back on the menu!")
UNRESOLVED = (400, "Problem unresolved")
NO_CHAOS = (200, "No chaos currently executing")


@pytest.fixture
def diner() -> Iterator[Visitor]:
    """One whose last order failed, and showed a link."""
    with Shop(slow_seconds=0) as shop:
        shop.chaos("fail")
        visitor = Visitor(shop)
        assert says(visitor.place())[0] == 500
        yield visitor


def chaos_shown(diner: Visitor) -> dict[str, Any]:
    shown = diner.send("GET", "/api/vendor", None, "vendor", server="factory").json()
    return dict(shown.get("chaos", {}))


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-25T06:59:00", "2026-11-25"),  # in Utah it is still the day before
        ("2026-11-25T07:00:00", "2026-11-26"),
        ("2026-11-25T23:00:00", "2026-11-26"),
    ],
)
def test_chaos_starts_in_the_afternoon_of_the_next_day_by_the_factorys_calendar(now: str, day: str) -> None:
    starts = {next_day(datetime.fromisoformat(now).replace(tzinfo=UTC)).isoformat() for _ in range(50)}

    assert all(re.fullmatch(day + r"T(1[5-9]|20):\d\d:00\+00:00", start) for start in starts)


def test_chaos_that_is_only_scheduled_refuses_a_wrong_code_and_ends_by_the_right_one() -> None:
    factory, now = StandInFactory(ActiveCondition(), 0.0, "https://f.test", {}, REPORT, "0f1e2d3c"), datetime.now(UTC)
    factory.initiate("fail", now, next_day(now))
    assert factory.chaos
    assert factory.running() is None
    codes = ("wrong000", factory.chaos.code, factory.chaos.code)
    answers = [asyncio.run(factory.resolve(factory.api_key, code)) for code in codes]

    assert [(status, body["message"]) for status, body in answers] == [UNRESOLVED, RESOLVED, NO_CHAOS]


def test_chaos_that_is_initiated_again_stops_until_its_date_and_no_old_link_ends_it(diner: Visitor) -> None:
    diner.schedule()
    assert says(diner.place()) == (200, "")
    assert says(diner.report()) == UNRESOLVED
    assert chaos_shown(diner)["startDate"] > chaos_shown(diner)["initiatedDate"]

    diner.schedule({"startDate": "2026-01-01T00:00:00Z"})
    assert says(diner.place())[0] == 500
    assert says(diner.report()) == RESOLVED
    assert chaos_shown(diner)["type"] == "none"
    assert chaos_shown(diner)["fixDate"] >= chaos_shown(diner)["initiatedDate"]


@pytest.mark.parametrize(
    ("deletes", "bearer", "status", "then"),
    [
        ("chaos", "vendor", 204, NO_CHAOS),
        ("chaos", "stranger", 401, RESOLVED),
        ("something", "vendor", 400, RESOLVED),
    ],
)
def test_chaos_is_removed_by_its_owner_and_by_nobody_else(
    diner: Visitor, deletes: str, bearer: str, status: int, then: tuple[int, str]
) -> None:
    answer = diner.send("DELETE", "/api/admin/vendor", {"deleteType": deletes}, bearer, server="factory")

    assert answer.status_code == status
    assert (says(diner.place())[0], bool(chaos_shown(diner))) == ((200, False) if status == 204 else (500, True))
    assert says(diner.report()) == then


@pytest.mark.parametrize(
    ("kind", "shown"), [("throttle", (500, 2, False)), ("badjwt", (200, 0, True)), ("fail", (500, 0, True))]
)
def test_chaos_comes_before_an_orders_size_is_judged(diner: Visitor, kind: str, shown: tuple[int, int, bool]) -> None:
    diner.shop.chaos(kind)
    answer = diner.place(ORDER | {"items": [VEGGIE] * 21})

    assert (answer.status_code, diner.shop.slow_orders, "followLinkToEndChaos" in answer.json()) == shown


def test_a_factory_without_its_database_answers_500_to_reports_and_still_shows_its_keys(diner: Visitor) -> None:
    diner.shop.condition("factory-db-down")

    assert diner.report().status_code == 500
    assert diner.send("GET", "/api/vendor", None, "vendor", server="factory").status_code == 500
    assert diner.send("POST", "/api/order/verify", {"jwt": "a.b.c"}, server="factory").status_code == 403
    assert read_keys(diner.send("GET", "/.well-known/jwks.json", server="factory").content)
    diner.shop.condition(None)
    assert says(diner.report()) == RESOLVED


@pytest.mark.parametrize(
    ("length", "letters"),
    [(32, "[0-9a-f]{32}"), (16, "[0-9a-z]{16}"), (9, "[0-9a-z]{9}"), (40, "(?=.*[g-z])[0-9a-z]{40}")],
)
def test_a_key_is_hex_at_its_usual_length_and_letters_and_digits_at_any_other(length: int, letters: str) -> None:
    with Shop(key_length=length) as shop:
        assert re.fullmatch(letters, shop.vendor_token)
