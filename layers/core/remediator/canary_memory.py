"""What the canary's process keeps from one run to the next.

Lambda may end the process at any time: the next run logs in anew, and the old token stays behind in the shop.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from remediator.endpoints import ENDPOINTS
from remediator.sample import Sample

LOGIN_EVERY: Final = timedelta(minutes=15)  # which probes the login
LONGEST_BLIND: Final = timedelta(minutes=30)


@dataclass(slots=True)
class CanaryMemory:
    """`token`: the one held, given at `logged_in_at`; `refused`: the login after it failed.

    `not_before`: from when on the shop may be asked for an endpoint that it refused to look at. `blind_since`: the
    first run whose order is still to be looked at.
    """

    token: str = ""
    logged_in_at: datetime | None = None
    refused: bool = False
    not_before: dict[str, datetime] = field(default_factory=dict)
    blind_since: datetime | None = None

    def wants_login(self, at: datetime) -> bool:
        return self.refused or self.logged_in_at is None or at - self.logged_in_at >= LOGIN_EVERY

    def hold(self, token: str, at: datetime) -> str:
        """Hold this token from now on. Returns the one before, if any."""
        before, self.token, self.logged_in_at, self.refused = self.token, token, at, False
        return before

    def may_ask(self, name: str, at: datetime) -> bool:
        """Whether that endpoint may be asked: the shop takes it, as far as is known, and there is a token if needed."""
        rests = self.not_before.get(name, at) > at
        return not rests and bool(self.token or not ENDPOINTS[name].needs_token)

    def note_refusals(self, answers: Mapping[str, Sample]) -> None:
        """Leave alone what the shop refused to look at, for as long as it asks for."""
        for name, answer in answers.items():
            if answer.is_limited:
                self.not_before[name] = answer.began + timedelta(seconds=answer.elapsed + answer.rest)

    def note_order(self, at: datetime, *, looked_at: bool) -> None:
        """Keep whether the shop looked at the order that was due."""
        self.blind_since = None if looked_at else self.blind_since or at

    def is_blind(self, at: datetime) -> bool:
        """Whether the shop has looked at no order for too long."""
        return self.blind_since is not None and at - self.blind_since >= LONGEST_BLIND
