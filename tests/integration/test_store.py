"""One contract of the store, asserted of the in-memory adapter and of DynamoDB's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from remediator import decisions, overrides
from remediator.adapters.dynamodb import DynamoStore
from remediator.audit import Entry
from remediator.errors import StateError, UnreadableState
from remediator.outcome import DeliveryRecord, Outcome, Result
from remediator.ports import Store
from remediator.state import FORMAT, Change, State, Summary
from remediator_cli.records import Records
from simulator.local_aws import LocalAws
from tests.support.builders import BEGAN, HOLDER, LATER, RUN, claim, create_table, finish, intend, trigger
from tests.support.fakes import MemoryStore

KEEP = timedelta(days=400)
SECOND = timedelta(seconds=1)
TABLE = "contract"


@dataclass(frozen=True)
class Kept:
    """A store, and what it keeps besides the state, as that is read back: the log, the summaries, the outcomes."""

    store: Store
    log: Callable[[], list[Entry]]
    incidents: Callable[[], list[Summary]]
    outcomes: Callable[[], list[str]]


@pytest.fixture(scope="session")  # as the local AWS that keeps the table, in whatever order the tests come
def client(aws: LocalAws) -> Any:
    found = aws.client("dynamodb")
    create_table(found, TABLE)
    return found


@pytest.fixture(params=["memory", "dynamodb"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        memory = MemoryStore()
        return Kept(
            memory,
            lambda: memory.log,
            lambda: [*memory.summaries.values()],
            lambda: [each.result.outcome for each in memory.records.values()],
        )
    client, target = request.getfixturevalue("client"), request.node.name
    store, records = DynamoStore(client, TABLE, target, KEEP), Records(client, TABLE, target)
    return Kept(store, records.log, records.incidents, lambda: [each["outcome"] for each in records.deliveries(BEGAN)])


@pytest.fixture
def store(kept: Kept) -> Store:
    return kept.store


def commit(store: Store, change: object) -> State:
    """Write a change of the state as it is."""
    assert isinstance(change, Change)
    written = store.commit(store.state(), change)
    assert written == change.new
    return written


def another(number: int = 2) -> Change:
    return claim(by=trigger(f"r-{number}#0", f"{number:08x}"))


def record(outcome: Outcome, holder: str = HOLDER) -> DeliveryRecord:
    return DeliveryRecord(BEGAN, holder, "trigger", ("OrdersFailing firing",), Result(outcome, "why", "i-1"))


def test_target_never_seen_has_an_empty_state(store: Store) -> None:
    assert store.state() == State()


def test_state_is_read_back_as_it_was_committed_whatever_is_in_it(kept: Kept) -> None:
    store = kept.store
    state = commit(store, overrides.pause(State(), BEGAN, "release 42", "ana", LATER))
    state = commit(store, overrides.set_mode(state, BEGAN, "act", "as ever", "ben"))
    state = commit(store, claim(state))
    state = commit(store, intend(state, now=LATER))
    state = commit(store, decisions.record_answer(state, RUN, LATER, {"says": "Pizza is bäck"}))
    assert store.state() == state
    state = commit(store, finish(state))

    assert store.state() == state
    assert (len(state.outbox), len(state.calls), state.pause is not None) == (1, 1, True)
    kinds = ["paused", "mode", "claimed", "opened", "intent", "answer", "finished"]
    assert [entry.kind for entry in kept.log()] == kinds
    assert [entry.v for entry in kept.log()] == list(range(1, 8))
    assert kept.log()[-1].hash == state.hash


def test_summary_is_replaced_by_the_later_one_of_its_incident(kept: Kept) -> None:
    failed = finish(commit(kept.store, claim()), Outcome.NO_LINK)
    state = commit(kept.store, failed)
    ended = finish(commit(kept.store, claim(state, now=LATER)), began=LATER)
    commit(kept.store, ended)

    assert isinstance(ended, Change)
    assert kept.incidents() == [ended.summary]


@pytest.mark.parametrize("repeated", [False, True])
def test_second_commit_on_the_same_state_loses_unless_it_repeats_the_first(kept: Kept, repeated: bool) -> None:
    first = commit(kept.store, claim())

    assert kept.store.commit(State(), claim() if repeated else another()) == (first if repeated else None)
    assert kept.store.state() == first
    assert len(kept.log()) == 1


def test_join_notes_the_newest_alarm_and_for_the_holder_alone(store: Store) -> None:
    commit(store, claim())

    assert store.join(HOLDER, BEGAN + 2 * SECOND)
    assert store.join(HOLDER, BEGAN)
    assert not store.join("r-9#0", BEGAN + 3 * SECOND)
    assert store.state().last_trigger == BEGAN + 2 * SECOND


def test_nobody_joins_a_target_never_seen_or_a_check_that_is_finished(store: Store) -> None:
    assert not store.join(HOLDER, BEGAN)
    commit(store, finish(commit(store, claim())))

    assert not store.join(HOLDER, BEGAN)
    assert store.state().last_trigger is None


def test_commit_keeps_the_alarm_that_was_noted_meanwhile(store: Store) -> None:
    state = commit(store, claim())
    store.join(HOLDER, BEGAN + 2 * SECOND)

    assert store.commit(state, overrides.pause(state, BEGAN, "release", "ana", None))
    assert store.state().last_trigger == BEGAN + 2 * SECOND
    assert store.join(HOLDER, BEGAN + 3 * SECOND)
    assert store.state().last_trigger == BEGAN + 3 * SECOND


@pytest.mark.parametrize(("sent", "gives_way", "written"), [(2, True, True), (2.1, True, False), (2.1, False, True)])
def test_finish_loses_to_an_alarm_newer_than_its_check_unless_lambda_tries_it_again(
    store: Store, sent: float, gives_way: bool, written: bool
) -> None:
    state = commit(store, claim())
    store.join(HOLDER, BEGAN + sent * SECOND)

    change = finish(state, Outcome.UNRESOLVED, began=BEGAN + 2 * SECOND, gives_way=gives_way)

    assert isinstance(change, Change)
    assert (store.commit(state, change) is not None) is written


def test_of_twenty_racing_commits_one_wins(kept: Kept) -> None:
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: kept.store.commit(State(), another(number)), range(20)))

    (won,) = [state for state in written if state]
    assert kept.store.state() == won
    assert [entry.hash for entry in kept.log()] == [won.hash]


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        (Outcome.LIMITED, Outcome.JOINED, Outcome.LIMITED),
        (Outcome.UNRESOLVED, Outcome.JOINED, Outcome.JOINED),
        (Outcome.UNRESOLVED, Outcome.HEALED, Outcome.HEALED),
        (Outcome.JOINED, Outcome.HEALED, Outcome.HEALED),
    ],
)
def test_record_of_a_delivery_is_not_hidden_by_a_twin_that_only_joined(
    kept: Kept, first: Outcome, second: Outcome, stays: Outcome
) -> None:
    for outcome in (first, second):
        kept.store.record(record(outcome))
    kept.store.record(record(Outcome.REFUSED, "r-2#0"))

    assert kept.outcomes() == [stays, Outcome.REFUSED]


def test_deliveries_before_and_after_midnight_are_read_together(client: Any) -> None:
    store, records = DynamoStore(client, TABLE, "midnight", KEEP), Records(client, TABLE, "midnight")
    late = BEGAN.replace(hour=23, minute=59, second=59)
    early = late + 2 * SECOND
    store.record(replace(record(Outcome.HEALED), sent=late))
    store.record(replace(record(Outcome.JOINED), sent=early))

    assert [each["outcome"] for each in records.deliveries(late, early)] == ["HEALED", "JOINED"]
    assert [each["outcome"] for each in records.deliveries(early, early)] == ["JOINED"]


def test_every_item_but_the_state_expires(client: Any) -> None:
    store = DynamoStore(client, TABLE, "expiry", KEEP)
    commit(store, intend(commit(store, claim())))
    store.record(record(Outcome.HEALED))

    items = client.scan(TableName=TABLE, FilterExpression="begins_with(pk, :p)",
                        ExpressionAttributeValues={":p": {"S": "expiry"}})["Items"]  # fmt: skip

    expires = {item["sk"]["S"].split("#")[0]: "expires_at" in item for item in items}
    assert expires == {"HEAD": False, "INCIDENT": True, "LOG": True, "2026-11-23T08:00:00.000Z": True}


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ({"format": {"N": "99"}}, f"format 99, this version knows {FORMAT}"),
        ({"format": {"N": str(FORMAT)}, "state": {"S": "{"}}, "can't be read"),
    ],
)
def test_state_that_this_version_does_not_know_is_unreadable(client: Any, item: dict[str, Any], fault: str) -> None:
    client.put_item(TableName=TABLE, Item={"pk": {"S": fault}, "sk": {"S": "HEAD"}, **item})

    with pytest.raises(UnreadableState, match=fault):
        DynamoStore(client, TABLE, fault, KEEP).state()


def test_missing_table_is_named_and_nothing_of_the_request_shown(client: Any) -> None:
    with pytest.raises(StateError, match="ResourceNotFoundException"):
        DynamoStore(client, "nowhere", "x", KEEP).state()
