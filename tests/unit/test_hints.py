"""What most likely failed, read off an answer without a report link: kind by kind, as forks and gateways answer."""

import json

import pytest

from remediator.diagnosis import Symptom, diagnose
from remediator.endpoints import ENDPOINTS, ORDER
from remediator.hints import MOST_TEXT, NAMES, OF_ORDERS, ROWS
from remediator.sample import Sample
from tests.support.builders import BEGAN, PASSWORD, answer
from tests.support.work import growth

REFUSED = "Failed to fulfill order at factory"
PAGE = "<html>\n<head><title>504 Gateway Time-out</title></head><body>a menu of items</body></html>"
KEEP_OUT = f"connect to the factory with {PASSWORD}"

BESIDE_THE_MESSAGE = [
    (502, {"message": "Could not contact the pizza factory", "upstreamMessage": "fetch failed"}, "reach the factory"),
    (502, {"message": "Failed to contact factory", "upstreamMessage": "connect ECONNREFUSED"}, "reach the factory"),
    (500, {"message": REFUSED, "error": {"message": "fetch failed"}}, "can't reach the factory"),
    (500, {"message": REFUSED, "error": {"error": {"message": "getaddrinfo ENOTFOUND f"}}}, "can't reach the factory"),
    (500, {"error": "socket hang up"}, "can't reach the factory"),
    (500, {"message": REFUSED, "error": "The operation was aborted due to timeout"}, "in time, as with a throttled"),
    (500, {"message": "Factory error", "statusText": "Gateway Timeout"}, "in time, as with a throttled"),
    (500, {"message": REFUSED, "statusText": "Unauthorized"}, "refuses the service's key"),
    (500, {"message": REFUSED, "statusText": "Internal Server Error"}, "the factory itself fails"),
    (500, {"message": f"{REFUSED}: chaos monkey"}, "in chaos, and the service passes no report link on"),
    (500, {"message": "fetch failed", "error": {"code": "CERT_HAS_EXPIRED"}}, "certificate"),
    (500, {"message": "connect ETIMEDOUT"}, "can't reach its database"),
    (500, {"message": "getaddrinfo ENOTFOUND db.test"}, "can't reach its database"),
    (500, {"message": "", "stack": "AggregateError [ECONNREFUSED]:\n at factory"}, "can't reach its database"),
    (500, {"error": {"code": "ER_ACCESS_DENIED_ERROR"}}, "database refuses it"),
    (500, {"message": "Access denied for user 'x'@'y'"}, "database refuses it"),
    (500, {"message": "Too many connections"}, "too many connections"),
    (500, {"errors": [{"msg": "fetch failed"}]}, "can't reach the factory"),
    (403, {"message": "Forbidden"}, "firewall"),
]  # fmt: skip
OF_A_GATEWAY = [
    (504, PAGE, 29.07, "most likely a throttled order"),
    (504, "upstream request timeout", 29.3, "most likely a throttled order"),
    (504, {"message": "Endpoint request timed out"}, 0.0, "most likely a throttled order"),
    (504, {"message": "Endpoint request timed out"}, 29.01, "most likely a throttled order"),
    (504, {"message": "factory"}, 28.0, "most likely a throttled order"),
    (503, {"message": "Service Unavailable"}, 30.02, "most likely a throttled order"),
    (504, PAGE, 0.0, "perhaps a throttled order"),
    (504, PAGE, 60.1, "a gateway gets no usable answer"),
    (504, {"message": "fetch failed"}, 0.02, "can't reach the factory"),
    (503, {"message": "Service Unavailable"}, 32.0, "a gateway gets no usable answer"),
    *((status, PAGE, 0.02, "a gateway gets no usable answer") for status in (502, 503, 520, 521, 530)),
    (502, {"message": "fetch failed"}, 29.5, "can't reach the factory"),
]
OF_THE_ORDER = [
    *((text, "no items") for text in ("invalid order", "Order must have at least one item", "Cart is empty")),
    *((text, "too many") for text in ("We are sorry! Only 10 pizzas per order!", "Invalid order items")),
    *((text, "price is no number") for text in ("items[0].price must be a number", "Bad value for column 'price'")),
    *((text, "no such price") for text in ("Invalid menu item price", "Price mismatch")),
    *(
        (text, "no such pizza")
        for text in ("Item 99 not on menu", "INVALID MENU ITEM", "invalid menuId", "No ID found")
    ),
    *((text, "no such store") for text in ("Invalid Store ID for this Franchise", "storeId does not exist")),
    *((text, "no such franchise") for text in ("Invalid franchise", "unknown franchiseId")),
    *((text, "lacks something") for text in ("franchiseId, storeId and items are required", "x is not iterable")),
    *((text, "can't read") for text in ("Unexpected end of JSON input", "", "your request could not be restored")),
]


def shown(status: int, body: object, elapsed: float = 0.02, endpoint: str = ORDER) -> tuple[Symptom, str]:
    sample = Sample(BEGAN, elapsed, status, body.encode()) if isinstance(body, str) else answer(status, body, elapsed)
    found = diagnose([sample], {}, endpoint=ENDPOINTS[endpoint])
    return found.symptom, found.evidence


@pytest.mark.parametrize(("status", "body", "hint"), BESIDE_THE_MESSAGE)
def test_the_cause_beside_the_message_is_hinted_at(status: int, body: object, hint: str) -> None:
    symptom, evidence = shown(status, body)

    assert symptom is Symptom.NO_LINK
    assert hint in evidence


@pytest.mark.parametrize(("status", "body", "elapsed", "hint"), OF_A_GATEWAY)
def test_an_answer_of_a_gateway_is_hinted_at_also_if_it_is_a_page(
    status: int, body: object, elapsed: float, hint: str
) -> None:
    symptom, evidence = shown(status, body, elapsed)

    assert symptom is (Symptom.UNREACHABLE if isinstance(body, str) else Symptom.NO_LINK)
    assert hint in evidence


@pytest.mark.parametrize(("text", "hint"), OF_THE_ORDER)
def test_a_fault_of_the_order_names_the_setting_and_what_is_wrong_in_it(text: str, hint: str) -> None:
    for body in ({"message": text}, {"error": {"message": text.upper()}}):
        evidence = shown(400, body)[1]
        assert hint in evidence
        assert "see the setting Order" in evidence


@pytest.mark.parametrize("body", ["invalid franchise", '"invalid franchise"', {"message": "franchise not found"}])
def test_a_fault_of_the_order_is_seen_in_plain_text_and_at_404_too(body: object) -> None:
    symptom, evidence = shown(404, body)

    assert symptom is Symptom.UNREACHABLE
    assert "no such franchise: see the setting Order" in evidence


@pytest.mark.parametrize(
    ("status", "body"), [(400, PAGE), (404, PAGE), (404, {"message": "unknown endpoint"}), (500, PAGE), (302, "store")]
)
def test_a_page_that_says_no_more_is_not_explained(status: int, body: object) -> None:
    assert shown(status, body)[1].endswith(", what the shop doesn't answer")


def test_what_only_an_order_shows_is_never_said_of_another_endpoint() -> None:
    for status, body, elapsed, _ in OF_A_GATEWAY:
        assert "throttled" not in shown(status, body, elapsed, "menu")[1]
    for text, _ in OF_THE_ORDER:
        assert "Order" not in shown(400, {"message": text}, endpoint="menu")[1]


def test_every_row_is_the_first_that_fits_an_answer() -> None:
    told = [shown(500, {"message": text}, took)[1] for text in (REFUSED, "Chaos monkey") for took in (0.02, 32.1)]
    told += [shown(500, {"message": f"Unexpected {what}"})[1] for what in ("token '<'", "end of JSON input")]
    told += [shown(408, {})[1], *(shown(400, {"message": text})[1] for text, _ in OF_THE_ORDER)]
    told += [shown(*case[:2])[1] for case in BESIDE_THE_MESSAGE] + [shown(*case[:3])[1] for case in OF_A_GATEWAY]

    assert [row for row in (*ROWS, *OF_ORDERS) if not any(text.endswith(row[3]) for text in told)] == []


@pytest.mark.parametrize("status", [400, 403, 404, 408, 422, 500, 502, 503, 504, 521])
def test_no_evidence_shows_what_an_answer_says(status: int) -> None:
    for body in (KEEP_OUT, *({name: KEEP_OUT} for name in NAMES), *({name: {"message": KEEP_OUT}} for name in NAMES)):
        assert PASSWORD not in shown(status, body)[1]


@pytest.mark.parametrize("start", ['{"message":"', '{"error":[', '{"error":{"message":', ""])
def test_looking_for_a_hint_is_bounded(start: str) -> None:
    assert growth(lambda text: shown(500, json.dumps({"message": [text] * 9})), start, "a franchise store ") <= 10
    assert growth(lambda text: shown(500, text), start, '{"error":') <= 10
    assert shown(400, {"message": "x" * MOST_TEXT + " franchise"}) == shown(400, {"message": "x"})
