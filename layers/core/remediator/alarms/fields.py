"""Values out of hostile JSON. All but `parse` take anything at all, and never raise."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from heapq import nsmallest

MAX_LABELS = 50
MAX_LABEL = 1_000  # characters
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(words: str) -> object:
    """The value of a JSON text; raises ValueError, or RecursionError if it is nested too deeply.

    Of a repeated key the first value counts: a template that writes JSON without escaping puts
    the state before all free text, so no annotation can write over it. Control characters pass
    in strings, since the same templates leave line breaks as they are.
    """
    return json.loads(words, strict=False, parse_int=_integer, object_pairs_hook=_first_wins)


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < 20 else float(digits)  # int() refuses 4,300 digits


def _first_wins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return dict(reversed(pairs))


def mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def labels(value: object) -> dict[str, str]:
    """The names and plain values of an object as bounded texts, sorted by name."""
    pairs = mapping(value).items()
    plain = [(name, str(held)) for name, held in pairs if isinstance(held, str | int | float)]
    return {name[:MAX_LABEL]: held[:MAX_LABEL] for name, held in nsmallest(MAX_LABELS, plain)}


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
