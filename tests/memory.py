"""In-memory adapters: the same promises as the real ones, for tests that can't open a socket."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from remediator.adapters.secrets import CanarySecret, Credentials
from remediator.head import Change, Entry, Head, Message, Summary
from remediator.jwt import Keys
from remediator.outcome import Event, supersedes
from remediator.report_link import ReportLink
from remediator.sample import Deadline, Sample


@dataclass
class MemoryStore:
    """Head, log, summaries and events in plain containers."""

    current: Head = field(default_factory=Head)
    log: list[Entry] = field(default_factory=list)
    summaries: dict[str, Summary] = field(default_factory=dict)
    events: dict[tuple[datetime, str], Event] = field(default_factory=dict)

    def head(self) -> Head:
        return self.current

    def seen(self) -> Head:
        return self.head()

    def commit(self, seen: Head, change: Change) -> Head | None:
        if self.current.v != seen.v:
            return None
        latest, wake = change.unless_woken_after, self.current.last_wake
        if latest and wake and wake > latest:
            return None
        self.current = replace(change.new, last_wake=wake)
        self.log.extend(change.entries)
        if change.summary:
            self.summaries[change.summary.id] = change.summary
        return self.current

    def join(self, owner: str, sent: datetime) -> bool:
        incident = self.current.incident
        if incident is None or incident.lease is None or incident.lease.owner != owner:
            return False
        if self.current.last_wake is None or self.current.last_wake < sent:
            self.current = replace(self.current, last_wake=sent)
        return True

    def record(self, event: Event) -> None:
        known = self.events.get((event.sent, event.owner))
        if known is None or supersedes(event, known.ending.outcome):
            self.events[event.sent, event.owner] = event


class KnownSecret(CanarySecret):
    """Credentials that need no AWS, the same for diner and canary."""

    def __init__(self, email: str, password: str) -> None:
        super().__init__(None, "")  # type: ignore[arg-type] # a client that is never asked
        self._kept = Credentials.model_validate({"email": email, "password": password})

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

    def ready(self) -> None:
        pass

    def login(self, deadline: Deadline) -> Sample:
        answer = self.logins[min(self.logged_in, len(self.logins) - 1)]
        self.logged_in += 1
        return answer

    def order(self, token: str, deadline: Deadline) -> Sample:
        answer = self.answers[min(self.orders, len(self.answers) - 1)]
        self.orders += 1
        self.meanwhile()
        return answer

    def probe(self, path: str, token: str | None, deadline: Deadline) -> Sample:
        self.probed.append((path, token))
        answers = self.probes.get(path, (Sample(datetime.now(UTC), 0.002, 200, b"{}"),))
        return answers[min(sum(asked == path for asked, _ in self.probed), len(answers)) - 1]

    def logout(self, token: str, deadline: Deadline) -> None:
        self.logged_out += 1


@dataclass
class MemoryFactory:
    """A factory that remembers what it was called with."""

    answer: Sample
    called: list[ReportLink] = field(default_factory=list)
    known: Keys = field(default_factory=dict)

    def keys(self, deadline: Deadline) -> Keys:
        return self.known

    def call(self, link: ReportLink, deadline: Deadline) -> Sample:
        self.called.append(link)
        return self.answer


@dataclass
class MemoryPeople:
    """People who read every message; `refuse` may raise in their place."""

    told: list[Message] = field(default_factory=list)
    refuse: Callable[[Message], None] = lambda message: None

    def ready(self) -> None:
        pass

    def tell(self, message: Message) -> None:
        self.refuse(message)
        self.told.append(message)
