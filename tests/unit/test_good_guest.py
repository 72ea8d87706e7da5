"""An hour of the canary at shops that limit how often they are asked: the table of docs/wiring.md, by virtual time."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from remediator.canary import Canary
from remediator.deadline import Deadline
from remediator.errors import Blind
from remediator.masking import Mask
from remediator.outcome import Outcome
from remediator.report_link import FIELD_NAMES
from remediator.sample import Sample
from simulator.paths import ROOT
from simulator.shop import Limit, Limiter
from tests.support.builders import GOOD, LOGIN, Harness, alarm, answer
from tests.support.fakes import MemoryShop, MemoryStore

WINDOW = 15
SHOPS: dict[str, tuple[Limit, ...]] = {
    "none": (),
    "500 requests": (Limit(500),),
    "100 requests": (Limit(100),),
    "100 requests, 20 of them to log in or out": (Limit(100), Limit(20, counts="auth")),
    "10 logins": (Limit(10, counts="logins"),),
    "5 to log in or out": (Limit(5, counts="auth"),),
}


@dataclass
class LimitedShop(MemoryShop):
    """A healthy shop that counts each request, and refuses those that are too many. `now` is its own time."""

    answers: Sequence[Sample] = (GOOD,)
    logins: Sequence[Sample] = (LOGIN,)
    limiters: list[Limiter] = field(default_factory=list)
    now: datetime = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    asked: list[datetime] = field(default_factory=list)

    def _let_in(self, method: str, path: str, good: Sample) -> Sample:
        self.asked.append(self.now)
        waits = [one.hit(self.now.timestamp()) for one in self.limiters if one.row.covers(method, path)]
        wait = max((each for each in waits if each), default=0)
        return replace(answer(429, {}, retry_after=wait) if wait else good, began=self.now)

    def login(self, deadline: Deadline) -> Sample:
        return self._let_in("PUT", "/api/auth", super().login(deadline))

    def login_as_canary(self, deadline: Deadline) -> Sample:
        return self._let_in("PUT", "/api/auth", super().login_as_canary(deadline))

    def order(self, token: str, deadline: Deadline) -> Sample:
        return self._let_in("POST", "/api/order", GOOD)

    def probe(self, path: str, token: str | None, deadline: Deadline) -> Sample:
        return self._let_in("GET", path, answer(200, {}))

    def logout(self, token: str, deadline: Deadline) -> None:
        self._let_in("DELETE", "/api/auth", answer(200, {}))


@dataclass(frozen=True, slots=True)
class Hour:
    """What sixty minutes showed: requests in the busiest window; minutes of a false report, of no way to check."""

    requests: int
    false: int
    locked_out: int


@cache
def an_hour(name: str, minutes: int = 5) -> Hour:
    """The second hour of a canary that orders so often."""
    shop = LimitedShop(limiters=[Limiter(row) for row in SHOPS[name]])
    tokens = (answer(200, {"token": f"the-token-of-login-{number}"}) for number in range(1000))
    published: list[str] = []
    canary = Canary(
        shop=shop,
        keys=lambda _deadline: {},
        store=MemoryStore(),
        publish=published.append,
        minutes=minutes,
        link_names=FIELD_NAMES,
        clock=lambda: shop.now,
        pool=ThreadPoolExecutor(1),
        mask=Mask(),
        sleep=lambda _seconds: None,
    )
    began, false, locked_out = shop.now, 0, 0
    for minute in range(120):
        shop.now = began + timedelta(minutes=minute)
        shop.logins = [next(tokens)]
        published.clear()
        try:
            canary.run(shop.now, Deadline.after(30))
        except Blind:
            published.append("the canary is blind")
        if minute >= 60:
            false += bool(published)
            locked_out += not can_check(shop)
    counts = [sum(at <= other < at + timedelta(minutes=WINDOW) for other in shop.asked) for at in set(shop.asked)]
    return Hour(max(counts), false, locked_out)


def can_check(shop: LimitedShop) -> bool:
    """Whether a check half a minute later, which leaves no trace, would see that all is healthy."""
    harness = Harness()
    copy = LimitedShop(limiters=deepcopy(shop.limiters), now=shop.now + timedelta(seconds=30))
    remediator = replace(harness.remediator, shop=copy, sleep=lambda _seconds: None)
    (result,) = remediator.handle(alarm(), "r-1", Deadline.after(100))
    return result.outcome is Outcome.ALREADY_HEALTHY


def rows() -> Iterator[str]:
    for name, limits in SHOPS.items():
        hour = an_hour(name)
        left = str(limits[0].most - hour.requests) if limits and limits[0].counts == "all" else "-"
        yield f"| {name} | {hour.false} | {hour.locked_out} | {left} |"


@pytest.mark.parametrize("name", list(SHOPS))
def test_canary_cries_no_wolf_and_locks_no_check_out_but_where_five_logins_and_logouts_are_all(name: str) -> None:
    hour = an_hour(name)

    assert hour.false == 0
    assert hour.locked_out == 0 or name == "5 to log in or out"


@pytest.mark.parametrize(("minutes", "requests"), [(5, 80), (1, 92), (60, 78)])
def test_requests_of_a_window_are_five_a_minute_its_orders_a_login_and_a_logout(minutes: int, requests: int) -> None:
    assert an_hour("none", minutes).requests == requests


@pytest.mark.parametrize("row", list(rows()))
def test_wiring_tells_the_table_as_it_is(row: str) -> None:
    assert row in (ROOT / "docs/wiring.md").read_text()
