"""The chain isn't held at its ends: what `verify` and a report say of a table that somebody changed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from remediator import decisions, overrides
from remediator.adapters.dynamodb import STATES, DynamoStore
from remediator.bootstrap import now
from remediator.outcome import Outcome
from remediator.state import Change, State
from remediator_cli import stack as stacks
from remediator_cli.main import main
from remediator_cli.records import Records
from remediator_cli.stack import Stack
from simulator.local_aws import REGION, LocalAws
from tests.support.builders import claim, create_table, finish, trigger

TABLE = "verify"
KEEP = timedelta(days=400)
ENDS = timedelta(seconds=125)
KINDS = ["paused", "resumed", "claimed", "opened", "finished", "claimed", "finished", "notified", "mode", "mode"]
LOG_ENDS = len(KINDS)
type Said = Callable[..., dict[str, Any]]


class Table:
    """One target of a table, and what somebody with write access may do to it."""

    def __init__(self, client: Any, target: str) -> None:
        self.client, self.target = client, target
        self.store = DynamoStore(client, TABLE, target, KEEP)

    def write(self, decide: Callable[[State], object]) -> None:
        seen = self.store.state()
        change = decide(seen)
        assert isinstance(change, Change)
        assert self.store.commit(seen, change)

    def change(self, dropped: list[str], sort: str = "", altered: Mapping[str, Any] | None = None) -> None:
        for each in dropped:
            self.client.delete_item(TableName=TABLE, Key=self.key(each))
        if sort:
            item = self.client.get_item(TableName=TABLE, Key=self.key(sort))["Item"]
            self.client.put_item(TableName=TABLE, Item={**item, **(altered or {})})

    def key(self, sort: str) -> dict[str, Any]:
        return {"pk": {"S": self.target}, "sk": {"S": sort}}


def log(*entries: int) -> list[str]:
    """The sort keys of those entries."""
    return [f"LOG#{v:010d}" for v in entries]


@pytest.fixture(scope="session")  # as the local AWS that keeps the table, in whatever order the tests come
def client(aws: LocalAws) -> Any:
    found = aws.client("dynamodb")
    create_table(found, TABLE)
    return found


@pytest.fixture
def table(client: Any, request: pytest.FixtureRequest) -> Table:
    """Ten entries, an incident in the middle."""
    made, at = Table(client, request.node.name), now() - timedelta(minutes=5)
    made.write(lambda state: overrides.pause(state, at, "release 42", "ana", None))
    made.write(lambda state: overrides.resume(state, at, "ana"))
    for number, outcome in enumerate((Outcome.NO_LINK, Outcome.ALREADY_HEALTHY)):
        by, began = trigger(f"r-{number}#0", f"{number:08d}", at), at + timedelta(minutes=number)
        made.write(lambda state, by=by, began=began: claim(state, by, began, began + ENDS))  # type: ignore[misc] # mypy infers no default
        made.write(
            lambda state, by=by, began=began, outcome=outcome: finish(  # type: ignore[misc] # mypy infers no default
                state, outcome, run=by.run, began=began, now=began, gives_way=False
            )
        )
    made.write(lambda state: decisions.mark_sent(state, [each.id for each in state.outbox], at))
    for mode in ("observe", "act"):
        made.write(lambda state, mode=mode: overrides.set_mode(state, at, mode, "why", "ana"))  # type: ignore[misc] # mypy infers no default
    return made


@pytest.fixture
def said(table: Table, aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What a command answers as JSON."""
    session = boto3.Session("test", "test", region_name=REGION)
    stack = Stack(table.target, session, {"TableName": TABLE}, {}, aws.url)
    monkeypatch.setattr(stacks, "find", lambda *_: stack)

    def answer(*words: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
        return found

    return answer


def timeline(report: dict[str, Any]) -> str:
    (sentence,) = [each["sentences"][0] for each in report["sections"] if each["title"] == "Timeline"]
    assert isinstance(sentence, str)
    return sentence


def test_log_as_it_was_written_is_intact_and_so_is_the_incidents_part(table: Table, said: Said) -> None:
    assert said("verify") == {
        "intact": True, "fault": None, "first": 1, "last": LOG_ENDS, "hash": table.store.state().hash
    }  # fmt: skip
    assert timeline(said("report", "2")).startswith("Entries 3 to 8 of the audit log, which is intact.")


ALTERED = {"incident": {"S": "another"}}
NO_TERM = {"before_until": {"S": "2020-01-01T00:00:00.000Z"}}
# What is dropped, what is altered and how, and the beginning of what `verify` and the report name; "" for nothing.
FAULTS: dict[str, tuple[list[str], str, dict[str, Any], str, str]] = {
    "the first ones dropped": (log(1, 2), "", {}, "entry 2 of ", "entry 2 of "),
    "and the next altered": (log(1, 2), "LOG#0000000003", ALTERED, "entry 3 isn't", "entry 3 isn't"),
    "and their term altered": (log(1, 2), "LOG#0000000003", NO_TERM, "entry 3 isn't", "entry 3 isn't"),
    "an incident's first dropped": (log(3), "", {}, "entry 3 of ", "entry 3 of "),
    "an incident's last dropped": (log(7, 8), "", {}, "entry 8 of ", "entry 8 of "),
    "a whole incident dropped": (log(3, 4, 5, 6, 7, 8), "", {}, "entry 8 of ", "entry 8 of "),
    "the one before an incident altered": ([], "LOG#0000000002", ALTERED, "entry 2 isn't", "entry 2 isn't"),
    "the last dropped": (log(10), "", {}, "entry 10 of ", ""),
    "all dropped": (log(*range(1, 11)), "", {}, "entry 10 of ", "entry 10 of "),
    "the state dropped": (["HEAD"], "", {}, "the log goes on to entry 10", ""),
    "one made to expire": ([], "LOG#0000000004", {"expires_at": {"N": "1"}}, "entry 4 isn't", "entry 4 isn't"),
}


@pytest.mark.parametrize(("dropped", "sort", "altered", "verified", "reported"), FAULTS.values(), ids=FAULTS)
def test_what_was_changed_is_named(
    table: Table, said: Said, dropped: list[str], sort: str, altered: dict[str, Any], verified: str, reported: str
) -> None:
    table.change(dropped, sort, altered)

    found = said("verify")
    assert (found["intact"], str(found["fault"]).startswith(verified)) == (False, True), found
    assert (f"altered: {reported}" if reported else "which is intact") in timeline(said("report", "2"))


def test_write_between_is_no_fault(table: Table, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Records._query

    def late(records: Records, *asked: Any, **how: Any) -> Any:
        if str(asked[1]).startswith("LOG#"):
            table.write(lambda state: overrides.set_mode(state, now(), "observe", "again", "ben"))
        return read(records, *asked, **how)

    monkeypatch.setattr(Records, "_query", late)

    assert said("verify")["fault"] is None
    assert "which is intact" in timeline(said("report", "2"))


def test_log_of_which_all_has_expired_is_intact(table: Table, said: Said) -> None:
    state = table.store.state()
    assert state.last
    old = replace(state, last=replace(state.last, until=now() - timedelta(seconds=1)))
    written = {"state": {"S": STATES.dump_json(old, exclude_defaults=True).decode()}}
    table.change(log(*range(1, LOG_ENDS + 1)), "HEAD", written)

    assert said("verify")["fault"] is None
    assert timeline(said("report", "2")) == "Its part of the audit log has expired."


def test_entries_are_read_back_as_they_were_written(table: Table) -> None:
    entries = Records(table.client, TABLE, table.target).log()

    assert [entry.kind for entry in entries] == KINDS
    assert [entry.before.hash if entry.before else "" for entry in entries] == [
        "",
        *(entry.hash for entry in entries[:-1]),
    ]
    assert all(entry.until == (entry.at + KEEP).replace(microsecond=0) for entry in entries[:4])
