"""What the pipeline needs from the outside world, in its own words."""

from datetime import datetime
from typing import Protocol

from remediator.head import Change, Head, Message
from remediator.jwt import Keys
from remediator.outcome import Event
from remediator.report_link import ReportLink
from remediator.sample import Deadline, Sample


class Shop(Protocol):
    """The service that takes orders. Faults, also a lack of time, are part of the sample."""

    def ready(self) -> None:
        """Get what a login needs. Never raises: what can't be got, the login says."""
        ...

    def login(self, deadline: Deadline) -> Sample:
        """Ask for a token of our diner. Raises SecretError."""
        ...

    def order(self, token: str, deadline: Deadline) -> Sample:
        """Order one pizza."""
        ...

    def logout(self, token: str, deadline: Deadline) -> None:
        """Give the token back. Never raises: a row left behind harms nobody."""
        ...


class ProbedShop(Shop, Protocol):
    """The same service, also asked what costs it nothing."""

    def probe(self, path: str, token: str | None, deadline: Deadline) -> Sample:
        """GET one of the endpoints that are safe to probe, with the token where one is needed."""
        ...


class Factory(Protocol):
    """Whoever signs the pizzas' JWTs and answers a report link."""

    def keys(self, deadline: Deadline) -> Keys:
        """The keys that JWTs are verified by; empty where they can't be had."""
        ...

    def call(self, link: ReportLink, deadline: Deadline) -> Sample:
        """GET the link once, without following redirects."""
        ...


class Store(Protocol):
    """Head and log of one target."""

    def head(self) -> Head:
        """The head as last committed. Raises StateError, UnreadableHead."""
        ...

    def seen(self) -> Head:
        """The head as this process last saw it, read where it never did: it may be old, which `commit` and `join` tell.

        Raises StateError, UnreadableHead.
        """
        ...

    def commit(self, seen: Head, change: Change) -> Head | None:
        """Write the change if the head's `v` is as seen, and no wake is newer than the change allows.

        Returns the new head, or None where somebody else was first. Raises StateError.
        """
        ...

    def join(self, owner: str, sent: datetime) -> bool:
        """Note a wake for the lease's owner; False where that owner has gone. Raises StateError."""
        ...

    def record(self, event: Event) -> None:
        """Write how a delivered event ended, unless what is on record says more (`supersedes`). Raises StateError."""
        ...


class People(Protocol):
    """Those who are told."""

    def ready(self) -> None:
        """Get what a message needs. Never raises, and sends nothing."""
        ...

    def tell(self, message: Message) -> None:
        """Send one message. Raises MessageError."""
        ...
