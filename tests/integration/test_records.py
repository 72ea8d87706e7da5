"""Reading the table: what is asked and read doesn't grow with the log."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remediator import decisions, overrides
from remediator.adapters.dynamodb import SUMMARIES, DynamoStore
from remediator.outcome import Outcome
from remediator.state import Change, State, Summary
from remediator_cli.records import Records
from simulator.local_aws import LocalAws
from simulator.paths import ROOT
from tests.support.builders import BEGAN, claim, create_table, finish, trigger

INCIDENTS = 60
TABLE = "records"


@dataclass
class Requests:
    """The requests of one client, and how many items their answers held."""

    operations: list[str] = field(default_factory=list)
    items: int = 0

    def asked(self, model: Any, **_: Any) -> None:
        self.operations.append(model.name)

    def answered(self, parsed: dict[str, Any], **_: Any) -> None:
        self.items += parsed.get("ScannedCount", 0)


@pytest.fixture(scope="session")  # as the local AWS that keeps the table, in whatever order the tests come
def client(aws: LocalAws) -> Any:
    found = aws.client("dynamodb")
    create_table(found, TABLE)
    return found


@pytest.fixture
def store(client: Any, request: pytest.FixtureRequest) -> DynamoStore:
    return DynamoStore(client, TABLE, request.node.name, timedelta(days=400))


@pytest.fixture
def records(client: Any, request: pytest.FixtureRequest) -> Records:
    """The records of the same target."""
    return Records(client, TABLE, request.node.name)


def fill(client: Any, target: str, entries: int) -> None:
    """So many log entries, and the summaries of INCIDENTS among them."""
    summaries = [
        Summary(f"{BEGAN + timedelta(minutes=n):%Y%m%dT%H%M%SZ}-aaaa", "OrdersFailing", BEGAN, n, n, 1)
        for n in range(INCIDENTS)
    ]
    rows = [
        *({"sk": {"S": f"LOG#{v:010d}"}, "kind": {"S": "notified"}} for v in range(1, entries + 1)),
        *({"sk": {"S": f"INCIDENT#{s.id}"}, "summary": {"S": SUMMARIES.dump_json(s).decode()}} for s in summaries),
    ]
    puts = [{"PutRequest": {"Item": {"pk": {"S": target}, **row}}} for row in rows]
    with ThreadPoolExecutor(4) as pool:
        batches = (puts[at : at + 25] for at in range(0, len(puts), 25))
        for done in pool.map(lambda batch: client.batch_write_item(RequestItems={TABLE: batch}), batches):
            assert not done["UnprocessedItems"]


def newest(aws: LocalAws, target: str) -> tuple[Requests, list[Summary]]:
    client, requests = aws.client("dynamodb"), Requests()
    client.meta.events.register("before-call.dynamodb.*", requests.asked)
    client.meta.events.register("after-call.dynamodb.*", requests.answered)
    return requests, Records(client, TABLE, target).incidents(50)


def test_newest_fifty_make_the_same_requests_and_read_the_same_items_however_long_the_log(
    aws: LocalAws, client: Any
) -> None:
    fill(client, "short", 1_000)
    fill(client, "long", 10_000)

    (short, few), (long, many) = newest(aws, "short"), newest(aws, "long")

    assert few == many
    assert [each.id for each in few] == sorted((each.id for each in few), reverse=True)
    assert (short.operations, short.items) == (long.operations, long.items) == (["Query"], 50)


def test_nothing_that_reads_a_stack_scans_its_table() -> None:
    """A game day's search for leaked secrets does, in the local AWS."""
    folders = ("layers", "functions", "remediator_cli", "simulator")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]

    assert [file.name for file in sources if ".scan(" in file.read_text()] == ["environment.py"]


def check(store: DynamoStore, minute: int, outcome: Outcome | None) -> State:
    """A check that ends in that outcome, or has only just begun."""
    at = BEGAN + timedelta(minutes=minute)
    by = trigger(f"r-{minute}#0", f"{minute:08d}", at)
    state = written(store, claim(store.state(), by, at, at))
    if outcome is None:
        return state
    return written(store, finish(state, outcome, run=by.run, began=at, now=at, gives_way=False))


def written(store: DynamoStore, change: object) -> State:
    assert isinstance(change, Change)
    new = store.commit(store.state(), change)
    assert new
    return new


def test_incidents_since_a_time_leave_older_ones_out(store: DynamoStore, records: Records) -> None:
    for minute in (0, 5, 10):
        check(store, minute, Outcome.NO_LINK)
        check(store, minute + 1, Outcome.ALREADY_HEALTHY)

    assert len(records.incidents()) == 3
    assert len(records.incidents(since=BEGAN + timedelta(minutes=5))) == 2
    assert [each.outcome for each in records.incidents(1)] == [Outcome.ALREADY_HEALTHY]


def test_an_incidents_part_of_the_log_holds_controls_and_the_notification_after_it_and_no_more(
    store: DynamoStore, records: Records
) -> None:
    check(store, 0, Outcome.ALREADY_HEALTHY)
    check(store, 1, Outcome.NO_LINK)
    written(store, overrides.pause(store.state(), BEGAN, "release 42", "ana", None))
    (ongoing,) = records.incidents()
    still_open = [entry.kind for entry in records.log(ongoing)]
    state = check(store, 2, Outcome.ALREADY_HEALTHY)
    written(store, decisions.mark_sent(state, [each.id for each in state.outbox], BEGAN))
    check(store, 3, None)
    (ended,) = records.incidents()

    assert still_open == ["claimed", "opened", "finished", "paused"]
    assert [entry.kind for entry in records.log(ended)] == [*still_open, "claimed", "finished", "notified"]
    assert records.log()[0].kind == "claimed"


def test_incident_is_found_by_the_beginning_of_its_id(store: DynamoStore, records: Records) -> None:
    state = check(store, 0, Outcome.NO_LINK)
    assert state.incident

    found = records.incident(state.incident.id[:13])
    assert found
    assert found.id == state.incident.id
    assert records.incident("2031") is None
    assert records.deliveries(datetime.now(UTC)) == []
