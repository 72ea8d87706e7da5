"""The audit log: one append-only chain of entries per target, made and verified here.

Each entry's hash covers the entry and the hash before it, so that a changed, dropped or moved entry breaks the chain.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `v` counts from 1; `data` is one canonical JSON string; `hash` covers it and the hash before."""

    v: int
    kind: str
    incident: str | None
    at: datetime
    data: str
    hash: str


def format_timestamp(at: datetime) -> str:
    """A time as it stands in keys and entries: UTC to the millisecond, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def next_entry(v: int, before: str, kind: str, incident: str | None, at: datetime, data: Mapping[str, Any]) -> Entry:
    """The entry that follows entry `v`, whose hash is `before`."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Entry(v + 1, kind, incident, at, text, _hash(before, v + 1, kind, incident, at, text))


def verify_chain(entries: Sequence[Entry]) -> str | None:
    """What is wrong with the entries, at the first wrong one; None if they are intact. Older ones may have expired."""
    for before, entry in zip([None, *entries], entries, strict=False):
        if before and entry.v != before.v + 1:
            return f"entry {entry.v} follows entry {before.v}"
        previous = before.hash if before else ""
        if (before or entry.v == 1) and entry.hash != _hash(
            previous, entry.v, entry.kind, entry.incident, entry.at, entry.data
        ):
            return f"entry {entry.v} isn't what was written"
    return None


def _hash(before: str, v: int, kind: str, incident: str | None, at: datetime, data: str) -> str:
    """SHA-256 in hex over the hash before and everything in the entry."""
    line = json.dumps([before, v, kind, incident, format_timestamp(at), data], ensure_ascii=False)
    return hashlib.sha256(line.encode()).hexdigest()
