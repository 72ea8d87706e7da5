"""How often a report link may be called, and whether one may be called now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from remediator.outcome import Outcome
from remediator.state import Mode, State

CALLS_A_RUN: Final = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """The template's limits. `mode` is the ceiling: a person can only lower it."""

    mode: Mode = "act"
    calls_an_hour: int = 6

    def mode_in_force(self, state: State) -> Mode:
        return "observe" if "observe" in (self.mode, state.mode) else "act"

    def calls_left(self, state: State, now: datetime) -> int:
        """How many report links may still be called in this sliding hour."""
        return max(0, self.calls_an_hour - len(state.calls_this_hour(now)))

    def deny(self, state: State, run: str, now: datetime, fingerprint: str) -> tuple[Outcome, str] | None:
        """Why this run may not call that link now, the strongest reason first; None if it may."""
        if pause := state.pause_in_force(now):
            return Outcome.PAUSED, f"paused by {pause.who}: {pause.why}"
        if self.mode_in_force(state) == "observe":
            return Outcome.OBSERVED, "mode is observe; in mode act the report link would have been called"
        if not self.calls_left(state, now):
            used = len(state.calls_this_hour(now))
            return Outcome.LIMITED, f"{used} of {self.calls_an_hour} calls of the last hour are used up"
        calls = state.incident.calls if state.incident else ()
        same = [call for call in calls if call.fingerprint == fingerprint]
        if any(call.answered for call in same):
            return Outcome.UNRESOLVED, "the report link was called and answered, and orders still fail"
        if any(call.not_before and now < call.not_before for call in same):
            return Outcome.UNRESOLVED, "the report link's call got no answer, and it is too soon to repeat it"
        if sum(call.run == run for call in calls) >= CALLS_A_RUN:
            return Outcome.UNRESOLVED, f"{CALLS_A_RUN} calls in this run didn't end the failure"
        return None
