"""The game days: one row each."""

import json
from dataclasses import dataclass
from typing import Final

from remediator.outcome import Outcome
from remediator.state import Mode
from simulator.shop.conditions import REPORT

VEGGIE = {"menuId": 1, "description": "Veggie", "price": 0.0038}


@dataclass(frozen=True, slots=True)
class Stage:
    """What the shop is like from now on: `chaos` is the factory's, `condition` a row of the shop's conditions."""

    chaos: str = "off"
    condition: str | None = None


BACK: Final = Stage()


@dataclass(frozen=True, slots=True)
class GameDay:
    """What is done to the shop, how it has to end, and how many report calls that may take at most.

    `then`: the stages after the first, each of which begins when the check before is over. `pizzas` is the size of the
    order that samples place; `password` and `canary_password` replace the right ones. Without `diners` nobody orders,
    and only the canary notices. `report`: the path and query of the factory's report links, whose key is `key_length`
    long. `reports`: how the first lines of the notifications begin, if all of them are known.
    """

    name: str
    about: str
    first: Stage
    expected: tuple[Outcome, ...]
    calls: int = 0
    then: tuple[Stage, ...] = ()
    pizzas: int = 1
    password: str | None = None
    canary_password: str | None = None
    mode: Mode = "act"
    diners: bool = True
    report: str = REPORT
    key_length: int = 32
    reports: tuple[str, ...] | None = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        return (self.first, *self.then)

    @property
    def is_hostile(self) -> bool:
        """Whether the alarm is written by a stranger, too."""
        return self.first.condition == "hostile"

    @property
    def only_ours(self) -> bool:
        """Whether no diner notices, so that the alarm has to be sent by hand."""
        return self.first == BACK and self.diners

    @property
    def is_set_wrong(self) -> bool:
        """Whether a setting is wrong, so that not even a healthy shop looks healthy."""
        return bool(self.password or self.canary_password) or self.pizzas != 1

    @property
    def order(self) -> str:
        """The template's parameter `Order`."""
        items = [VEGGIE] * self.pizzas
        return json.dumps({"franchiseId": 1, "storeId": 1, "items": items}, separators=(",", ":"))


HEALED, UNRESOLVED, BLOCKED = (Outcome.HEALED,), (Outcome.UNRESOLVED,), (Outcome.BLOCKED,)
NO_LINK, NO_ACCESS, UNREACHABLE = (Outcome.NO_LINK,), (Outcome.NO_ACCESS,), (Outcome.UNREACHABLE,)
RATE_LIMITED = (Outcome.RATE_LIMITED,)
OBSERVED, ALREADY_HEALTHY = (Outcome.OBSERVED,), (Outcome.ALREADY_HEALTHY,)
# Practice chaos fails about half of the orders: now and then both samples are good.
BY_CHANCE = (Outcome.NO_LINK, Outcome.ALREADY_HEALTHY)
FAIL, DB_DOWN = Stage("fail"), Stage("off", "db-down")

ROWS: Final = (
    GameDay("fail", "every order is a 500 with a report link", FAIL, HEALED, 1),
    GameDay("badjwt", "orders are 200s whose JWT doesn't verify, with a link", Stage("badjwt"), HEALED, 1),
    GameDay("throttle", "orders are 200s after 32 s, with a link", Stage("throttle"), HEALED, 1),
    GameDay("stale-link", "the first code is stale, a fresh order shows a fresh one", Stage("fail", "stale-link"),
            HEALED, 2),
    GameDay("lost-answer", "the report takes effect, its answer is lost", Stage("fail", "lost-answer"), HEALED, 1),
    GameDay("busy-report", "the report is answered 503 at first", Stage("fail", "busy-report"), HEALED, 2),
    GameDay("unfixable", "the report is answered, and orders still fail", Stage("fail", "unfixable"), UNRESOLVED, 1),
    GameDay("flapping", "every second order is good", Stage("fail", "flapping"), UNRESOLVED),
    GameDay("two-links", "the body holds two different links", Stage("fail", "two-links"), BLOCKED),
    GameDay("no-link", "every order is a 500 without a link", Stage("off", "no-link"), NO_LINK),
    GameDay("practice", "half of the orders fail by exercise, without a link", Stage("off", "practice"), BY_CHANCE),
    GameDay("factory-down", "the service can't reach the factory", Stage("off", "factory-down"), NO_LINK),
    GameDay("factory-html", "the factory answers the service with HTML", Stage("off", "factory-html"), NO_LINK),
    GameDay("oversized", "our own order has 22 pizzas", BACK, NO_LINK, pizzas=22),
    GameDay("db-down", "the service has lost its database", DB_DOWN, NO_ACCESS),
    GameDay("wrong-password", "orders fail, and our password is wrong", FAIL, NO_ACCESS, password="not-it"),  # noqa: S106 - invented
    GameDay("html", "a page answers in the shop's place", Stage("off", "html"), UNREACHABLE),
    GameDay("nobody-orders", "orders would fail, nobody orders: the canary notices", FAIL, HEALED, 1, diners=False),
    GameDay("canary-again", "the first remediation meets a page, the canary's next run brings the next",
            Stage("fail", "html"), HEALED, 1, (FAIL,), diners=False),
    GameDay("second-outage", "the database is lost, comes back by itself, and is lost again", DB_DOWN, NO_ACCESS,
            then=(BACK, DB_DOWN), diners=False, reports=("NO_ACCESS:", "ALREADY_HEALTHY after ", "NO_ACCESS:")),
    GameDay("observe-twice", "mode is observe; orders fail, are good again, and fail again", FAIL, OBSERVED,
            then=(BACK, FAIL), mode="observe", diners=False,
            reports=("OBSERVED:", "ALREADY_HEALTHY after ", "OBSERVED:")),
    GameDay("endpoint-down", "the menu fails without a link, orders are good", Stage("off", "menu-down"), NO_LINK,
            diners=False, reports=("NO_LINK: the menu fails without a report link",)),
    GameDay("endpoint-chaos", "the menu fails with a link, orders are good", Stage("fail", "menu-chaos"), HEALED, 1,
            diners=False, reports=("HEALED after ",)),
    GameDay("canary-locked-out", "the canary's own password is wrong", BACK, NO_ACCESS,
            canary_password="not-it", diners=False, reports=("NO_ACCESS:",)),  # noqa: S106 - invented
    GameDay("ended-by-others", "somebody ends the chaos before our call", Stage("fail", "ended-by-others"),
            ALREADY_HEALTHY, 1, diners=False, reports=("ALREADY_HEALTHY after ",)),
    GameDay("re-initiated", "the chaos is put off to the next day before our call, whose code is stale then",
            Stage("fail", "re-initiated"), HEALED, 1, diners=False),
    GameDay("factory-db-down", "the factory has lost its database", Stage("off", "factory-db-down"), NO_LINK),
    GameDay("cookie-login", "orders fail, and a login sets a cookie alone, which isn't supported",
            Stage("fail", "cookie-login"), NO_ACCESS, reports=("NO_ACCESS:",)),
    GameDay("short-key", "the vendor's key has 16 letters and digits", FAIL, HEALED, 1, key_length=16),
    GameDay("links-of-2025", "the report link is a query, as it was in 2025", FAIL, HEALED, 1,
            report="/api/report?apiKey={key}&fixCode={code}"),
    GameDay("own-links", "the factory gives report links of a shape of its own", FAIL, HEALED, 1,
            report="/v2/errors/{code}.json/of-{key}/"),
    GameDay("limited", "the shop answers 429 to everything, for ten minutes and more", Stage("fail", "limited"),
            RATE_LIMITED, reports=("RATE_LIMITED:",)),
    GameDay("limited-briefly", "the shop answers 429 at first, for a few seconds", Stage("fail", "limited-briefly"),
            HEALED, 1),
    GameDay("hostile", "alarm and answer are written to hang, mislead and leak", Stage("fail", "hostile"), BLOCKED,
            reports=("BLOCKED:",)),
)  # fmt: skip
DAYS: Final = {day.name: day for day in ROWS}
