"""The audit log: what was altered, dropped or moved is found, at its ends too."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from remediator.audit import Entry, Predecessor, next_entry, verify_chain
from tests.support.builders import BEGAN

DAY = timedelta(days=1)


def chain(length: int = 4, keep: Sequence[int] = (30,)) -> list[Entry]:
    """One entry a day, each kept for so many days, the last number for ever."""
    entries: list[Entry] = []
    for v in range(length):
        days = keep[min(v, len(keep) - 1)] * DAY
        data = {"alarm": f"OrdersFailing {v}"}
        entries.append(next_entry(v, held(entries[-1]) if v else None, "claimed", None, BEGAN + v * DAY, days, data))
    return entries


def held(entry: Entry) -> Predecessor:
    return Predecessor(entry.hash, entry.at, entry.until)


FIRST, SECOND, THIRD, FOURTH = LOG = chain()
ANOTHER = next_entry(1, replace(held(FIRST), hash="of another history"), "claimed", None, BEGAN, DAY, {})


@pytest.mark.parametrize(
    ("entries", "days"),
    [
        ([FIRST, SECOND, THIRD, FOURTH], 0),
        ([FIRST, SECOND, THIRD, FOURTH], 32),  # the table deletes late
        ([SECOND, THIRD, FOURTH], 30),
        ([FIRST, THIRD, FOURTH], 31),  # and in no order
        ([FOURTH], 32),
        ([], 33),
    ],
)
def test_log_as_it_was_written_is_intact_also_once_entries_have_expired(entries: Sequence[Entry], days: int) -> None:
    assert verify_chain(entries, BEGAN + days * DAY, 4, held(FOURTH)) is None


def test_target_never_seen_has_an_intact_log() -> None:
    assert verify_chain([], BEGAN) is None


@pytest.mark.parametrize("missing", range(1, 5))
@pytest.mark.parametrize("days", [-1, 0])
def test_chain_is_held_at_each_entry_until_the_last_second_of_its_term(missing: int, days: int) -> None:
    left = [entry for entry in LOG if entry.v != missing]
    until = LOG[missing - 1].until

    fault = verify_chain(left, until + timedelta(seconds=days), 4, held(FOURTH))

    at, kept = (f"{when:%Y-%m-%d %H:%M:%S} UTC" for when in (LOG[missing - 1].at, until))
    assert fault == (f"entry {missing} of {at} is missing, and has to be kept until {kept}" if days else None)


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([THIRD, FOURTH], "entry 2 of 2026-11-24 08:00:00 UTC is missing"),
        ([replace(THIRD, data="{}"), FOURTH], "entry 3 isn't what was written"),
        ([replace(THIRD, before=replace(held(SECOND), until=BEGAN)), FOURTH], "entry 3 isn't what was written"),
        ([replace(SECOND, before=None), THIRD], "entry 2 isn't what was written"),
        ([replace(FIRST, until=BEGAN), SECOND], "entry 1 isn't what was written"),
        ([FIRST, SECOND, FIRST], "entry 1 follows entry 2"),
        ([FIRST, FIRST], "entry 1 follows entry 1"),
        ([replace(FIRST, data="{}"), SECOND], "entry 1 isn't what was written"),
        ([next_entry(0, held(FOURTH), "claimed", None, BEGAN, DAY, {})], "entry 1 isn't what was written"),
        ([next_entry(4, None, "claimed", None, BEGAN, DAY, {})], "entry 5 isn't what was written"),
        ([FIRST, replace(SECOND, data="{}"), THIRD], "entry 2 isn't what was written"),
        ([FIRST, replace(SECOND, kind="answer")], "entry 2 isn't what was written"),
        ([FIRST, replace(SECOND, incident="i-1")], "entry 2 isn't what was written"),
        ([FIRST, replace(SECOND, at=BEGAN.replace(year=2025))], "entry 2 isn't what was written"),
        ([FIRST, ANOTHER], "entry 2 isn't what was written"),
        ([FIRST, SECOND, THIRD], "entry 4 of 2026-11-26 08:00:00 UTC is missing"),
        (
            [*chain(3), next_entry(3, held(THIRD), "other", None, BEGAN, DAY, {})],
            "entry 4 isn't the one that the state",
        ),
    ],
)
def test_log_that_was_tampered_with_is_found_at_its_first_wrong_entry(entries: Sequence[Entry], fault: str) -> None:
    assert str(verify_chain(entries, BEGAN, 4, held(FOURTH))).startswith(fault)


def test_entries_written_since_the_state_was_read_are_no_fault() -> None:
    assert verify_chain(LOG, BEGAN, 2, held(SECOND)) is None


def test_no_entry_expires_before_an_older_one_however_the_term_is_changed() -> None:
    log = chain(5, keep=(400, 30))

    assert [entry.until for entry in log] == sorted(entry.until for entry in log)
    assert verify_chain(log[2:], BEGAN + 399 * DAY)
