"""The game days: one row each."""

from dataclasses import dataclass
from typing import Final

from remediator.outcome import Outcome


@dataclass(frozen=True, slots=True)
class GameDay:
    """What is done to the shop, how it has to end, and how many report calls that may take at most."""

    name: str
    about: str
    chaos: str
    expected: Outcome
    calls: int


DAYS: Final = {
    day.name: day for day in (GameDay("fail", "every order is a 500 with a report link", "fail", Outcome.HEALED, 1),)
}
