"""What one request to the shop or the factory showed."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

LONGEST_REST: Final = 3600  # seconds for which a server's word is taken that it wants to be left alone
USUAL_REST: Final = 60  # seconds, if it doesn't say
TOO_MANY: Final = 429


class Fault(StrEnum):
    """Why a request got no whole answer."""

    TIMEOUT = "timed out"
    REFUSED = "connection refused or name unknown"
    RESET = "connection closed before the answer was whole"
    TLS = "certificate not accepted"
    TOO_LARGE = "answer larger than the limit"
    GARBLED = "answer that is no HTTP"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request's answer, or the fault it met.

    `began`: UTC. `elapsed`: seconds until the answer was whole, or until the fault. `status` is None
    exactly if `fault` is not. The body may hold a report link or a token: it isn't shown. `retry_after`: seconds that
    the server asks to be left alone. `limits`: the headers that name its limits of rates, in lower case.
    """

    began: datetime
    elapsed: float
    status: int | None = None
    body: bytes = field(default=b"", repr=False)
    fault: Fault | None = None
    retry_after: int = 0
    limits: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether it is an answer to what was asked, and no sign that the server couldn't answer now."""
        return self.status is not None and self.status < 500 and self.status not in (408, TOO_MANY)

    @property
    def is_limited(self) -> bool:
        """Whether the server refused to look at the request because it is asked too often: it shows nothing else."""
        return self.status == TOO_MANY

    @property
    def rest(self) -> int:
        """Seconds for which a server that is asked too often is left alone."""
        return self.retry_after or USUAL_REST

    @property
    def json(self) -> object:
        """The body as JSON, or None if it isn't."""
        try:
            found: object = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found

    def text(self, name: str) -> str:
        """The string under `name` of a JSON object, or the empty string."""
        found = self.json
        value = found.get(name) if isinstance(found, dict) else None
        return value if isinstance(value, str) else ""


def looked_at(samples: Iterable[Sample]) -> list[Sample]:
    """Those that the server didn't refuse to look at."""
    return [each for each in samples if not each.is_limited]


def read_retry_after(text: str, now: datetime) -> int:
    """Seconds that the header `Retry-After` asks for, as a number or as a date (RFC 9110, 10.2.3), an hour at most.

    0 if it holds neither.
    """
    if text.isascii() and text.strip().isdigit():
        return min(int(text.strip()[:9]), LONGEST_REST)
    try:
        at = parsedate_to_datetime(text)
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, OverflowError):
        return 0
    return max(0, min(math.ceil(seconds), LONGEST_REST))
