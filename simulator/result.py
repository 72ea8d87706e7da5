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

    @property
    def passed(self) -> bool:
        """Ended and reported as the row says: no call too many, audit log intact, no secret written, the state small,
        each command able to show it, orders good if it healed.
        """
        good = self.orders_good_after >= GOOD_ORDERS_AFTER or self.outcome != Outcome.HEALED
        within = self.report_calls <= self.day.calls
        intact = not self.log_fault and not self.leaks and self.state_bytes < STATE_BYTES and not self.commands_failed
        return self.outcome in self.day.expected and within and good and intact and self._reported()

    def _reported(self) -> bool:
        """Whether there are as many notifications as the row says, beginning as it says."""
        told = self.day.reports
        return told is None or (
            len(told) == len(self.notifications)
            and all(text.startswith(begins) for text, begins in zip(self.notifications, told, strict=True))
        )

    def plain(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "gameday": self.day.name,
            "outcome": self.outcome,
            "expected": list(self.day.expected),
            "passed": self.passed,
            "phases": self.phases,
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
