"""What game days and tests need of the stand-in shop. That it answers as the real one did is test_captures' matter."""

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from remediator_cli.waiting import poll
from simulator.shop import CONDITIONS, Shop
from simulator.shop.conditions import REPORT, ActiveCondition
from simulator.shop.factory import StandInFactory
from tests.support.replay import ORDER, Visitor, says

REFUSED = (500, "Failed to fulfill order at factory")
UNAUTHORIZED = (401, "unauthorized")
RESOLVED = (200, "Problem resolved. Pizza is back on the menu!")
UNRESOLVED = (400, "Problem unresolved")
NO_CHAOS = (200, "No chaos currently executing")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(slow_seconds=0.2) as running:
        yield running


@pytest.fixture
def diner(shop: Shop) -> Visitor:
    return Visitor(shop)


def link_of(answer: requests.Response) -> str:
    return str(answer.json()["followLinkToEndChaos"])


def fails(diner: Visitor) -> bool:
    """Whether an order fails as by chaos, with a link; or else it is good."""
    answer = diner.place()
    if "followLinkToEndChaos" in answer.json():
        return says(answer) == REFUSED
    assert answer.json().keys() == {"order", "jwt"}, answer.text
    return False


def test_three_reports_at_once_all_succeed() -> None:
    factory = StandInFactory(ActiveCondition(), 0.0, "https://factory.test", {}, REPORT, "0f1e2d3c")
    factory.initiate("fail", datetime.now(UTC))
    assert factory.chaos
    code = factory.chaos.code

    async def at_once() -> list[tuple[int, Any]]:
        return await asyncio.gather(*(factory.resolve(factory.api_key, code) for _ in range(3)))

    assert asyncio.run(at_once()) == [(200, {"message": RESOLVED[1]})] * 3


def test_logins_within_one_second_share_a_token_and_a_logout_ends_both(shop: Shop) -> None:
    while (pair := (Visitor(shop), Visitor(shop)))[0].token != pair[1].token:
        pass  # a new second began between the two
    first, second = pair
    first.send("DELETE", "/api/auth", None, "diner")

    assert says(second.place()) == UNAUTHORIZED
    assert not fails(Visitor(shop))


def test_a_good_orders_jwt_verifies_and_its_key_is_in_the_set(diner: Visitor) -> None:
    jwt = {"jwt": diner.place().json()["jwt"]}
    verified = diner.send("POST", "/api/order/verify", jwt, server="factory").json()
    keys = diner.send("GET", "/.well-known/jwks.json", server="factory").json()["keys"]

    assert verified["message"] == "valid"
    assert verified["payload"]["diner"]["email"] == diner.shop.email
    assert [sorted(key) for key in keys] == [["e", "kid", "kty", "n"]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("factory-down", (500, "fetch failed")),
        ("factory-html", (500, "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON")),
        ("factory-empty", (500, "Unexpected end of JSON input")),
        ("factory-badkey", REFUSED),
        ("factory-db-down", REFUSED),
        ("no-link", REFUSED),
        ("db-down", UNAUTHORIZED),
    ],
)
def test_a_condition_without_a_link_hides_even_a_running_chaos(
    diner: Visitor, name: str, expected: tuple[int, str]
) -> None:
    diner.shop.chaos("fail")
    diner.shop.condition(name)
    answer = diner.place()
    assert says(answer) == expected
    assert "followLinkToEndChaos" not in answer.json()

    diner.shop.condition(None)
    assert fails(diner)


def test_without_its_database_a_shop_has_no_menu_no_franchises_and_no_logins(diner: Visitor) -> None:
    diner.shop.condition("db-down")
    login = diner.send("PUT", "/api/auth", {"email": diner.shop.email})

    assert login.status_code == 500
    assert "ECONNREFUSED" in says(login)[1]
    assert {diner.send("GET", path).status_code for path in ("/api/order/menu", "/api/franchise")} == {500}
    assert diner.send("GET", "/api/docs").status_code == 200


def test_practice_chaos_fails_some_orders_without_a_link(diner: Visitor) -> None:
    diner.shop.condition("practice")

    assert {says(diner.place()) for _ in range(40)} == {(200, ""), (500, "Chaos monkey")}


def test_a_page_can_stand_before_the_whole_service_and_a_dead_factory_answers_nobody(diner: Visitor) -> None:
    diner.shop.condition("html")
    answer = diner.place()
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")

    diner.shop.condition("factory-down")
    with pytest.raises(requests.ConnectionError):
        diner.send("GET", "/.well-known/jwks.json", server="factory")


FAILS, GOOD, LOST = "an order fails", "an order is good", "the report's answer is lost"
BUSY = (503, "Service Unavailable")


def seen(diner: Visitor, expected: object) -> object:
    """What an order shows, or a report of its link, as is expected."""
    if expected in (FAILS, GOOD):
        return FAILS if fails(diner) else GOOD
    try:
        return says(diner.report())
    except requests.ConnectionError:
        return LOST


@pytest.mark.parametrize(
    ("condition", "course"),
    [
        ("two-links", [FAILS, RESOLVED, GOOD]),
        ("lost-answer", [FAILS, LOST, GOOD]),
        ("stale-link", [FAILS, UNRESOLVED, FAILS, RESOLVED, GOOD]),
        ("busy-report", [FAILS, BUSY, FAILS, RESOLVED, GOOD]),
        ("flapping", [FAILS, GOOD, FAILS, GOOD]),
        ("unfixable", [FAILS, RESOLVED, FAILS]),
        ("re-initiated", [FAILS, UNRESOLVED, GOOD, UNRESOLVED]),
        ("ended-by-others", [FAILS, NO_CHAOS, GOOD]),
    ],
)
def test_chaos_takes_the_course_of_its_condition(diner: Visitor, condition: str, course: list[object]) -> None:
    diner.shop.chaos("fail")
    diner.shop.condition(condition)

    assert [seen(diner, expected) for expected in course] == course


def test_the_second_of_two_links_ends_nothing(diner: Visitor) -> None:
    diner.shop.chaos("fail")
    diner.shop.condition("two-links")

    assert says(diner.report("GET", diner.place().json()["reportUrl"])) == UNRESOLVED


def test_an_order_that_was_throttled_before_the_chaos_ended_still_offers_its_link(diner: Visitor) -> None:
    diner.shop.chaos("throttle")
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(Visitor(diner.shop).place)
        assert any(diner.shop.slow_orders for _ in poll(60, every=0.01))
        diner.shop.chaos("off")

        assert not fails(diner)
        assert "followLinkToEndChaos" in under_way.result().json()


def test_the_record_counts_orders_and_reports_and_holds_no_key(diner: Visitor) -> None:
    diner.place()
    diner.shop.chaos("badjwt")
    link = link_of(diner.place())
    diner.report("HEAD")
    shop, code = diner.shop, link.rpartition("/")[2]

    assert (shop.orders_failed, shop.orders_good, shop.slow_orders) == (1, 1, 0)
    assert shop.report_calls == {"GET": 0, "HEAD": 1}
    assert shop.requests[-1].path == "/api/support/{key}/report/{code}"
    assert not any(secret in str(shop.requests) for secret in (shop.vendor_token, code))


def test_another_process_changes_the_shop_by_its_control_port(diner: Visitor) -> None:
    url = f"{diner.shop.control_url}/_control"
    requests.post(url, json={"chaos": "fail"}, timeout=60)
    diner.place()
    state = requests.post(url, json={"condition": "flapping"}, timeout=60).json()

    assert state == requests.get(url, timeout=60).json()
    assert (state["chaos"], state["condition"]) == ("fail", "flapping")
    assert (state["orders_failed"], state["orders_good"]) == (1, 0)
    assert state["report_calls"] == {"GET": 0, "HEAD": 0}
    assert diner.send("GET", "/_control").status_code == 404  # it is no part of the service


@pytest.mark.parametrize("wanted", [{"chaos": "flood"}, {"condition": "rain"}, {}])
def test_an_unknown_chaos_or_condition_is_refused_with_the_known_ones(shop: Shop, wanted: dict[str, str]) -> None:
    answer = requests.post(f"{shop.control_url}/_control", json=wanted, timeout=60)

    assert answer.status_code == 400
    assert answer.json()["condition"] == [None, *CONDITIONS]


def test_a_link_carries_the_factorys_name_and_its_port_unless_that_is_left_out() -> None:
    with Shop(factory_name="pizza-factory.test") as ported, Shop(link_port=False) as bare:
        bare.chaos("fail")

        assert ported.factory_host == f"pizza-factory.test:{ported.factory_url.rpartition(':')[2]}"
        assert link_of(Visitor(bare).place()).startswith("https://127.0.0.1/api/support/")


def test_an_order_placed_at_another_address_gets_a_link_that_leads_there() -> None:
    with Shop(address="127.0.0.2") as shop:
        shop.chaos("fail")
        here = link_of(Visitor(shop).place())
        shop.url = shop.url.replace("127.0.0.1", "127.0.0.2")  # a Visitor orders at it
        there = link_of(Visitor(shop).place())

        port = shop.factory_url.rpartition(":")[2]
        assert here.startswith(f"https://127.0.0.1:{port}/")
        assert there.startswith(f"https://127.0.0.2:{port}/")
        assert says(requests.get(there, verify=shop.ca_file, timeout=60)) == RESOLVED
        with pytest.raises(requests.ConnectionError):
            requests.get(shop.control_url.replace("127.0.0.1", "127.0.0.2"), timeout=60)


def test_an_order_placed_at_another_name_gets_a_link_of_that_name_and_the_certificate_has_it() -> None:
    with Shop(address="host.docker.internal") as shop:
        shop.chaos("fail")
        host = f"host.docker.internal:{shop.url.rpartition(':')[2]}"
        headers = {"Host": host, "Authorization": f"Bearer {Visitor(shop).token}"}
        there = requests.post(f"{shop.url}/api/order", json=ORDER, headers=headers, timeout=60)

        port = shop.factory_url.rpartition(":")[2]
        trusting = ssl.create_default_context(cafile=shop.ca_file)
        assert link_of(there).startswith(f"https://host.docker.internal:{port}/")
        with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as plain:
            trusting.wrap_socket(plain, server_hostname="host.docker.internal").close()


def test_a_shop_stops_and_leaves_nothing_behind_while_an_order_is_pending() -> None:
    threads = set(threading.enumerate())
    with ThreadPoolExecutor(1) as pool:
        with Shop(slow_seconds=3600) as shop:
            shop.chaos("throttle")
            pending = pool.submit(Visitor(shop).place)
            assert any(shop.slow_orders for _ in poll(60, every=0.01))

        assert isinstance(pending.exception(), requests.ConnectionError)
    assert not Path(shop.ca_file).parent.exists()
    assert set(threading.enumerate()) <= threads


def test_a_shop_of_its_own_prints_its_addresses_and_ends_by_a_signal() -> None:
    command = [sys.executable, "-m", "simulator.shop", "--slow", "0.2", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            addresses = json.loads(process.stdout.readline())
            state = requests.get(f"{addresses['control_url']}/_control", timeout=60).json()
        finally:
            process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 0
    assert state["chaos"] == "off"
