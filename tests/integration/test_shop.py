"""The stand-in shop answers what was observed on the service and the factory."""

import asyncio
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from console.gameday.shop import CONDITIONS, Shop
from console.gameday.shop.conditions import Stage
from console.gameday.shop.factory import Factory
from tests.replay import ORDER, ROWS, VEGGIE, Visitor, normal, played

SLOW = 0.2
JSON = "application/json; charset=utf-8"
DINER = {"name": "pizza diner", "email": "d@jwt.com", "roles": [{"role": "diner"}]}
TOKEN = (
    "HS256",
    ["alg", "typ"],
    {"email": "str", "iat": "int", "id": "int", "name": "str", "roles": "list"},
)
SIGNED = (
    "RS256",
    ["alg", "exp", "iat", "iss", "kid"],
    {
        "diner": ["email", "id", "name"],
        "order": ["franchiseId", "id", "items", "storeId"],
        "vendor": ["id", "name"],
    },
)
LINK = {"followLinkToEndChaos": "<link>"}
PLACED = {"order": ORDER | {"id": "<int>"}}
REFUSED = {"message": "Failed to fulfill order at factory"}
UNBOUND = "Bind parameters must not contain undefined. To pass SQL NULL specify JS null"


def says(message: str, kind: str | None = None) -> dict[str, str]:
    """A message, and with a kind of error the first line of a stack."""
    return {"message": message} | ({"stack": f"{kind}: {message}"} if kind else {})


def stored(number: int, *items: object) -> dict[str, object]:
    numbers = {"franchiseId": number, "storeId": number + 111 if number > 1 else number}
    return {"id": "<int>", **numbers, "date": "<instant>", "items": list(items)}


UNAUTHORIZED = (401, says("unauthorized"))
UNKNOWN_ENDPOINT = (404, says("unknown endpoint"))
UNKNOWN_USER = (404, says("unknown user", "Error"))
STRANGER = (401, says("invalid authentication"))
WELCOME = (200, says("welcome to JWT Pizza") | {"version": "20240518.154317"})
UNBOUND_500 = (500, says(UNBOUND, "TypeError"))
BROKEN_JSON = (400, says("Unexpected end of JSON input", "SyntaxError"))
INCOMPLETE_USER = (400, says("name, email, and password are required"))
LOGGED_IN = (200, {"user": DINER | {"id": "<int>"}, "token": TOKEN})
HEALTHY = (200, PLACED | {"jwt": SIGNED})
FAILED = (500, REFUSED | LINK)
RESOLVED = (200, says("Problem resolved. Pizza is back on the menu!"))
NO_CHAOS = (200, says("No chaos currently executing"))
UNRESOLVED = (400, says("Problem unresolved"))
ITEM = VEGGIE | {"id": "<int>"}

TABLE: dict[str, tuple[int, Any]] = {
    "auth-login-200": LOGGED_IN,
    "auth-login-500-db-down-root": WELCOME,
    "auth-login-badjson": BROKEN_JSON,
    "auth-login-emptybody": UNBOUND_500,
    "auth-login-no-content-type": UNBOUND_500,
    "auth-login-nopassword": LOGGED_IN,
    "auth-login-unknown": UNKNOWN_USER,
    "auth-login-wrong-method-post": INCOMPLETE_USER,
    "auth-login-wrongpw": UNKNOWN_USER,
    "auth-logout-200": (200, says("logout successful")),
    "auth-logout-401": UNAUTHORIZED,
    "auth-register-200": (
        200,
        {
            "user": DINER | {"id": "<int>", "name": "cap user", "email": "u<digits>@jwt.com"},
            "token": TOKEN,
        },
    ),
    "auth-register-missing-400": INCOMPLETE_USER,
    "chaos-initiate-200": (200, says("Chaos initiated")),
    "chaos-initiate-badtype-400": (400, says("Invalid chaos type")),
    "chaos-initiate-noauth-401": STRANGER,
    "chaos-vendor-view": (
        200,
        {
            "id": "<str>",
            "name": "Test Student",
            "gitHubUrl": "https://github.com/student1",
            "website": "http://<digits>.<digits>.<digits>.<digits>:<digits>",
            "email": "student<digits>@byu.edu",
            "apiKey": "<hex>",
            "created": "<instant>",
            "chaos": {"type": "fail", "initiatedDate": "<instant>", "startDate": "<instant>"},
            "roles": ["vendor"],
            "connections": {},
        },
    ),
    "factory-direct-500-chaos-fail": (500, says("chaos monkey") | {"reportUrl": "<link>"}),
    "factory-order-200": (200, {"jwt": SIGNED}),
    "factory-order-badkey-401": STRANGER,
    "factory-order-missing-400": (400, says("Missing required parameters")),
    "factory-verify-badjwt-403": (403, says("invalid")),
    "franchise-200": (
        200,
        {
            "franchises": [
                {
                    "id": "<int>",
                    "name": "pizzaPocket",
                    "stores": [{"id": "<int>", "name": "SLC"}],
                }
            ],
            "more": False,
        },
    ),
    "menu-200": (
        200,
        [
            {
                "id": "<int>",
                "title": "Veggie",
                "image": "pizza1.png",
                "price": 0.0038,
                "description": "A garden of delight",
            },
            {
                "id": "<int>",
                "title": "Pepperoni",
                "image": "pizza2.png",
                "price": 0.0042,
                "description": "Spicy treat",
            },
        ],
    ),
    "order-0items-500-slow": (500, REFUSED),
    "order-200-after-fix": HEALTHY,
    "order-200-after-head": HEALTHY,
    "order-200-chaos-badjwt": (200, PLACED | LINK | {"jwt": "deadxe6M... of 3 parts"}),
    "order-200-chaos-rescheduled": HEALTHY,
    "order-200-chaos-scheduled-not-started": HEALTHY,
    "order-200-chaos-throttle": (200, PLACED | LINK | {"jwt": SIGNED}),
    "order-200": HEALTHY,
    "order-21items-500-slow": (500, REFUSED),
    "order-401-chaos-noauth": UNAUTHORIZED,
    "order-500-chaos-0items-fast": FAILED,
    "order-500-chaos-fail-2": FAILED,
    "order-500-chaos-fail-3": FAILED,
    "order-500-chaos-fail-4": FAILED,
    "order-500-chaos-fail-realhost": FAILED,
    "order-500-chaos-fail": FAILED,
    "order-500-factory-badkey": (500, REFUSED),
    "order-500-factory-down": (500, says("fetch failed", "TypeError")),
    "order-500-still-chaos": FAILED,
    "order-after-logout-401": UNAUTHORIZED,
    "order-badjson-400": BROKEN_JSON,
    "order-badsig-401": UNAUTHORIZED,
    "order-badtoken-401": UNAUTHORIZED,
    "order-bogus-franchise-store-200": (
        200,
        {
            "order": {
                "franchiseId": 777,
                "storeId": 888,
                "items": [VEGGIE | {"price": 0.05}],
                "id": "<int>",
            },
            "jwt": SIGNED,
        },
    ),
    "order-list-200": (
        200,
        {
            "dinerId": 2,
            "orders": [
                stored(1, ITEM),
                stored(1, ITEM),
                stored(1),
                stored(1),
                stored(777, ITEM | {"price": 0.05}),
            ],
            "page": 1,
        },
    ),
    "order-list-401": UNAUTHORIZED,
    "order-lowercase-bearer-200": HEALTHY,
    "order-noauth-401": UNAUTHORIZED,
    "order-nobody-500": UNBOUND_500,
    "order-nofranchise-500": UNBOUND_500,
    "order-put-404": UNKNOWN_ENDPOINT,
    "order-token-without-bearer-401": UNAUTHORIZED,
    "report-delete-404": UNKNOWN_ENDPOINT,
    "report-get-200-resolved-badjwt": RESOLVED,
    "report-get-200-resolved-throttle": RESOLVED,
    "report-get-200-resolved": RESOLVED,
    "report-get-again-200-nochaos": NO_CHAOS,
    "report-get-again-wrongcode-200-nochaos": NO_CHAOS,
    "report-get-nocode-404": UNKNOWN_ENDPOINT,
    "report-get-stale-code-400": UNRESOLVED,
    "report-get-wrongcode-400": UNRESOLVED,
    "report-get-wrongkey-200-nochaos": NO_CHAOS,
    "report-head-resolves": (200, ""),
    "report-options": (200, "GET,HEAD"),
    "report-post-404": UNKNOWN_ENDPOINT,
    "report-put-404": UNKNOWN_ENDPOINT,
    "root-200": WELCOME,
    "unknown-404": UNKNOWN_ENDPOINT,
    "user-me-200": (200, DINER | {"id": "<int>", "iat": "<int>"}),
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(slow_seconds=SLOW) as running:
        yield running


@pytest.fixture
def diner(shop: Shop) -> Visitor:
    return Visitor(shop)


def wait_for(event: Callable[[], bool]) -> None:
    """Wait until it is so; the suite's own time-out ends it if it never is."""
    while not event():
        time.sleep(0.01)


def order(diner: Visitor, body: object = ORDER) -> requests.Response:
    return diner.send("service", "POST", "/api/order", body, f"Bearer {diner.token}")


def link_of(response: requests.Response) -> str:
    return str(response.json()["followLinkToEndChaos"])


def report(shop: Shop, link: str, method: str = "GET") -> requests.Response:
    return requests.request(method, link, verify=shop.ca_file, timeout=60)


def answered(response: requests.Response) -> tuple[int, Any]:
    return response.status_code, normal(response.text)


@pytest.mark.parametrize("name", TABLE)
def test_the_shop_answers_as_observed(name: str) -> None:
    status, content_type, body = played(name, slow_seconds=0)

    assert (status, body) == TABLE[name]
    assert content_type == ("text/html; charset=utf-8" if name == "report-options" else JSON)


def test_every_replayed_request_has_its_expected_answer() -> None:
    assert TABLE.keys() == ROWS.keys()


@pytest.mark.parametrize("count", [0, 21])
def test_an_order_of_no_or_too_many_items_is_refused_slowly(diner: Visitor, count: int) -> None:
    response = order(diner, ORDER | {"items": [VEGGIE] * count})

    assert answered(response) == (500, REFUSED)
    assert diner.shop.slow_orders == 1


def test_twenty_items_are_an_order_like_any_other(diner: Visitor) -> None:
    response = order(diner, ORDER | {"items": [VEGGIE] * 20})

    assert response.status_code == 200
    assert diner.shop.slow_orders == 0


@pytest.mark.parametrize(("kind", "slow"), [("fail", False), ("badjwt", False), ("throttle", True)])
def test_only_throttled_orders_take_the_slow_time(diner: Visitor, kind: str, slow: bool) -> None:
    diner.shop.chaos(kind)

    order(diner)
    assert diner.shop.slow_orders == slow


@pytest.mark.parametrize("kind", ["fail", "badjwt", "throttle"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_get_or_head_of_the_link_heals_each_chaos(diner: Visitor, kind: str, method: str) -> None:
    diner.shop.chaos(kind)
    reply = report(diner.shop, link_of(order(diner)), method)

    assert reply.status_code == 200
    assert answered(order(diner)) == HEALTHY
    assert diner.shop.report_calls == {"GET": 0, "HEAD": 0} | {method: 1}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_other_methods_have_no_effect_on_the_chaos(diner: Visitor, method: str) -> None:
    diner.shop.chaos("fail")
    reply = report(diner.shop, link_of(order(diner)), method)

    assert answered(reply) == UNKNOWN_ENDPOINT
    assert answered(order(diner)) == FAILED


def test_a_code_of_an_earlier_chaos_is_stale(diner: Visitor) -> None:
    diner.shop.chaos("fail")
    stale = link_of(order(diner))
    diner.shop.chaos("fail")

    assert answered(report(diner.shop, stale)) == UNRESOLVED
    assert answered(order(diner)) == FAILED


def test_an_unknown_key_is_told_of_no_chaos_while_it_goes_on(diner: Visitor) -> None:
    diner.shop.chaos("fail")
    link = link_of(order(diner)).replace(diner.shop.vendor_token, "0" * 32)

    assert answered(report(diner.shop, link)) == NO_CHAOS
    assert answered(order(diner)) == FAILED


def test_three_reports_at_once_are_all_told_of_success() -> None:
    factory = Factory(Stage(), 0.0, "https://factory.test", {})
    factory.initiate("fail", datetime.now(UTC))
    assert factory.chaos
    code = factory.chaos.code

    async def at_once() -> list[tuple[int, Any]]:
        return await asyncio.gather(*(factory.resolve(factory.api_key, code) for _ in range(3)))

    assert asyncio.run(at_once()) == [RESOLVED] * 3


def test_logins_within_one_second_share_a_token_and_a_logout_ends_both(shop: Shop) -> None:
    while (pair := (Visitor(shop), Visitor(shop)))[0].token != pair[1].token:
        pass  # a new second began between the two
    first, second = pair
    first.send("service", "DELETE", "/api/auth", bearer=f"Bearer {first.token}")

    assert answered(order(second)) == UNAUTHORIZED
    assert answered(order(Visitor(shop))) == HEALTHY


def test_auth_comes_before_chaos(diner: Visitor) -> None:
    diner.shop.chaos("fail")

    assert answered(diner.send("service", "POST", "/api/order", ORDER)) == UNAUTHORIZED
    assert (diner.shop.orders_failed, diner.shop.orders_good) == (0, 0)


def test_chaos_of_its_owner_starts_in_the_afternoon_of_the_next_day(diner: Visitor) -> None:
    vendor = f"Bearer {diner.shop.vendor_token}"
    diner.send("factory", "PUT", "/api/vendor/chaos/fail", {}, vendor)
    chaos = diner.send("factory", "GET", "/api/vendor", bearer=vendor).json()["chaos"]

    assert chaos["startDate"][:10] > chaos["initiatedDate"][:10]
    assert re.fullmatch(r".*T(15|16|17|18|19|20):\d\d:00\.000Z", chaos["startDate"])


def test_chaos_starts_at_the_date_that_is_given(diner: Visitor) -> None:
    vendor = f"Bearer {diner.shop.vendor_token}"
    body = {"startDate": "2026-01-01T00:00:00Z"}
    diner.send("factory", "PUT", "/api/vendor/chaos/fail", body, vendor)

    assert answered(order(diner)) == FAILED


def test_a_good_orders_jwt_verifies_and_its_key_is_in_the_set(diner: Visitor) -> None:
    jwt = order(diner).json()["jwt"]
    verified = diner.send("factory", "POST", "/api/order/verify", {"jwt": jwt}).json()
    keys = diner.send("factory", "GET", "/.well-known/jwks.json").json()["keys"]

    assert verified["message"] == "valid"
    assert verified["payload"]["diner"]["email"] == diner.shop.email
    assert [sorted(key) for key in keys] == [["e", "kid", "kty", "n"]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("factory-down", (500, says("fetch failed", "TypeError"))),
        (
            "factory-html",
            (500, says("Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", "SyntaxError")),
        ),
        ("factory-empty", (500, says("Unexpected end of JSON input", "SyntaxError"))),
        ("factory-badkey", (500, REFUSED)),
        ("no-link", (500, REFUSED)),
        ("db-down", UNAUTHORIZED),
    ],
)
def test_a_look_alike_hides_even_a_running_chaos(diner: Visitor, name: str, expected: tuple[int, Any]) -> None:
    diner.shop.chaos("fail")
    diner.shop.condition(name)
    assert answered(order(diner)) == expected

    diner.shop.condition(None)
    assert answered(order(diner)) == FAILED


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (ORDER | {"items": [VEGGIE | {"menuId": 99}]}, says("No ID found", "Error")),
        ({"franchiseId": 1, "storeId": 1}, says("order.items is not iterable", "TypeError")),
    ],
)
def test_a_malformed_order_fails_with_a_stack_and_no_link(diner: Visitor, body: object, expected: object) -> None:
    assert answered(order(diner, body)) == (500, expected)


@pytest.mark.parametrize("path", ["/api/order/menu", "/api/franchise"])
def test_without_its_database_a_shop_has_no_menu_no_franchises_and_no_logins(diner: Visitor, path: str) -> None:
    diner.shop.condition("db-down")
    login = diner.send("service", "PUT", "/api/auth", {"email": diner.shop.email})

    assert diner.send("service", "GET", path).status_code == login.status_code == 500
    assert "ECONNREFUSED" in login.json()["message"]
    assert diner.send("service", "GET", "/api/docs").status_code == 200


def test_practice_chaos_fails_some_orders_without_a_link(diner: Visitor) -> None:
    diner.shop.condition("practice")
    replies = {json.dumps(normal(order(diner).text)) for _ in range(40)}

    assert replies == {json.dumps(HEALTHY[1]), json.dumps(says("Chaos monkey", "Error"))}


def test_a_page_can_stand_before_the_whole_service(diner: Visitor) -> None:
    diner.shop.condition("html")
    response = order(diner)

    assert (response.status_code, response.headers["Content-Type"]) == (
        503,
        "text/html; charset=utf-8",
    )


def test_a_dead_factory_answers_nobody(diner: Visitor) -> None:
    diner.shop.condition("factory-down")

    with pytest.raises(requests.ConnectionError):
        diner.send("factory", "GET", "/.well-known/jwks.json")


def test_of_two_links_only_the_services_own_heals(diner: Visitor) -> None:
    diner.shop.chaos("fail")
    diner.shop.condition("two-links")
    body = order(diner).json()

    assert answered(report(diner.shop, body["reportUrl"])) == UNRESOLVED
    assert answered(report(diner.shop, body["followLinkToEndChaos"])) == RESOLVED


def test_a_lost_answer_has_healed_all_the_same(diner: Visitor) -> None:
    diner.shop.chaos("fail")
    diner.shop.condition("lost-answer")
    link = link_of(order(diner))

    with pytest.raises(requests.ConnectionError):
        report(diner.shop, link)
    assert answered(order(diner)) == HEALTHY


def test_a_stale_link_is_followed_by_a_fresh_one_that_heals(diner: Visitor) -> None:
    diner.shop.chaos("fail")
    diner.shop.condition("stale-link")

    assert answered(report(diner.shop, link_of(order(diner)))) == UNRESOLVED
    assert answered(report(diner.shop, link_of(order(diner)))) == RESOLVED
    assert answered(order(diner)) == HEALTHY


def test_a_flapping_shop_fails_every_second_order(diner: Visitor) -> None:
    diner.shop.chaos("fail")
    diner.shop.condition("flapping")

    assert [order(diner).status_code for _ in range(4)] == [500, 200, 500, 200]


def test_an_unfixable_shop_says_resolved_and_goes_on_failing(diner: Visitor) -> None:
    diner.shop.chaos("fail")
    diner.shop.condition("unfixable")

    assert answered(report(diner.shop, link_of(order(diner)))) == RESOLVED
    assert answered(order(diner)) == FAILED


def test_a_healed_throttle_still_lets_go_of_orders_that_were_under_way(diner: Visitor) -> None:
    diner.shop.chaos("throttle")
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(order, diner)
        wait_for(lambda: diner.shop.slow_orders == 1)
        diner.shop.chaos("off")

        assert answered(order(diner)) == HEALTHY
        assert "followLinkToEndChaos" in under_way.result().json()


def test_the_record_counts_orders_and_reports_and_holds_no_key(diner: Visitor) -> None:
    order(diner)
    diner.shop.chaos("badjwt")
    link = link_of(order(diner))
    report(diner.shop, link)
    shop, code = diner.shop, link.rpartition("/")[2]

    assert (shop.orders_failed, shop.orders_good) == (1, 1)
    assert shop.report_calls == {"GET": 1, "HEAD": 0}
    assert shop.requests[-1].path == "/api/support/<key>/report/<code>"
    assert not any(secret in str(shop.requests) for secret in (shop.vendor_token, code))


def test_another_process_steers_the_shop_by_its_control_port(diner: Visitor) -> None:
    url = f"{diner.shop.control_url}/_control"
    requests.post(url, json={"chaos": "fail"}, timeout=60)
    order(diner)
    state = requests.post(url, json={"condition": "flapping"}, timeout=60).json()

    assert state == requests.get(url, timeout=60).json()
    assert state == {
        "chaos": "fail",
        "condition": "flapping",
        "orders_failed": 1,
        "orders_good": 0,
        "report_calls": {"GET": 0, "HEAD": 0},
    }


@pytest.mark.parametrize("wish", [{"chaos": "flood"}, {"condition": "rain"}, {}])
def test_an_unknown_wish_is_refused_with_the_known_ones(shop: Shop, wish: dict[str, str]) -> None:
    reply = requests.post(f"{shop.control_url}/_control", json=wish, timeout=60)

    assert reply.status_code == 400
    assert reply.json()["condition"] == [None, *CONDITIONS]


def test_the_control_is_no_part_of_the_service(diner: Visitor) -> None:
    assert diner.send("service", "GET", "/_control").status_code == 404


def test_a_name_that_is_no_chaos_or_condition_is_an_error(shop: Shop) -> None:
    with pytest.raises(ValueError, match="flood"):
        shop.chaos("flood")
    with pytest.raises(ValueError, match="rain"):
        shop.condition("rain")


def test_links_carry_the_factorys_name_and_a_port_unless_told_otherwise() -> None:
    with Shop(factory_name="pizza-factory.test") as ported, Shop(link_port=False) as bare:
        for shop in (ported, bare):
            shop.chaos("fail")
        port = ported.factory_url.rpartition(":")[2]

        assert ported.factory_host == f"pizza-factory.test:{port}"
        assert link_of(order(Visitor(bare))).startswith("https://127.0.0.1/api/support/")


def test_whoever_orders_at_another_address_of_the_machine_is_led_there_by_the_link() -> None:
    with Shop(address="127.0.0.2") as shop:
        shop.chaos("fail")
        here = order(Visitor(shop))
        shop.url = shop.url.replace("127.0.0.1", "127.0.0.2")  # what a Visitor orders at
        there = order(Visitor(shop))

        port = shop.factory_url.rpartition(":")[2]
        assert link_of(here).startswith(f"https://127.0.0.1:{port}/")
        assert link_of(there).startswith(f"https://127.0.0.2:{port}/")
        assert answered(report(shop, link_of(there))) == RESOLVED
        with pytest.raises(requests.ConnectionError):
            requests.get(shop.control_url.replace("127.0.0.1", "127.0.0.2"), timeout=60)


def test_whoever_orders_by_another_name_is_led_there_by_the_link_and_finds_the_name_in_the_certificate() -> None:
    with Shop(address="host.docker.internal") as shop:
        shop.chaos("fail")
        named = {"Host": f"host.docker.internal:{shop.url.rpartition(':')[2]}"}
        bearer = {"Authorization": f"Bearer {Visitor(shop).token}"}
        there = requests.post(f"{shop.url}/api/order", json=ORDER, headers=named | bearer, timeout=60)

        port = shop.factory_url.rpartition(":")[2]
        trusting = ssl.create_default_context(cafile=shop.ca_file)
        assert link_of(there).startswith(f"https://host.docker.internal:{port}/")
        with socket.create_connection(("127.0.0.1", int(port)), timeout=60) as plain:
            trusting.wrap_socket(plain, server_hostname="host.docker.internal").close()


def test_an_address_that_the_machine_has_not_yet_is_listened_at_all_the_same() -> None:
    with Shop(address="198.51.100.7") as shop:
        assert answered(order(Visitor(shop))) == HEALTHY


def test_shops_side_by_side_share_nothing() -> None:
    with Shop() as one, Shop() as other:
        one.chaos("fail")

        assert answered(order(Visitor(other))) == HEALTHY
        assert (one.vendor_token, one.password) != (other.vendor_token, other.password)


def test_a_shop_stops_promptly_and_leaves_nothing_behind_while_an_order_is_pending() -> None:
    threads = set(threading.enumerate())
    with ThreadPoolExecutor(1) as pool:
        with Shop(slow_seconds=60) as shop:
            shop.chaos("throttle")
            pending = pool.submit(order, Visitor(shop))
            wait_for(lambda: shop.slow_orders == 1)

        assert isinstance(pending.exception(), requests.ConnectionError)  # no answer, which takes 60 s
    assert not Path(shop.ca_file).parent.exists()
    assert set(threading.enumerate()) <= threads


def test_a_port_in_use_is_an_error_that_leaves_nothing_behind() -> None:
    threads = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"), Shop(factory_port=port):
            pass
    assert set(threading.enumerate()) <= threads


def test_a_shop_of_its_own_prints_its_addresses_and_ends_by_a_signal() -> None:
    command = [sys.executable, "-m", "console.gameday.shop", "--slow", "0.2", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            addresses = json.loads(process.stdout.readline())
            state = requests.get(f"{addresses['control_url']}/_control", timeout=60).json()
        finally:
            process.send_signal(signal.SIGTERM)

        assert process.wait(60) == 0
    assert state["chaos"] == "off"
