"""The stand-in shop's limits of rates, by virtual time."""

from typing import Literal

import pytest

from simulator.shop import Limit, Limiter
from simulator.shop.conditions import ActiveCondition

EPOCH = 1_795_000_000.0
POLICY = {"RateLimit-Policy": "1;w=900"}


@pytest.mark.parametrize(
    ("most", "times", "expected"),
    [
        pytest.param(
            2, [0, 1, 2, 899.5, 900, 900], [None, None, 898, 1, None, None], id="a window lasts from its first"
        ),
        pytest.param(2, [0, 0, 1000, 1001, 1899, 1900], [None, None, None, None, 1, None], id="the next one, too"),
        pytest.param(
            2, [0, 0, *range(100, 900, 100), 900], [None, None, *range(800, 0, -100), None], id="not prolonged"
        ),
        pytest.param(0, [0, 1, 900], [900, 899, 900], id="none"),
    ],
)
def test_a_limit_lets_so_many_requests_pass_in_a_window(
    most: int, times: list[float], expected: list[int | None]
) -> None:
    limiter = Limiter(Limit(most))

    assert [limiter.hit(EPOCH + at) for at in times] == expected


@pytest.mark.parametrize(("by_address", "second"), [(False, 900), (True, None)])
def test_addresses_share_one_window_unless_each_has_its_own(by_address: bool, second: int | None) -> None:
    limiter = Limiter(Limit(1, by_address=by_address))

    assert (limiter.hit(EPOCH, "192.0.2.1"), limiter.hit(EPOCH, "192.0.2.2")) == (None, second)


@pytest.mark.parametrize(
    ("row", "passed", "refused"),
    [
        (Limit(1), {}, {"Retry-After": "611"}),
        (Limit(1, retry_after="date"), {}, {"Retry-After": "Wed, 18 Nov 2026 11:21:40 GMT"}),
        (
            Limit(1, draft=6),
            POLICY | {"RateLimit-Limit": "1", "RateLimit-Remaining": "0", "RateLimit-Reset": "900"},
            {"RateLimit-Reset": "611", "Retry-After": "611"},
        ),
        (
            Limit(1, draft=7),
            POLICY | {"RateLimit": "limit=1, remaining=0, reset=900"},
            {"RateLimit": "limit=1, remaining=0, reset=611", "Retry-After": "611"},
        ),
    ],
)
def test_each_answer_has_the_headers_of_its_limit_and_a_refusal_says_when_to_come_again(
    row: Limit, passed: dict[str, str], refused: dict[str, str]
) -> None:
    limiter = Limiter(row)
    limiter.hit(EPOCH)
    assert limiter.headers(EPOCH) == passed

    limiter.hit(EPOCH + 289)
    assert limiter.headers(EPOCH + 289) == passed | refused


@pytest.mark.parametrize(
    ("counts", "counted"),
    [
        ("all", {"GET /", "POST /api/order", "PUT /api/auth", "DELETE /api/auth"}),
        ("auth", {"PUT /api/auth", "DELETE /api/auth"}),
        ("logins", {"PUT /api/auth"}),
    ],
)
def test_a_limit_covers_what_it_counts(counts: Literal["all", "auth", "logins"], counted: set[str]) -> None:
    requests = {"GET /", "POST /api/order", "PUT /api/auth", "DELETE /api/auth"}

    assert {one for one in requests if Limit(1, counts=counts).covers(*one.split())} == counted


@pytest.mark.parametrize(
    ("condition", "told"), [(None, [0, 0, 0]), ("limited-briefly", [3, 3, 0]), ("limited", [611, 611, 611])]
)
def test_a_condition_refuses_from_its_beginning_for_as_long_as_it_says(condition: str | None, told: list[int]) -> None:
    now = EPOCH
    active = ActiveCondition(clock=lambda: now)
    active.set(condition)

    for seconds, expected in zip((0, 2.9, 3), told, strict=True):
        now = EPOCH + seconds
        assert active.seconds_to_wait == expected
