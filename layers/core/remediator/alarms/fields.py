"""Values out of hostile JSON. All but `parse` take anything at all, and never raise."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

MAX_BITS = 1_000  # of a label's number: Python refuses to write one of 4,300 digits
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(words: str) -> tuple[object, bool]:
    """The value of a JSON text, and whether no object in it has a key twice.

    Keys keep their order, and of a repeated one the first value counts: a template that writes JSON without escaping
    puts the state before all free text, so no annotation can write over it. Control characters pass in strings, since
    the same templates leave line breaks as they are. Raises ValueError, or RecursionError if it is nested too deeply.
    """
    unique = True

    def first_wins(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal unique
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        unique = False
        return found | dict(reversed(pairs))

    value = json.loads(words, strict=False, parse_int=_integer, object_pairs_hook=first_wins)
    return value, unique


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < 20 else float(digits)  # int() refuses 4,300 digits


def mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def are_texts(*values: object) -> bool:
    return all(isinstance(value, str) for value in values)


def is_flat(value: object) -> bool:
    """Whether an object or a list holds neither of them; plain values are flat."""
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not any(isinstance(each, dict | list) for each in held)


def labels(value: object) -> dict[str, str]:
    """The names and plain values of an object as texts, sorted by name."""
    return {name: plain(held) for name, held in sorted(mapping(value).items()) if isinstance(held, str | int | float)}


def plain(value: object) -> str:
    """A plain value as a text; "" for any other."""
    huge = isinstance(value, int) and value.bit_length() > MAX_BITS
    return "a huge number" if huge else str(value) if isinstance(value, str | int | float) else ""


def moment(value: object) -> datetime | None:
    """The time of ISO 8601 (`+0000` and `Z` alike) or of Go's `Time.String()`, in UTC.

    None for anything else, and for the zero time that Go programs send for "not yet".
    """
    words = text(value)[:64].split()
    if len(words) >= 3:  # 2026-11-23 08:00:10.5 +0000 UTC
        words = [f"{words[0]}T{words[1]}{words[2]}"]
    try:
        found = datetime.fromisoformat(" ".join(words))
        found = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found >= EPOCH else None


def since_epoch(milliseconds: object) -> datetime | None:
    """The time of a text of milliseconds, as SQS writes it."""
    digits = text(milliseconds)
    if digits.isascii() and digits.isdigit() and len(digits) < 15:
        return EPOCH + timedelta(milliseconds=int(digits))
    return None
