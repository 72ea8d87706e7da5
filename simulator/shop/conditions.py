"""What resembles chaos and isn't, and what a game day makes worse: one row each."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

REPORT: Final = "/api/support/{key}/report/{code}"  # of the factory of 2026; other years' had others


@dataclass(frozen=True, slots=True)
class Condition:
    """How the shop departs from its healthy self; `about` says it in words."""

    about: str
    # observed; none of them carries a report link
    factory_down: bool = False
    factory_text: str | None = None  # the factory answers everything with this text
    wrong_key: bool = False
    practice_chaos: bool = False
    database_down: bool = False
    factory_database_down: bool = False
    cookie_login: bool = False
    reinitiated: bool = False
    html_page: bool = False
    # invented for game days
    refused: bool = False
    two_links: bool = False
    lost_answer: bool = False
    stale_once: bool = False
    busy_once: bool = False
    flapping: bool = False
    unfixable: bool = False
    ended_by_others: bool = False
    menu_down: bool = False
    menu_chaos: bool = False
    hostile: bool = False
    limited: tuple[int, float] | None = None  # every request: what Retry-After says, and for how many seconds


NORMAL = Condition("nothing is out of the ordinary")
_PAGE = "<!DOCTYPE html><title>Maintenance</title>"

CONDITIONS = {
    "factory-down": Condition("the factory drops every connection", factory_down=True),
    "factory-html": Condition("the factory answers an HTML page", factory_text=_PAGE),
    "factory-empty": Condition("the factory answers with nothing", factory_text=""),
    "factory-badkey": Condition("the factory refuses the service's key", wrong_key=True),
    "practice": Condition("about half of the orders fail by exercise", practice_chaos=True),
    "db-down": Condition("the service has lost its database", database_down=True),
    "factory-db-down": Condition("the factory has lost its database", factory_database_down=True),
    "cookie-login": Condition("a login sets a cookie, and gives no token", cookie_login=True),
    "html": Condition("the service answers a 503 page to everything", html_page=True),
    "no-link": Condition("every order is refused at once, without a link", refused=True),
    "two-links": Condition("with chaos: a second, wrong link in the body", two_links=True),
    "lost-answer": Condition("the report takes effect, its answer is lost", lost_answer=True),
    "stale-link": Condition("with chaos: the first code reported is stale", stale_once=True),
    "busy-report": Condition("with chaos: the first report is answered 503, and changes nothing", busy_once=True),
    "flapping": Condition("with chaos: every second order is good", flapping=True),
    "ended-by-others": Condition("with chaos: somebody ends it before the report comes", ended_by_others=True),
    "re-initiated": Condition("with chaos: it is put off to the next day before the report comes", reinitiated=True),
    "limited": Condition("every request is refused with a 429, which says 611 s", limited=(611, math.inf)),
    "limited-briefly": Condition("for 3 s every request is refused with a 429, which says so", limited=(3, 3.0)),
    "menu-down": Condition("the menu fails, without a link", menu_down=True),
    "menu-chaos": Condition("with chaos: the menu fails with the link, and orders are good", menu_chaos=True),
    "hostile": Condition("with chaos: the body is written to hang, mislead and leak", hostile=True),
    "unfixable": Condition("with chaos: a report resolves nothing", unfixable=True),
}


@dataclass(slots=True)
class ActiveCondition:
    """The condition in which both servers are now, and what they have to remember of it."""

    name: str | None = None
    condition: Condition = NORMAL
    code_is_fresh: bool = True
    is_busy: bool = False
    last_order_failed: bool = False
    clock: Callable[[], float] = time.monotonic
    since: float = 0.0

    def set(self, name: str | None) -> None:
        """Take on a condition of the table, or none. Raises KeyError for a name that isn't in it."""
        self.condition = NORMAL if name is None else CONDITIONS[name]
        self.name = name
        self.code_is_fresh = not self.condition.stale_once
        self.is_busy = self.condition.busy_once
        self.last_order_failed = False
        self.since = self.clock()

    @property
    def seconds_to_wait(self) -> int:
        """What a request is told that the condition refuses; 0 if it doesn't."""
        wait, lasts = self.condition.limited or (0, 0.0)
        return wait if self.clock() - self.since < lasts else 0
