"""What a game day showed, and whether it ended as its row says."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from remediator.audit import Entry
from remediator.outcome import Outcome
from remediator_cli.records import plain
from simulator.days import GameDay

GOOD_ORDERS_AFTER = 5
STATE_BYTES = 20_000  # what the state may take at most, of the 400 KB that an item holds


@dataclass(slots=True)
class GameDayResult:
    """What a game day showed."""

    day: GameDay
    outcome: str = "NOTHING"
    phases: dict[str, int] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    log_fault: str | None = None
    confirmed: datetime | None = None
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[str] = field(default_factory=list)
    orders_failed: int = 0
    orders_good_after: int = 0
    report_calls: int = 0
    retries: int = 0
    actions: list[str] = field(default_factory=list)
    leaks: int = 0
    state_bytes: int = 0
    commands_failed: list[str] = field(default_factory=list)
    report: str | None = None  # as HTML

    @property
    def passed(self) -> bool:
        """Whether nothing was otherwise than the row says."""
        return not self.faults

    @property
    def faults(self) -> list[str]:
        """What was otherwise than the row says, and how it was to be."""
        calls, good, sent, reports = self.report_calls, self.orders_good_after, self.notifications, self.day.reports
        judged = (
            (self.outcome in self.day.expected, f"it was to end {' or '.join(self.day.expected)}"),
            (calls <= self.day.calls, f"report calls were to be {self.day.calls} at most: {calls} were made"),
            (good >= GOOD_ORDERS_AFTER or self.outcome != Outcome.HEALED,
             f"orders were to be good again, {GOOD_ORDERS_AFTER} of them: {good} were"),
            (self._reported(), f"notifications were to begin {' and '.join(map(repr, reports or ()))}: "
                               f"{' and '.join(repr(text.partition(chr(10))[0]) for text in sent) or 'none'} came"),
            (not self.log_fault, f"the audit log was to be intact: {self.log_fault}"),
            (not self.leaks, f"no secret was to be written: {self.leaks} were"),
            (self.state_bytes < STATE_BYTES, f"the state was to be under {STATE_BYTES} bytes: {self.state_bytes}"),
            (not self.commands_failed, f"these commands were to show it: {', '.join(self.commands_failed)}"),
        )  # fmt: skip
        return [fault for held, fault in judged if not held]

    def _reported(self) -> bool:
        """Whether there are as many notifications as the row says, beginning as it says."""
        told = self.day.reports
        return told is None or (
            len(told) == len(self.notifications)
            and all(text.startswith(begins) for text, begins in zip(self.notifications, told, strict=True))
        )

    @property
    def verdict(self) -> str:
        """The sentence that the day ends with."""
        ended = "passed" if self.passed else "failed"
        return f"Game day '{self.day.name}' {ended}: {'; '.join([self.outcome, *self.faults])}."

    def plain(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "gameday": self.day.name,
            "outcome": self.outcome,
            "expected": list(self.day.expected),
            "passed": self.passed,
            "faults": self.faults,
            "phases": {name.replace(" ", "_"): ms for name, ms in self.phases.items()},
            "log": [plain(entry) for entry in self.log],
            "log_intact": self.log_fault is None,
            "deliveries": self.deliveries,
            "notifications": self.notifications,
            "orders": {"failed": self.orders_failed, "good_after": self.orders_good_after},
            "report_calls": self.report_calls,
            "retries": self.retries,
            "actions": self.actions,
            "leaks": self.leaks,
            "state_bytes": self.state_bytes,
            "commands_failed": self.commands_failed,
        }
