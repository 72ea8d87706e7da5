"""What the stand-in shop answers to those who ask too often, and to a login where it sets a cookie alone."""

from typing import Any

import pytest
import requests

from simulator.shop import Limit, Shop
from tests.support.replay import LOGIN, Visitor, says

TEXT, DATA = "Slow down", {"message": "slow down"}


def ask(shop: Shop, path: str = "/", method: str = "GET", body: Any = None) -> requests.Response:
    return requests.request(method, shop.url + path, json=body, timeout=60)


@pytest.mark.parametrize(
    ("body", "kind", "text"), [(TEXT, "text/html", TEXT), (DATA, "application/json", '{"message":"slow down"}')]
)
def test_a_limit_refuses_with_text_or_with_json(body: Any, kind: str, text: str) -> None:
    with Shop(limits=[Limit(1, body=body, draft=7)]) as shop:
        first, second = ask(shop), ask(shop, "/api/nothing")

    assert (first.status_code, first.headers["RateLimit"]) == (200, "limit=1, remaining=0, reset=900")
    assert "Retry-After" not in first.headers
    assert (second.status_code, second.text) == (429, text)
    assert second.headers["Content-Type"] == f"{kind}; charset=utf-8"
    assert second.headers["Retry-After"].isdigit()
    assert [each.status for each in shop.requests] == [200, 429]


def test_each_limit_counts_what_it_covers_and_the_last_that_does_shows_its_headers() -> None:
    with Shop(limits=[Limit(3, draft=6), Limit(1, counts="logins", body=TEXT, draft=6)]) as shop:
        logins = [ask(shop, "/api/auth", "PUT", {"email": shop.email}) for _ in range(2)]
        others = [ask(shop) for _ in range(2)]

    assert [answer.status_code for answer in logins + others] == [200, 429, 200, 429]
    assert [answer.headers["RateLimit-Limit"] for answer in logins + others] == ["1", "1", "3", "3"]
    assert (logins[1].text, others[1].text) == (TEXT, Limit(1).body)


def test_a_limited_shop_refuses_every_request_until_its_condition_changes() -> None:
    with Shop() as shop:
        shop.condition("limited")
        refused = [ask(shop), ask(shop, "/api/auth", "PUT", {"email": shop.email})]
        shop.condition(None)

        assert ask(shop).status_code == 200
    assert [(each.status_code, each.headers["Retry-After"]) for each in refused] == [(429, "611")] * 2


def test_a_login_by_a_cookie_alone_gives_no_token() -> None:
    with Shop() as shop:
        diner = Visitor(shop)
        shop.condition("cookie-login")
        answer = diner.send("PUT", "/api/auth", diner.body(LOGIN))

        assert answer.json().keys() == {"user"}
        assert "HttpOnly" in answer.headers["Set-Cookie"]
        assert answer.cookies["token"] in shop.secrets
        assert says(diner.place())[0] == 200  # who has a token goes on with it
