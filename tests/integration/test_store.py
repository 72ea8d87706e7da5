"""One contract of the store, over the in-memory adapter and over a DynamoDB engine."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from console.gameday.local_aws import LocalAws
from console.records import Records
from remediator.adapters.dynamodb import DynamoStore
from remediator.errors import StateError, UnreadableHead
from remediator.head import Change, Head, Wake, claim, close, release
from remediator.outcome import Ending, Event, Outcome
from remediator.ports import Store
from tests.memory import MemoryStore
from tests.scenes import BEGAN

KEEP = timedelta(days=400)
UNTIL = BEGAN + timedelta(seconds=125)


@pytest.fixture(scope="session")  # as the local AWS that keeps the table, in whatever order the tests come
def client(aws: LocalAws) -> Any:
    found = aws.client("dynamodb")
    found.create_table(
        TableName="contract",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    return found


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryStore()
    target = request.node.name
    return DynamoStore(request.getfixturevalue("client"), "contract", target, KEEP)


def opened(head: Head, run: str = "aaaa1111", owner: str = "r-1#0") -> Change:
    change = claim(head, Wake(owner, run, BEGAN, "OrdersFailing", "it fires"), BEGAN, UNTIL)
    assert isinstance(change, Change)
    return change


def closed(head: Head, began: Any = BEGAN) -> Change:
    change = close(head, "aaaa1111", BEGAN, began, "good", {"total": 1})
    assert isinstance(change, Change)
    return change


def test_target_never_seen_has_an_empty_head(store: Store) -> None:
    assert store.head() == Head()


def test_head_that_was_seen_may_be_old_and_can_not_be_written_over_then(client: Any) -> None:
    mine, theirs = (DynamoStore(client, "contract", "seen", KEEP) for _ in range(2))
    assert mine.seen() == Head()
    new = theirs.commit(theirs.seen(), opened(Head()))

    assert mine.seen() == Head()
    assert mine.commit(mine.seen(), opened(mine.seen(), "bbbb2222", "r-2#0")) is None
    assert mine.seen() == mine.head() == new


def test_committed_head_is_read_back_as_it_was_written(store: Store) -> None:
    new = store.commit(Head(), opened(Head()))

    assert new == opened(Head()).new
    assert store.head() == new


def test_second_commit_on_the_same_head_loses(store: Store) -> None:
    store.commit(Head(), opened(Head()))

    assert store.commit(Head(), opened(Head(), "bbbb2222", "r-2#0")) is None
    assert store.head() == opened(Head()).new


def test_commit_that_is_repeated_has_won_already(store: Store) -> None:
    change = opened(Head())
    store.commit(Head(), change)

    if isinstance(store, DynamoStore):  # a lost answer: the same write again, recognised by its hash
        assert store.commit(Head(), change) == change.new


def test_join_notes_the_newest_wake_for_the_owner_alone(store: Store) -> None:
    store.commit(Head(), opened(Head()))
    sent = BEGAN + timedelta(seconds=2)

    assert store.join("r-1#0", sent)
    assert store.join("r-1#0", BEGAN)
    assert not store.join("r-9#0", sent)
    assert store.head().last_wake == sent


def test_commit_keeps_the_wake_that_was_noted_meanwhile(store: Store) -> None:
    head = store.commit(Head(), opened(Head()))
    assert head
    store.join("r-1#0", BEGAN + timedelta(seconds=2))

    let_go = release(head, "aaaa1111", BEGAN, BEGAN + timedelta(seconds=2), Outcome.NO_LINK, "no link", {})

    assert isinstance(let_go, Change)
    assert store.commit(head, let_go)
    assert store.head().last_wake == BEGAN + timedelta(seconds=2)
    assert not store.join("r-1#0", BEGAN + timedelta(seconds=3))


def test_close_loses_to_a_wake_newer_than_its_sample(store: Store) -> None:
    head = store.commit(Head(), opened(Head()))
    assert head
    store.join("r-1#0", BEGAN + timedelta(seconds=2))

    assert store.commit(head, closed(head)) is None
    assert store.commit(head, closed(head, BEGAN + timedelta(seconds=2)))


def test_of_twenty_racing_commits_one_wins(store: Store) -> None:
    changes = [opened(Head(), f"{n:08x}", f"r-{n}#0") for n in range(20)]

    with ThreadPoolExecutor(8) as pool:
        won = [new for new in pool.map(lambda change: store.commit(Head(), change), changes) if new]

    assert len(won) == 1
    assert store.head() == won[0]


def test_log_and_summary_and_events_are_read_back_by_query(client: Any) -> None:
    store = DynamoStore(client, "contract", "records", KEEP)
    head = store.commit(Head(), opened(Head()))
    assert head
    store.commit(head, closed(head))
    store.record(Event(BEGAN, "r-1#0", "wake", ("OrdersFailing firing",), Ending(Outcome.HEALED, "good", "i")))

    records = Records(client, "contract", "records")

    assert [entry.kind for entry in records.log()] == ["opened", "closed"]
    assert [entry.hash for entry in records.log()][-1] == records.head().hash
    (summary,) = records.incidents()
    assert summary.outcome is Outcome.ALREADY_HEALTHY
    assert [event["outcome"] for event in records.events(BEGAN)] == ["HEALED"]


def test_events_before_and_after_midnight_are_read_together(client: Any) -> None:
    store, records = DynamoStore(client, "contract", "midnight", KEEP), Records(client, "contract", "midnight")
    late = BEGAN.replace(hour=23, minute=59, second=59)
    early = late + timedelta(seconds=2)
    for sent, outcome in ((late, Outcome.HEALED), (early, Outcome.JOINED)):
        store.record(Event(sent, "r-1#0", "wake", (), Ending(outcome, "why", None)))

    assert [event["outcome"] for event in records.events(late, early)] == ["HEALED", "JOINED"]
    assert [event["outcome"] for event in records.events(early, early)] == ["JOINED"]


def test_every_item_but_the_head_expires(client: Any) -> None:
    store = DynamoStore(client, "contract", "expiry", KEEP)
    store.commit(Head(), opened(Head()))
    items = client.query(
        TableName="contract", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "expiry"}}
    )["Items"]

    assert {item["sk"]["S"].split("#")[0]: "expires_at" in item for item in items} == {
        "HEAD": False,
        "INCIDENT": True,
        "LOG": True,
    }


def test_head_of_an_unknown_format_is_unreadable(client: Any) -> None:
    store = DynamoStore(client, "contract", "format", KEEP)
    store.commit(Head(), opened(Head()))
    client.update_item(
        TableName="contract",
        Key={"pk": {"S": "format"}, "sk": {"S": "HEAD"}},
        UpdateExpression="SET #f = :f",
        ExpressionAttributeNames={"#f": "format"},
        ExpressionAttributeValues={":f": {"N": "99"}},
    )

    with pytest.raises(UnreadableHead, match="format 99"):
        store.head()


def test_missing_table_is_named_and_nothing_of_the_request_shown(client: Any) -> None:
    with pytest.raises(StateError, match="ResourceNotFoundException"):
        DynamoStore(client, "nowhere", "x", KEEP).head()


def test_head_keeps_a_pause_and_a_mode(store: Store) -> None:
    change = opened(replace(Head(), mode="observe"))
    store.commit(Head(), change)

    assert store.head().mode == "observe"


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("LIMITED", "JOINED", "LIMITED"),
        ("UNRESOLVED", "JOINED", "JOINED"),
        ("UNRESOLVED", "HEALED", "HEALED"),
        ("JOINED", "HEALED", "HEALED"),
    ],
)
def test_record_of_an_event_is_not_hidden_by_a_twin_that_only_joined(
    store: Store, first: str, second: str, kept: str, request: pytest.FixtureRequest
) -> None:
    for outcome in (first, second):
        store.record(Event(BEGAN, "r-1#0", "wake", (), Ending(Outcome(outcome), "why", None)))

    if isinstance(store, MemoryStore):
        found = [event.ending.outcome for event in store.events.values()]
    else:
        records = Records(request.getfixturevalue("client"), "contract", request.node.name)
        found = [event["outcome"] for event in records.events(BEGAN)]
    assert found == [kept]
