"""The audit log: one append-only chain of entries per target, made and verified here.

Each entry's hash covers the entry and what it holds of the one before, so that a changed, dropped or moved entry breaks
the chain, also at its ends: an entry may be missing only once its term is over.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any


@dataclass(frozen=True, slots=True)
class Predecessor:
    """What an entry holds of the one before it: its hash, when it was written, and until when it has to be kept."""

    hash: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `v` counts from 1; `until`: its term, from which on it may be gone; `data` is one canonical JSON
    string. `before` is None for entry 1 alone. `hash` covers all the rest.
    """

    v: int
    kind: str
    incident: str | None
    at: datetime
    until: datetime
    data: str
    before: Predecessor | None
    hash: str


def format_timestamp(at: datetime) -> str:
    """A time as it stands in keys and entries: UTC to the millisecond, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def next_entry(
    v: int,
    before: Predecessor | None,
    kind: str,
    incident: str | None,
    at: datetime,
    keep: timedelta,
    data: Mapping[str, Any],
) -> Entry:
    """The entry that follows entry `v`, of which it holds `before`. It is kept as long as that one, if not longer: if
    an entry's term is over, that of all before it is.
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    until = (at + keep).replace(microsecond=0)
    entry = Entry(v + 1, kind, incident, at, max(until, before.until) if before else until, text, before, "")
    return replace(entry, hash=_hash(entry))


def verify_chain(
    entries: Sequence[Entry], now: datetime, v: int = 0, last: Predecessor | None = None, *, first: int = 1
) -> str | None:
    """What is wrong with the entries from `first` on, at the first wrong one; None if they are intact.

    One may be missing if its term is over. If the state's `v` and `last` are given, the state's entry is held against
    them; entries after it are those written since the state was read.
    """
    for older, entry in pairwise([None, *entries]):
        assert entry  # only the first of each pair may be none
        if older and older.v >= entry.v:
            return f"entry {entry.v} follows entry {older.v}"
        before = entry.before
        there = older if older and older.v == entry.v - 1 else None
        if entry.hash != _hash(entry) or (before is None) is not (entry.v == 1) or _differ(there, before):
            return f"entry {entry.v} isn't what was written"
        if before and not there and entry.v > first and before.until > now:
            return _missing(entry.v - 1, before)
    newest = next((entry for entry in entries if entry.v == v), None)
    if _differ(newest, last):
        return f"entry {v} isn't the one that the state holds"
    return _missing(v, last) if not newest and last and last.until > now else None


def _differ(entry: Entry | None, held: Predecessor | None) -> bool:
    """Whether an entry that is there isn't the one whose hash is held."""
    return entry is not None and held is not None and entry.hash != held.hash


def _missing(v: int, held: Predecessor) -> str:
    return f"entry {v} of {_shown(held.at)} is missing, and has to be kept until {_shown(held.until)}"


def _shown(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _hash(entry: Entry) -> str:
    """SHA-256 in hex over everything in the entry, and what it holds of the one before."""
    before = entry.before and [
        entry.before.hash, format_timestamp(entry.before.at), format_timestamp(entry.before.until)
    ]  # fmt: skip
    times = format_timestamp(entry.at), format_timestamp(entry.until)
    line = json.dumps([before, entry.v, entry.kind, entry.incident, *times, entry.data], ensure_ascii=False)
    return hashlib.sha256(line.encode()).hexdigest()
