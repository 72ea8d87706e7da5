"""What a failure without a report link most likely is: a pure function, and the tables it reads.

The words are those of the service of 2025-10-14, of its public forks, of Node and MySQL, and of gateways.
"""

import re
from collections.abc import Container, Iterator
from math import inf
from typing import Final

from remediator.sample import Sample

# Where an answer says what failed: texts, or objects and lists that have such texts in them.
NAMES: Final = ("message", "error", "upstreamMessage", "statusText", "details", "errors", "code", "msg", "stack")
MOST_TEXT: Final = 2_000  # characters of them that are looked through

ANY, REFUSED, BROKEN = range(400, 600), range(400, 500), (502, 503, 504, *range(520, 531))
EVER, SLOWLY = (0.0, inf), (20.0, inf)  # seconds; the factory takes 32 to refuse an order of 0 or more than 20 items
AT_GATEWAY: Final = (28.0, 32.0)  # a gateway gives up after 29 or 30, a throttled order takes 32.05
UNTIL_THEN: Final = (0.0, 32.0)

WITH_FACTORY: Final = r"\A(?=.*factory).*"
LOST: Final = "ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|UNREACH|AggregateError"  # a connection Node can't make or keep
TIME_OUT: Final = r"\btime.?d?.?out"
SILENT: Final = rf"\A<?\Z|{TIME_OUT}|Service Unavailable"  # a gateway's page, or its words
CUT_OFF: Final = "a throttled order, which takes 32 s, cut off by a gateway that waits for less"
SEE_ORDER: Final = ": see the setting Order"

Row = tuple[Container[int], str, tuple[float, float], str]

# By status, words and seconds: the first row that fits. The words are found in any case, and never shown.
ROWS: Final[tuple[Row, ...]] = (
    ((408,), "", EVER, "the shop's own time-out on the factory"),
    (ANY, r"\AChaos monkey", EVER, "the service's own practice chaos"),
    (ANY, f"{WITH_FACTORY}chaos", EVER, "the factory is in chaos, and the service passes no report link on"),
    (ANY, "certificate|CERT_|_CERT|LEAF_SIGNATURE", EVER, "the service doesn't accept a certificate of what it calls"),
    (ANY, r"Access denied for user|Unknown database|Table .*doesn't exist|Too many connections|\b(?-i:ER_)", EVER,
     "the service's database refuses it: its user, its tables, or too many connections"),
    (ANY, f"fetch failed|socket hang up|{WITH_FACTORY}(?:{LOST}|contact|reach|connect)", EVER,
     "the service can't reach the factory"),
    (ANY, f"operation was aborted|{WITH_FACTORY}{TIME_OUT}", EVER,
     "the factory didn't answer the service in time, as with a throttled order"),
    (ANY, f"{LOST}|Connection lost|closed state|database", EVER, "the service can't reach its database"),
    (ANY, "Unexpected token", EVER, "the factory answers the service with something that is no JSON"),
    (ANY, "Unexpected end of JSON input", EVER, "the factory answers the service with nothing"),
    (ANY, "Failed to fulfill order", SLOWLY, f"the factory refuses the order's size{SEE_ORDER}"),
    (ANY, f"{WITH_FACTORY}(?:unauthori[sz]ed|forbidden|key)", EVER, "the factory refuses the service's key"),
    (ANY, f"{WITH_FACTORY}(?:server error|bad gateway|unavailable|code 5)", EVER, "the factory itself fails"),
    (ANY, "Failed to fulfill order", EVER, "the factory refuses the order, or the service's key"),
    (BROKEN, "", EVER, "a gateway gets no usable answer from the service: is it running?"),
    ((403,), "", EVER, "the shop, or a firewall before it, refuses us"),
)  # fmt: skip

# Those that only an order shows; they come first.
OF_ORDERS: Final[tuple[Row, ...]] = (
    ((504,), "", AT_GATEWAY, f"most likely {CUT_OFF}"),
    (BROKEN, SILENT, AT_GATEWAY, f"most likely {CUT_OFF}"),
    (ANY, "Endpoint request timed out", UNTIL_THEN, f"most likely {CUT_OFF}"),
    ((504,), SILENT, UNTIL_THEN, f"perhaps {CUT_OFF}"),
    (
        ANY,
        r"Bind parameters|not iterable|\A(?=.*franchise)(?=.*store).*items",
        EVER,
        f"the order lacks something{SEE_ORDER}",
    ),
    (ANY, r"column 'price'|\A(?=.*price).*number", EVER, f"the order's price is no number{SEE_ORDER}"),
    (REFUSED, "price", EVER, f"the shop takes no such price{SEE_ORDER}"),
    (ANY, "No ID found", EVER, f"the menu has no such pizza{SEE_ORDER}"),
    (REFUSED, "menu|description", EVER, f"the menu has no such pizza{SEE_ORDER}"),
    (REFUSED, "store(?!d)", EVER, f"the shop has no such store{SEE_ORDER}"),
    (REFUSED, "franchise", EVER, f"the shop has no such franchise{SEE_ORDER}"),
    (REFUSED, "item|pizzas|empty|invalid order", EVER, f"the order has no items, too many, or faulty ones{SEE_ORDER}"),
    ((400, 422), r"\A(?!<)", EVER, f"the shop can't read the order{SEE_ORDER}"),
)


def read_hint(answer: Sample, *, is_order: bool) -> str:
    """In words of ours, what most likely failed; empty if no row fits."""
    body = answer.json
    said = "\n".join(_texts(answer.body[:MOST_TEXT].decode("utf-8", "replace") if body is None else body))[:MOST_TEXT]
    for statuses, words, (least, most), hint in (*OF_ORDERS, *ROWS) if is_order else ROWS:
        if answer.status in statuses and least <= answer.elapsed < most and re.search(words, said, re.I | re.S):
            return hint
    return ""


def _texts(value: object, depth: int = 3) -> Iterator[str]:
    """First lines of the texts under `NAMES`; of a page of HTML no more than that it is one."""
    if isinstance(value, str):
        yield "<" if value.lstrip().startswith("<") else value.partition("\n")[0][:500]
    elif depth and isinstance(value, dict | list):
        for each in value[:3] if isinstance(value, list) else map(value.get, NAMES):
            yield from _texts(each, depth - 1)
