"""Limits of rates, as the forks have them that use express-rate-limit: one row a limit.

As its source/memory-store.ts, headers.ts and lib.ts since version 7: an address's window begins with its first request
and has a fixed length; what is refused counts, too, and prolongs nothing; the next window begins with the first request
after it. Up to version 6 one clock emptied all windows at once.
"""

import math
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Final, Literal

# Those that a limit counts: how its method and its path begin.
COUNTED: Final = {"all": ("", "/"), "auth": ("", "/api/auth"), "logins": ("PUT", "/api/auth")}
_POLICY = {"RateLimit-Policy": "{limit.most};w={limit.window}"}
HEADERS: Final[dict[int, dict[str, str]]] = {  # by the draft of the standard; 0: none
    0: {},
    6: _POLICY | {"RateLimit-Limit": "{limit.most}", "RateLimit-Remaining": "{left}", "RateLimit-Reset": "{reset}"},
    7: _POLICY | {"RateLimit": "limit={limit.most}, remaining={left}, reset={reset}"},
}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many requests in a window of so many seconds.

    `counts`: all requests, those of /api/auth, or logins alone. `body`: what a refusal says, as text or as JSON.
    `retry_after`: in seconds, or as a date. `draft`: whose RateLimit headers each answer has. `by_address`: each
    address has a window of its own; behind a load balancer they share one.
    """

    most: int
    window: int = 15 * 60
    counts: Literal["all", "auth", "logins"] = "all"
    body: str | dict[str, Any] = "Too many requests, please try again later."
    retry_after: Literal["seconds", "date"] = "seconds"
    draft: Literal[0, 6, 7] = 0
    by_address: bool = False

    def covers(self, method: str, path: str) -> bool:
        verb, beneath = COUNTED[self.counts]
        return method.startswith(verb) and path.startswith(beneath)


class Limiter:
    """A limit and what it has counted; `now` is in seconds, since the epoch if headers are to be right."""

    def __init__(self, row: Limit) -> None:
        self.row = row
        self._windows: dict[str, tuple[int, float]] = {}  # by address: requests, and when they are forgotten

    def hit(self, now: float, address: str = "") -> int | None:
        """Count a request: None if it may pass, or else the seconds until one may."""
        used, reset = self._window(now, address)
        self._windows[self._client(address)] = used + 1, reset
        return math.ceil(reset - now) if used >= self.row.most else None

    def headers(self, now: float, address: str = "") -> dict[str, str]:
        """Those of an answer after `hit`; of a refusal Retry-After, too."""
        used, reset = self._window(now, address)
        left, seconds = max(self.row.most - used, 0), math.ceil(reset - now)
        table = HEADERS[self.row.draft]
        shown = {name: text.format(limit=self.row, left=left, reset=seconds) for name, text in table.items()}
        if used > self.row.most:
            date = formatdate(math.ceil(reset), usegmt=True)
            shown["Retry-After"] = date if self.row.retry_after == "date" else str(seconds)
        return shown

    def _window(self, now: float, address: str) -> tuple[int, float]:
        used, reset = self._windows.get(self._client(address), (0, now))
        return (used, reset) if now < reset else (0, now + self.row.window)

    def _client(self, address: str) -> str:
        return address if self.row.by_address else ""
