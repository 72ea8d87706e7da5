"""Reading the table: what is asked and read doesn't grow with the log."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.gameday.local_aws import LocalAws
from console.places import ROOT
from console.records import Records
from remediator.adapters.dynamodb import SUMMARIES, DynamoStore
from remediator.head import Change, Head, Summary, Wake, claim, close, pause, told
from remediator.outcome import Outcome
from tests.scenes import BEGAN

INCIDENTS = 60
KEEP = timedelta(days=400)


@dataclass
class Heard:
    """The requests of one client, and how many items their answers held."""

    operations: list[str] = field(default_factory=list)
    items: int = 0

    def asked(self, model: Any, **_: Any) -> None:
        self.operations.append(model.name)

    def answered(self, parsed: dict[str, Any], **_: Any) -> None:
        self.items += parsed.get("ScannedCount", 0)


@pytest.fixture(scope="module")
def table(aws: LocalAws) -> Iterator[str]:
    client = aws.client("dynamodb")
    client.create_table(
        TableName="records",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    yield "records"
    client.delete_table(TableName="records")


def fill(aws: LocalAws, table: str, target: str, entries: int) -> None:
    """So many log entries, and the summaries of INCIDENTS among them."""
    summaries = [
        Summary(f"{BEGAN + timedelta(minutes=n):%Y%m%dT%H%M%SZ}-aaaa", "OrdersFailing", BEGAN, n, n, 1, None)
        for n in range(INCIDENTS)
    ]
    rows = [
        *({"sk": {"S": f"LOG#{v:010d}"}, "kind": {"S": "told"}} for v in range(1, entries + 1)),
        *({"sk": {"S": f"INCIDENT#{s.id}"}, "summary": {"S": SUMMARIES.dump_json(s).decode()}} for s in summaries),
    ]
    puts = [{"PutRequest": {"Item": {"pk": {"S": target}, **row}}} for row in rows]
    client = aws.client("dynamodb")
    with ThreadPoolExecutor(4) as pool:
        batches = (puts[at : at + 25] for at in range(0, len(puts), 25))
        for done in pool.map(lambda batch: client.batch_write_item(RequestItems={table: batch}), batches):
            assert not done["UnprocessedItems"]


def newest(aws: LocalAws, table: str, target: str) -> tuple[Heard, list[Summary]]:
    client, heard = aws.client("dynamodb"), Heard()
    client.meta.events.register("before-call.dynamodb.*", heard.asked)
    client.meta.events.register("after-call.dynamodb.*", heard.answered)
    return heard, Records(client, table, target).incidents(50)


def test_newest_fifty_make_the_same_requests_and_read_the_same_items_however_long_the_log(
    aws: LocalAws, table: str
) -> None:
    for target, entries in (("short", 1_000), ("long", 10_000)):
        fill(aws, table, target, entries)

    (short, few), (long, many) = newest(aws, table, "short"), newest(aws, table, "long")

    assert few == many
    assert [each.id for each in few] == sorted((each.id for each in few), reverse=True)
    assert (short.operations, short.items) == (long.operations, long.items) == (["Query"], 50)


def test_nothing_that_reads_a_stack_scans_its_table() -> None:
    """A game day's search for leaked secrets does, in the local AWS."""
    sources = [*ROOT.glob("layers/**/*.py"), *ROOT.glob("functions/**/*.py"), *ROOT.glob("console/**/*.py")]

    assert [file.name for file in sources if ".scan(" in file.read_text()] == ["scene.py"]


def opened(store: DynamoStore, minute: int) -> Head:
    at = BEGAN + timedelta(minutes=minute)
    change = claim(store.head(), Wake(f"r-{minute}#0", f"{minute:08d}", at, "OrdersFailing", "it fires"), at, at)
    assert isinstance(change, Change)
    return written(store, change)


def closed(store: DynamoStore, minute: int) -> Head:
    at = BEGAN + timedelta(minutes=minute, seconds=30)
    change = close(store.head(), f"{minute:08d}", at, at, "good", {"total": 1})
    assert isinstance(change, Change)
    return written(store, change)


def written(store: DynamoStore, change: Change) -> Head:
    new = store.commit(store.head(), change)
    assert new
    return new


def test_incidents_since_a_time_leave_older_ones_out(aws: LocalAws, table: str) -> None:
    client = aws.client("dynamodb")
    store, records = DynamoStore(client, table, "since", KEEP), Records(client, table, "since")
    for minute in (0, 5, 10):
        opened(store, minute)
        closed(store, minute)

    assert len(records.incidents()) == 3
    assert len(records.incidents(since=BEGAN + timedelta(minutes=5))) == 2
    assert [each.outcome for each in records.incidents(1)] == [Outcome.ALREADY_HEALTHY]


def test_an_incidents_part_of_the_log_holds_brakes_and_the_message_after_it_and_no_more(
    aws: LocalAws, table: str
) -> None:
    client = aws.client("dynamodb")
    store, records = DynamoStore(client, table, "part", KEEP), Records(client, table, "part")
    opened(store, 0)
    written(store, pause(store.head(), BEGAN, "release 42", "ana", None))
    (ongoing,) = records.incidents()
    still_open = [entry.kind for entry in records.log(ongoing)]
    opened(store, 1)  # woken once more, so that people are told of the end
    head = closed(store, 1)
    after = told(head, [message.id for message in head.outbox], BEGAN)
    assert after
    written(store, after)
    opened(store, 2)
    older = records.incidents()[1]

    assert still_open == ["opened", "paused"]
    assert [entry.kind for entry in records.log(older)] == ["opened", "paused", "continued", "closed", "told"]
    assert [entry.kind for entry in records.log(records.incidents()[0])] == ["opened"]


def test_incident_is_found_by_the_beginning_of_its_id(aws: LocalAws, table: str) -> None:
    client = aws.client("dynamodb")
    store, records = DynamoStore(client, table, "name", KEEP), Records(client, table, "name")
    head = opened(store, 0)
    assert head.incident

    found = records.incident(head.incident.id[:13])
    assert found
    assert found.id == head.incident.id
    assert records.incident("2031") is None
    assert records.events(datetime.now(UTC)) == []
