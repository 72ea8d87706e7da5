"""The benchmarks' own arithmetic: chains of round trips, spreads, targets, and the stub table."""

import pytest

from benchmarks import figures
from benchmarks.figures import FORTY, LIMIT, MEMORY, US, WARM, Goal, Spread
from benchmarks.stubs import Request, RequestRecord, World


def record(what: str, began: float, ended: float, status: int = 200, *, fresh: bool = False) -> RequestRecord:
    return RequestRecord("shop", what, status, fresh, began, ended)


HEALING = [
    record("GetItem", 0, 5, fresh=True),
    record("PUT auth", 6, 10),
    record("GET jwks.json", 7, 13),
    record("POST order", 11, 20, 500),
    record("POST order", 12, 21, 500),
    record("GET report", 22, 30),
    record("TransactWriteItems", 31, 36),
    record("POST order", 31, 40),
    record("TransactWriteItems", 41, 45),
]


def test_a_chain_counts_what_began_after_an_answer_and_ends_with_the_verifying_order() -> None:
    found = figures.chain(reversed(HEALING))

    assert figures.shown(found) == (
        "GetItem* → GET jwks.json ∥ PUT auth → POST order ∥ POST order → GET report → POST order ∥ TransactWriteItems"
    )


def test_requests_that_wait_for_one_another_are_a_step_each() -> None:
    later = [*HEALING[:-2], record("UpdateItem", 37, 38), record("POST order", 39, 48)]

    assert len(figures.chain(later)) == 7


def test_a_healing_that_nothing_verified_is_counted_whole() -> None:
    assert len(figures.chain([record("PUT auth", 0, 1), record("POST order", 2, 3, 500)])) == 2
    assert figures.chain([]) == ()


def test_the_usual_chain_is_the_one_seen_most_often() -> None:
    assert figures.usual([(("a",),), (("b",),), (("b",),)]) == (("b",),)


def test_a_spread_holds_median_and_quartiles() -> None:
    assert figures.spread([5, 1, 3, 2, 4]) == Spread(median=3, lower=2, upper=4, least=1, most=5, runs=5)
    assert figures.spread([3.0]) == Spread(3.0, 3.0, 3.0, 3.0, 3.0, 1)


@pytest.mark.parametrize(
    ("found", "words"),
    [(1.15, "ok"), (0.9, "ok"), (1.38, "misses by 20%"), (None, "not measured: `../shared` isn't there")],
)
def test_a_verdict_says_by_how_much_a_target_is_missed(found: float | None, words: str) -> None:
    assert figures.verdict(found, 1.15) == words


def test_a_target_is_a_ratio_of_medians_or_a_median() -> None:
    values: figures.Values = {WARM: {US: [240, 250, 260], LIMIT: [200.0]}, MEMORY: {US: [60, 80]}}

    assert Goal(WARM, 1.15, LIMIT).found(values) == 1.25
    assert Goal(WARM, 0.85, FORTY).found(values) is None
    assert Goal(MEMORY, 70).found(values) == 70


def test_a_request_is_taken_from_a_connection_once_it_is_whole() -> None:
    sent = b"POST /api/order HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    buffer = bytearray(sent[:-1])

    assert Request.taken(buffer) is None
    buffer += sent[-1:] + b"GET"
    taken = Request.taken(buffer)
    assert taken is not None
    assert (taken.what, taken.body, bytes(buffer)) == ("POST order", b"{}", b"GET")


def update(seen: int | None, v: int) -> dict[str, object]:
    condition = "attribute_not_exists(pk)" if seen is None else "v = :seen"
    return {
        "Key": {"pk": {"S": "t"}, "sk": {"S": "HEAD"}},
        "UpdateExpression": "SET v = :v REMOVE #holder",
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {"#holder": "holder"},
        "ExpressionAttributeValues": {":v": {"N": str(v)}} | ({":seen": {"N": str(seen)}} if seen else {}),
    }


def test_the_stub_table_takes_only_what_is_written_over_the_state_as_it_is() -> None:
    world = World()

    taken = [world.written(update(seen, v)) for seen, v in [(None, 1), (None, 1), (1, 2), (1, 2), (2, 3)]]

    assert taken == [True, False, True, False, True]
    assert world.states["t"]["v"] == {"N": "3"}
