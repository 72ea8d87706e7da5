"""A part of each test of the protocol, in seconds; `make` plays them whole: crash-matrix, storm and faults."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from remediator.adapters.dynamodb import DynamoStore
from remediator.bootstrap import now
from remediator.deadline import Deadline
from remediator.errors import StateError
from remediator.state import State
from simulator.local_aws import LocalAws
from simulator.paths import ROOT
from tests.protocol.faults import ALL, CALLS, table
from tests.protocol.real_parts import KEEP, TABLE, Parts, far_shop, furnish
from tests.protocol.storm import AT_ONCE, storm
from tests.support.builders import alarm, claim

BEGAN = now()


@pytest.fixture(scope="module")
def parts(aws: LocalAws) -> Iterator[Parts]:
    with far_shop() as shop:
        yield furnish(aws, shop, AT_ONCE)


def test_run_killed_at_a_boundary_or_any_instant_is_ended_well_by_the_next_delivery() -> None:
    """In a process of its own: what forks may have no threads."""
    words = [sys.executable, "-m", "tests.protocol.crash_matrix", "--every", "9", "--random", "4"]
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}"}
    done = subprocess.run(words, cwd=ROOT, env=path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 of 8" in done.stdout
    assert done.stdout.splitlines()[-1] == "4 of 4"


@pytest.mark.parametrize("seconds", [0.0, 2.0])
def test_sixty_copies_make_one_call(parts: Parts, seconds: float) -> None:
    assert [figure for figure in storm(parts, 60, seconds) if not figure.fits] == []


def test_one_fault_of_each_call_ends_by_its_name_and_no_call_lacks_an_intent() -> None:
    faults = ("throttled", "timed out", "unknown result", "denied", "reset", "500")
    rows = [(call, faults[number % len(faults)], "once") for number, call in enumerate(CALLS)]
    said: list[str] = []

    assert set(rows) <= set(ALL)
    assert table(rows, said.append) == 0, said


def test_nothing_is_called_if_the_table_is_missing(parts: Parts) -> None:
    nowhere = DynamoStore(parts.clients["dynamodb"], "nowhere", "missing", KEEP)

    assert_nothing_called(parts, "missing", "ResourceNotFoundException", nowhere)


def test_nothing_is_called_if_the_state_is_of_an_unknown_format(parts: Parts) -> None:
    parts.store("format").commit(State(), claim())
    names, values = {"#f": "format"}, {":f": {"N": "99"}}
    newer = {"UpdateExpression": "SET #f = :f", "ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
    parts.reading.update_item(TableName=TABLE, Key={"pk": {"S": "format"}, "sk": {"S": "HEAD"}}, **newer)

    assert_nothing_called(parts, "format", "the state is of format 99", parts.store("format"))
    (delivery,) = parts.records("format").deliveries(BEGAN)
    assert (delivery["outcome"], "format 99" in delivery["reason"]) == ("FAILED", True)


def assert_nothing_called(parts: Parts, target: str, reason: str, store: DynamoStore) -> None:
    parts.shop.chaos("fail")
    began = time.time()

    with pytest.raises(StateError, match=reason):
        replace(parts.remediator(target), store=store).handle(alarm(sent=now()), "r-1", Deadline.after(20))

    assert parts.shop.requests(began) == []
