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
    samples place; `password` stands in for the diner's right one.
    """

    name: str
    about: str
    chaos: str
    expected: Outcome
    calls: int = 0
    condition: str | None = None
    pizzas: int = 1
    password: str | None = None

    @property
    def order(self) -> str:
        """The template's parameter `Order`."""
        return json.dumps({"franchiseId": 1, "storeId": 1, "items": [VEGGIE] * self.pizzas}, separators=(",", ":"))


ROWS: Final = (GameDay("fail", "every order is a 500 with a report link", "fail", Outcome.HEALED, 1),)
DAYS: Final = {day.name: day for day in ROWS}
