"""The audit log: what was altered, dropped or moved is found."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from remediator.audit import Entry, next_entry, verify_chain
from tests.support.builders import BEGAN


def chain(length: int = 4) -> list[Entry]:
    entries: list[Entry] = []
    before = ""
    for v in range(length):
        entries.append(next_entry(v, before, "claimed", None, BEGAN, {"alarm": f"OrdersFailing {v}"}))
        before = entries[-1].hash
    return entries


FIRST, SECOND, THIRD, FOURTH = chain()


@pytest.mark.parametrize("entries", [[], [FIRST, SECOND, THIRD, FOURTH], [SECOND, THIRD, FOURTH], [FOURTH]])
def test_log_as_it_was_written_is_intact_also_once_its_oldest_entries_have_expired(entries: Sequence[Entry]) -> None:
    assert verify_chain(entries) is None


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([FIRST, THIRD], "entry 3 follows entry 1"),
        ([SECOND, FIRST], "entry 1 follows entry 2"),
        ([replace(FIRST, data="{}"), SECOND], "entry 1 isn't what was written"),
        ([FIRST, replace(SECOND, data="{}"), THIRD], "entry 2 isn't what was written"),
        ([FIRST, replace(SECOND, kind="answer")], "entry 2 isn't what was written"),
        ([FIRST, replace(SECOND, incident="i-1")], "entry 2 isn't what was written"),
        ([FIRST, replace(SECOND, at=BEGAN.replace(year=2025))], "entry 2 isn't what was written"),
        ([FIRST, next_entry(1, "another history", "claimed", None, BEGAN, {})], "entry 2 isn't what was written"),
    ],
)
def test_log_that_was_tampered_with_is_found_at_its_first_wrong_entry(entries: Sequence[Entry], fault: str) -> None:
    assert verify_chain(entries) == fault
