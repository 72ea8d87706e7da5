"""What a shop says of how often it may be asked, and how often the canary may order then."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from remediator.canary_memory import LOGIN_EVERY
from remediator.endpoints import PROBES

USUAL_SECONDS = 900  # of a window, if the shop doesn't say
CHECK = 8  # requests of one that heals: two logins, two logouts, four orders


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests in so many seconds."""

    requests: int
    seconds: int

    def least_minutes(self) -> int | None:
        """The smallest CanaryMinutes with which canary and one check fit; None if no canary does."""
        minutes = self.seconds / 60
        logins = 2 * math.ceil(self.seconds / LOGIN_EVERY.total_seconds())
        orders = self.requests - CHECK - logins - math.ceil(minutes) * len(PROBES)
        least = math.ceil(minutes / orders) if orders > 0 else 61
        return max(1, least) if least <= 60 else None


def read_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """The limit that these headers name, with names in lower case: drafts 6 to 8 of `RateLimit`, and what came before.

    A policy says both: `100;w=900`, or `"name"; q=100; w=900`. Else the requests stand in `limit=100` or alone.
    """
    policy = headers.get("ratelimit-policy", "")
    shown = headers.get("ratelimit-limit") or headers.get("x-ratelimit-limit") or headers.get("ratelimit", "")
    requests = re.search(r"q=(\d{1,9})", policy) or re.match(r"\s*(\d{1,9})\s*;", policy)
    requests = requests or re.search(r"limit=(\d{1,9})", shown) or re.match(r"\s*(\d{1,9})", shown)
    window = re.search(r"w=(\d{1,9})", policy)
    seconds = int(window[1]) if window else USUAL_SECONDS
    return RateLimit(int(requests[1]), seconds) if requests and seconds else None
