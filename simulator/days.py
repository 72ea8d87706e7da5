"""The game days: one row each."""

import json
from dataclasses import dataclass
from typing import Final

from remediator.outcome import Outcome

VEGGIE = {"menuId": 1, "description": "Veggie", "price": 0.0038}


@dataclass(frozen=True, slots=True)
class GameDay:
    """What is done to the shop, how it has to end, and how many report calls that may take at most.

    `chaos` is the factory's, `condition` a row of the shop's conditions. `pizzas` is the size of the order that
    samples place; `password` replaces the diner's right one. Without `diners` nobody orders until it is over,
    and only the canary notices. `at_first` is the condition until the first remediation has failed.
    """

    name: str
    about: str
    chaos: str
    expected: tuple[Outcome, ...]
    calls: int = 0
    condition: str | None = None
    pizzas: int = 1
    password: str | None = None
    diners: bool = True
    at_first: str | None = None

    @property
    def remediations(self) -> int:
        """How many remediations it takes."""
        return 2 if self.at_first else 1

    @property
    def only_ours(self) -> bool:
        """Whether no diner notices, so that the alarm has to be sent by hand."""
        return self.chaos == "off" and self.condition is None

    @property
    def is_set_wrong(self) -> bool:
        """Whether a setting is wrong, so that not even a healthy shop looks healthy."""
        return self.password is not None or self.pizzas != 1

    @property
    def order(self) -> str:
        """The template's parameter `Order`."""
        items = [VEGGIE] * self.pizzas
        return json.dumps({"franchiseId": 1, "storeId": 1, "items": items}, separators=(",", ":"))


HEALED, UNRESOLVED, BLOCKED = (Outcome.HEALED,), (Outcome.UNRESOLVED,), (Outcome.BLOCKED,)
NO_LINK, NO_ACCESS, UNREACHABLE = (Outcome.NO_LINK,), (Outcome.NO_ACCESS,), (Outcome.UNREACHABLE,)
# Practice chaos fails about half of the orders: now and then both samples are good.
BY_CHANCE = (Outcome.NO_LINK, Outcome.ALREADY_HEALTHY)

ROWS: Final = (
    GameDay("fail", "every order is a 500 with a report link", "fail", HEALED, 1),
    GameDay("badjwt", "orders are 200s whose JWT doesn't verify, with a link", "badjwt", HEALED, 1),
    GameDay("throttle", "orders are 200s after 32 s, with a link", "throttle", HEALED, 1),
    GameDay("stale-link", "the first code is stale, a fresh order shows a fresh one", "fail", HEALED, 2, "stale-link"),
    GameDay("lost-answer", "the report takes effect, its answer is lost", "fail", HEALED, 1, "lost-answer"),
    GameDay("unfixable", "the report is answered, and orders still fail", "fail", UNRESOLVED, 1, "unfixable"),
    GameDay("flapping", "every second order is good", "fail", UNRESOLVED, 0, "flapping"),
    GameDay("two-links", "the body holds two different links", "fail", BLOCKED, 0, "two-links"),
    GameDay("no-link", "every order is a 500 without a link", "off", NO_LINK, 0, "no-link"),
    GameDay("practice", "half of the orders fail by exercise, without a link", "off", BY_CHANCE, 0, "practice"),
    GameDay("factory-down", "the service can't reach the factory", "off", NO_LINK, 0, "factory-down"),
    GameDay("factory-html", "the factory answers the service with HTML", "off", NO_LINK, 0, "factory-html"),
    GameDay("oversized", "our own order has 22 pizzas", "off", NO_LINK, 0, pizzas=22),
    GameDay("db-down", "the service has lost its database", "off", NO_ACCESS, 0, "db-down"),
    GameDay("wrong-password", "orders fail, and our password is wrong", "fail", NO_ACCESS, 0, password="not-it"),  # noqa: S106 - invented
    GameDay("html", "a page answers in the shop's place", "off", UNREACHABLE, 0, "html"),
    GameDay("nobody-orders", "orders would fail, nobody orders: the canary notices", "fail", HEALED, 1, diners=False),
    GameDay("canary-again", "the first remediation meets a page, the canary's next run brings the next", "fail", HEALED,
            1, diners=False, at_first="html"),
)  # fmt: skip
DAYS: Final = {day.name: day for day in ROWS}
