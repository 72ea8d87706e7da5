"""Reading the table: what is asked and read doesn't grow with the log."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from remediator import decisions, overrides
from remediator.adapters.dynamodb import SUMMARIES, DynamoStore
from remediator.decisions import Finding
from remediator.endpoints import ORDER
from remediator.outcome import Outcome
from remediator.state import Change, State, Summary
from remediator.trigger import Trigger
from remediator_cli.records import Records
from simulator.local_aws import LocalAws
from simulator.paths import ROOT
from tests.support.builders import BEGAN

INCIDENTS = 60
KEEP = timedelta(days=400)


@dataclass
class Requests:
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
        Summary(f"{BEGAN + timedelta(minutes=n):%Y%m%dT%H%M%SZ}-aaaa", "OrdersFailing", BEGAN, n, n, 1)
        for n in range(INCIDENTS)
    ]
    rows = [
        *({"sk": {"S": f"LOG#{v:010d}"}, "kind": {"S": "notified"}} for v in range(1, entries + 1)),
        *({"sk": {"S": f"INCIDENT#{s.id}"}, "summary": {"S": SUMMARIES.dump_json(s).decode()}} for s in summaries),
    ]
    puts = [{"PutRequest": {"Item": {"pk": {"S": target}, **row}}} for row in rows]
    client = aws.client("dynamodb")
    with ThreadPoolExecutor(4) as pool:
        batches = (puts[at : at + 25] for at in range(0, len(puts), 25))
        for done in pool.map(lambda batch: client.batch_write_item(RequestItems={table: batch}), batches):
            assert not done["UnprocessedItems"]


def newest(aws: LocalAws, table: str, target: str) -> tuple[Requests, list[Summary]]:
    client, requests = aws.client("dynamodb"), Requests()
    client.meta.events.register("before-call.dynamodb.*", requests.asked)
    client.meta.events.register("after-call.dynamodb.*", requests.answered)
    return requests, Records(client, table, target).incidents(50)


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
    sources = [
        *ROOT.glob("layers/**/*.py"),
        *ROOT.glob("functions/**/*.py"),
        *ROOT.glob("remediator_cli/**/*.py"),
        *ROOT.glob("simulator/**/*.py"),
    ]

    assert [file.name for file in sources if ".scan(" in file.read_text()] == ["environment.py"]


def check(store: DynamoStore, minute: int, outcome: Outcome | None) -> State:
    """A check that ends in that outcome, or has only just begun."""
    at = BEGAN + timedelta(minutes=minute)
    trigger = Trigger(f"r-{minute}#0", f"{minute:08d}", at, "OrdersFailing", "it fires")
    state = written(store, decisions.claim(store.state(), trigger, at, at))
    if outcome:
        finding = Finding(outcome, "so it was", at, () if outcome is Outcome.ALREADY_HEALTHY else (ORDER,))
        state = written(store, decisions.finish(state, trigger.run, at, finding, {"total": 1}, gives_way=False))
    return state


def written(store: DynamoStore, change: object) -> State:
    assert isinstance(change, Change)
    new = store.commit(store.state(), change)
    assert new
    return new


def test_incidents_since_a_time_leave_older_ones_out(aws: LocalAws, table: str) -> None:
    client = aws.client("dynamodb")
    store, records = DynamoStore(client, table, "since", KEEP), Records(client, table, "since")
    for minute in (0, 5, 10):
        check(store, minute, Outcome.NO_LINK)
        check(store, minute + 1, Outcome.ALREADY_HEALTHY)

    assert len(records.incidents()) == 3
    assert len(records.incidents(since=BEGAN + timedelta(minutes=5))) == 2
    assert [each.outcome for each in records.incidents(1)] == [Outcome.ALREADY_HEALTHY]


def test_an_incidents_part_of_the_log_holds_controls_and_the_notification_after_it_and_no_more(
    aws: LocalAws, table: str
) -> None:
    client = aws.client("dynamodb")
    store, records = DynamoStore(client, table, "part", KEEP), Records(client, table, "part")
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


def test_checks_of_a_healthy_shop_are_no_incidents(aws: LocalAws, table: str) -> None:
    client = aws.client("dynamodb")
    store, records = DynamoStore(client, table, "healthy", KEEP), Records(client, table, "healthy")

    state = check(store, 0, Outcome.ALREADY_HEALTHY)

    assert (records.incidents(), state.outbox) == ([], ())


def test_incident_is_found_by_the_beginning_of_its_id(aws: LocalAws, table: str) -> None:
    client = aws.client("dynamodb")
    store, records = DynamoStore(client, table, "name", KEEP), Records(client, table, "name")
    state = check(store, 0, Outcome.NO_LINK)
    assert state.incident

    found = records.incident(state.incident.id[:13])
    assert found
    assert found.id == state.incident.id
    assert records.incident("2031") is None
    assert records.deliveries(datetime.now(UTC)) == []
