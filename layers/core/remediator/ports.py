"""What the pipeline needs from the outside world, in its own words."""

from datetime import datetime
from typing import Protocol

from remediator.deadline import Deadline
from remediator.jwt import Keys
from remediator.outcome import DeliveryRecord
from remediator.report_link import ReportLink
from remediator.sample import Sample
from remediator.state import Change, Notification, State


class Shop(Protocol):
    """The service that takes orders. Faults, also a lack of time, are part of the sample."""

    def login(self, deadline: Deadline) -> Sample:
        """Ask for a token of our diner. Raises SecretError."""
        ...

    def login_as_canary(self, deadline: Deadline) -> Sample:
        """Ask for a token of the canary's own diner, or of ours if it has none. Raises SecretError."""
        ...

    def order(self, token: str, deadline: Deadline) -> Sample:
        """Order one pizza."""
        ...

    def probe(self, path: str, token: str | None, deadline: Deadline) -> Sample:
        """GET one of the endpoints that are safe to ask, with the token if it needs one."""
        ...

    def logout(self, token: str, deadline: Deadline) -> None:
        """Give the token back. Never raises: a row left behind harms nobody."""
        ...


class PizzaFactory(Protocol):
    """Whoever signs the pizzas' JWTs and answers a report link."""

    def keys(self, deadline: Deadline) -> Keys:
        """The keys that JWTs are verified by; empty if they are unavailable."""
        ...

    def call(self, link: ReportLink, deadline: Deadline) -> Sample:
        """GET the link once, without following redirects."""
        ...


class Store(Protocol):
    """State and audit log of one target."""

    def state(self) -> State:
        """The state as last committed. Raises StateError, UnreadableState."""
        ...

    def commit(self, seen: State, change: Change) -> State | None:
        """Write the change if the state's `v` is as seen, and no alarm is newer than the change allows.

        Returns the new state, or None if somebody else was first. Raises StateError.
        """
        ...

    def join(self, holder: str, sent: datetime) -> bool:
        """Note an alarm for the lease's holder; False if that holder has gone. Raises StateError."""
        ...

    def record(self, record: DeliveryRecord) -> None:
        """Write how a delivered alarm ended, unless what is on record says more (`supersedes`). Raises StateError."""
        ...


class Notifier(Protocol):
    """The way to those who are notified."""

    def send(self, notification: Notification) -> None:
        """Send one notification. Raises NotificationError."""
        ...
