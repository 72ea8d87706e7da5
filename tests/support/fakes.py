"""In-memory adapters: the same promises as the real ones, for tests that can't open a socket."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from remediator.adapters.secrets import DinerSecret
from remediator.audit import Entry
from remediator.deadline import Deadline
from remediator.jwt import Keys
from remediator.outcome import DeliveryRecord, supersedes
from remediator.report_link import ReportLink
from remediator.sample import Sample
from remediator.state import Change, Notification, State, Summary


@dataclass
class MemoryStore:
    """State, audit log, summaries and delivery records in plain containers."""

    current: State = field(default_factory=State)
    log: list[Entry] = field(default_factory=list)
    summaries: dict[str, Summary] = field(default_factory=dict)
    records: dict[tuple[datetime, str], DeliveryRecord] = field(default_factory=dict)

    def state(self) -> State:
        return self.current

    def commit(self, seen: State, change: Change) -> State | None:
        if self.current.v != seen.v:
            return self.current if self.current.hash == change.new.hash else None
        latest, trigger = change.unless_triggered_after, self.current.last_trigger
        if latest and trigger and trigger > latest:
            return None
        self.current = replace(change.new, last_trigger=trigger)
        self.log.extend(change.entries)
        if change.summary:
            self.summaries[change.summary.id] = change.summary
        return change.new

    def join(self, holder: str, sent: datetime) -> bool:
        if self.current.check is None or self.current.check.lease.holder != holder:
            return False
        if self.current.last_trigger is None or self.current.last_trigger < sent:
            self.current = replace(self.current, last_trigger=sent)
        return True

    def record(self, record: DeliveryRecord) -> None:
        known = self.records.get((record.sent, record.holder))
        if known is None or supersedes(record, known.result.outcome):
            self.records[record.sent, record.holder] = record


class KnownSecret(DinerSecret):
    """Credentials that need no AWS, the same for diner and canary."""

    def __init__(self, email: str, password: str, canary_password: str | None = None) -> None:
        super().__init__(None, "")  # type: ignore[arg-type] # a client that is never asked
        own = {"canary_email": email, "canary_password": canary_password} if canary_password else {}
        self._kept = json.dumps({"email": email, "password": password, **own})

    def forget(self) -> None:
        """There is nothing to read anew."""


@dataclass
class MemoryShop:
    """A shop that answers orders from a list, the last one for ever, as `probes` does by path.

    `meanwhile` happens while an order runs. A path without answers is good.
    """

    answers: Sequence[Sample]
    logins: Sequence[Sample]
    orders: int = 0
    logged_in: int = 0
    logged_out: int = 0
    meanwhile: Callable[[], None] = lambda: None
    probes: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    probed: list[tuple[str, str | None]] = field(default_factory=list)
    canary_logins: Sequence[Sample] | None = None  # by default the same as `logins`
    canary_logged_in: int = 0
    clock: Callable[[], datetime] | None = None  # when each answer began; without it as the answer says

    def login(self, deadline: Deadline) -> Sample:
        answer = self.logins[min(self.logged_in, len(self.logins) - 1)]
        self.logged_in += 1
        return replace(answer, began=self.clock()) if self.clock else answer

    def login_as_canary(self, deadline: Deadline) -> Sample:
        answers = self.canary_logins or self.logins
        answer = answers[min(self.canary_logged_in, len(answers) - 1)]
        self.canary_logged_in += 1
        return replace(answer, began=self.clock()) if self.clock else answer

    def order(self, token: str, deadline: Deadline) -> Sample:
        answer = self.answers[min(self.orders, len(self.answers) - 1)]
        self.orders += 1
        self.meanwhile()
        return replace(answer, began=self.clock()) if self.clock else answer

    def probe(self, path: str, token: str | None, deadline: Deadline) -> Sample:
        self.probed.append((path, token))
        answers = self.probes.get(path, (Sample(datetime.now(UTC), 0.002, 200, b"{}"),))
        answer = answers[min(sum(asked == path for asked, _ in self.probed), len(answers)) - 1]
        return replace(answer, began=self.clock()) if self.clock else answer

    def logout(self, token: str, deadline: Deadline) -> None:
        self.logged_out += 1


@dataclass
class MemoryFactory:
    """A factory that remembers what it was called with, and answers from a list, the last one for ever."""

    answers: Sequence[Sample]
    called: list[ReportLink] = field(default_factory=list)
    known: Keys = field(default_factory=dict)

    def keys(self, deadline: Deadline) -> Keys:
        return self.known

    def call(self, link: ReportLink, deadline: Deadline) -> Sample:
        self.called.append(link)
        return self.answers[min(len(self.called), len(self.answers)) - 1]


@dataclass
class MemoryNotifier:
    """Keeps every notification; `refuse` may raise instead."""

    sent: list[Notification] = field(default_factory=list)
    refuse: Callable[[Notification], None] = lambda notification: None

    def send(self, notification: Notification) -> None:
        self.refuse(notification)
        self.sent.append(notification)
