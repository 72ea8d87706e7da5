"""What one request to the shop or the factory showed."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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
    the server asks to be left alone.
    """

    began: datetime
    elapsed: float
    status: int | None = None
    body: bytes = field(default=b"", repr=False)
    fault: Fault | None = None
    retry_after: int = 0

    @property
    def is_final(self) -> bool:
        """Whether it is an answer to what was asked, and no sign that the server couldn't answer now."""
        return self.status is not None and self.status < 500 and self.status not in (408, 429)

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
