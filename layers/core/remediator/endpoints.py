"""The shop's endpoints that are sampled and probed: one row each. An alarm may name a row, never a path."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

ORDER, CANARY_LOGIN = "order", "canary login"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row. `fails`: said of it in a notification. `asked`: by a GET of `path`, an order, or the canary's login."""

    name: str
    fails: str
    asked: Literal["get", "order", "login"] = "get"
    path: str = ""
    needs_token: bool = False


# The contract page's "Endpoints that are safe to probe"; of the GETs none touches the factory: only an order shows
# chaos. The order comes first: it is what the shop is for.
ROWS: Final = (
    Endpoint(ORDER, "orders fail", "order", needs_token=True),
    Endpoint(CANARY_LOGIN, "the canary's login fails", "login"),
    Endpoint("process", "the service fails", path="/"),  # the process is up
    Endpoint("menu", "the menu fails", path="/api/order/menu"),  # the database answers
    Endpoint("franchises", "the franchises fail", path="/api/franchise"),  # and by another table
    Endpoint("diner", "the diner's account fails", path="/api/user/me", needs_token=True),  # tokens are known
    Endpoint("orders", "the list of orders fails", path="/api/order", needs_token=True),  # a diner's orders can be read
)
ENDPOINTS: Final = {row.name: row for row in ROWS}
PROBES: Final = tuple(row.name for row in ROWS if row.asked == "get")

# The names that the canary's alarms bear, by endpoint and by whether it offers a report link.
ALARMS: Final = {
    (name, offers): f"canary: {name.removeprefix('canary ')}{', with a report link' if offers else ''}"
    for name in ENDPOINTS
    for offers in (False, True)
}
NAMED_BY: Final = {alarm: row for row, alarm in ALARMS.items()}


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The names without repeats, in the order of the table."""
    wanted = set(names)
    return tuple(name for name in ENDPOINTS if name in wanted)
