"""What is known of one incident: its audit log, its alarms, the shop's metric of orders."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from remediator.audit import Entry, verify_chain
from remediator.bootstrap import now
from remediator.outcome import Outcome
from remediator.state import Summary
from remediator_cli import orders, timeline
from remediator_cli.orders import Orders
from remediator_cli.records import part_of
from remediator_cli.stack import Stack

DAYS_OF_ALARMS = 7  # an incident open for longer has its alarms of the first week read


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """One incident. `orders`: what the shop's metric says, or one sentence why that is unknown. `alarms`: the
    deliveries that belong to it. `fault`: what is wrong with its part of the audit log or at that part's ends, None if
    it is intact.
    """

    stack: str
    incident: Summary
    log: tuple[Entry, ...]
    alarms: tuple[Mapping[str, Any], ...]
    orders: Orders | str
    fault: str | None
    written: datetime

    @property
    def outcome(self) -> Outcome | None:
        """The latest; None while the first check runs."""
        return self.incident.outcome

    @property
    def lines(self) -> tuple[timeline.TimelineLine, ...]:
        """The timeline, with the first failed order, if the metric tells."""
        logged = timeline.read_entries(self.log, self.incident.opened_at)
        if self.began is None:
            return logged
        before = (self.began - self.incident.opened_at).total_seconds()
        how = "by the shop's metric" if isinstance(self.orders, Orders) and self.orders.exact else "or earlier"
        first = timeline.TimelineLine(self.began, before, "diners", "first failed order", how)
        place = sum(line.at < self.began for line in logged)
        return (*logged[:place], first, *logged[place:])

    @property
    def began(self) -> datetime | None:
        """When the first order failed, if the metric tells: the start of that period."""
        return self.orders.began if isinstance(self.orders, Orders) else None

    @property
    def seconds_open(self) -> float:
        """From the trigger to the end, or until now."""
        return ((self.incident.ended_at or self.written) - self.incident.opened_at).total_seconds()

    @property
    def seconds_to_notice(self) -> float | None:
        """From the first failed order to the trigger, if the metric tells."""
        return max(0.0, (self.incident.opened_at - self.began).total_seconds()) if self.began else None

    def data(self, *kinds: str) -> list[dict[str, Any]]:
        """The data of the log's entries of these kinds, oldest first."""
        return [json.loads(entry.data) for entry in self.log if entry.kind in kinds]

    @property
    def calls(self) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
        """Each intent to call the report link with its answer, None where none was written."""
        found: list[tuple[dict[str, Any], dict[str, Any] | None]] = []
        for entry in self.log:
            if entry.kind == "intent":
                found.append((json.loads(entry.data), None))
            elif entry.kind == "answer" and found:
                found[-1] = (found[-1][0], json.loads(entry.data))
        return found


def gather(stack: Stack, incident: Summary) -> IncidentFacts:
    """Read all that is known of an incident."""
    at = now()
    state = stack.records.state()  # before the log: what is written between follows
    around = stack.records.log_around(incident)
    has_next = incident.ended_at and around and around[-1].v > incident.last_v + 1
    end = () if has_next else (state.v, state.last)
    ended = incident.ended_at or at
    last = min(ended, incident.opened_at + timedelta(days=DAYS_OF_ALARMS - 1))
    deliveries = stack.records.deliveries(incident.opened_at, last)
    alarms = [each for each in deliveries if each["incident"] == incident.id]
    counted = orders.count(stack, incident.opened_at, ended)
    log = tuple(part_of(incident, around))
    fault = verify_chain(around, at, *end, first=incident.first_v - 1)
    return IncidentFacts(stack.name, incident, log, tuple(alarms), counted, fault, at)
