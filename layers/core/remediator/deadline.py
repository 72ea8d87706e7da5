"""The time a run may take."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a run has to be over: every time-out comes out of this one budget.

    `ends`: seconds on `clock`, which never goes back.
    """

    ends: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Self:
        return cls(clock() + seconds, clock)

    @property
    def left(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.ends - self.clock())

    def allow(self, at_most: float) -> float:
        """Seconds that one step may take: what it asks for, or what is left."""
        return min(at_most, self.left)
