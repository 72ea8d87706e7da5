"""A model of the protocol: the real pipeline and head over the in-memory store, its runs interleaved at random.

Every call of a port is a point where another run may go on, or where this one may be killed. A killed run comes again
under its own request id, as Lambda does, twice at most, and after that a stranger's alarm comes, as the canary's does.
Outages, copies of alarms, live twins, relapses, pauses and lost answers come as they like. Checked at each run's end:
the log is linear and whole, no call without its intent, no two intents of one link without a sample between, no intent
under a pause, the limit kept, every message sent, and nobody left with a failing shop and no one coming.
"""

import json
import os
import random
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from greenlet import greenlet

from console.records import broken
from remediator import head as judge
from remediator.errors import RemediatorError
from remediator.head import Change, Head, Message, Policy
from remediator.jwt import Keys
from remediator.masking import Mask
from remediator.outcome import Event
from remediator.pipeline import Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy, ReportLink
from remediator.sample import Deadline, Fault, Sample
from tests.memory import MemoryStore
from tests.scenes import BEGAN, GOOD, KEY, LOGIN, RESOLVED, failing, sns

LEASE_SECONDS = 60.0
RETRY_SECONDS = 70.0
STRANGER_SECONDS = 300.0
TRIES = 3


class Killed(BaseException):
    """The process is gone."""


class Inline(Executor):
    """Side by side, one after the other: the world alone interleaves."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a future carries whatever was raised
            future.set_exception(error)
        return future


@dataclass
class Delivery:
    """An event that is due: its request id, when the topic took it, how often it was tried."""

    due: float
    request: str
    sent: datetime
    tries: int = 1


@dataclass
class World:
    """The shop, the factory, the people and the clock that all runs share. Stands in for every port but the store."""

    rng: random.Random
    limit: int
    seconds: float = 0.0
    code: int | None = None  # of the chaos that goes on now
    store: MemoryStore = field(default_factory=MemoryStore)
    deliveries: list[Delivery] = field(default_factory=list)
    running: list[tuple[greenlet, Delivery]] = field(default_factory=list)
    acts: list[tuple[str, str, datetime]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    past: list[Head] = field(default_factory=list)
    outages: int = 0
    events: int = 0

    def now(self) -> datetime:
        self.seconds += 0.001
        return BEGAN + timedelta(milliseconds=round(self.seconds * 1000))

    def hop(self) -> None:
        """Let the others go on, and perhaps be killed."""
        world = greenlet.getcurrent().parent
        assert world is not None
        world.switch()

    # The ports.

    def ready(self) -> None:
        pass

    def login(self, deadline: Deadline) -> Sample:
        self.hop()
        return LOGIN

    def order(self, token: str, deadline: Deadline) -> Sample:
        self.hop()
        began, code = self.now(), self.code
        self.acts.append(("sample", "", began))
        shown = GOOD if code is None else failing(link_of(code))
        self.hop()
        return Sample(began, shown.elapsed, shown.status, shown.body)

    def logout(self, token: str, deadline: Deadline) -> None:
        self.hop()

    def keys(self, deadline: Deadline) -> Keys:
        return {}

    def call(self, link: ReportLink, deadline: Deadline) -> Sample:
        self.hop()
        self.acts.append(("call", link.fingerprint, self.now()))
        lost = self.rng.random()
        if lost >= 0.05 and self.code is not None and link_of(self.code) == link.reveal():
            self.code = None
        self.hop()
        return Sample(self.now(), 0.1, fault=Fault.RESET) if lost < 0.1 else RESOLVED

    def tell(self, message: Message) -> None:
        self.hop()
        self.told.append(message.id)

    # The store, with a hop before and after each step.

    def head(self) -> Head:
        self.hop()
        return self.store.head()

    def seen(self) -> Head:
        """Some head of the past, as a process may have kept it since its last run."""
        return self.rng.choice([self.store.head(), *self.past])

    def commit(self, seen: Head, change: Change) -> Head | None:
        self.hop()
        self.past.append(self.store.head())
        new = self.store.commit(seen, change)
        self.hop()
        return new

    def join(self, owner: str, sent: datetime) -> bool:
        self.hop()
        joined = self.store.join(owner, sent)
        self.hop()
        return joined

    def record(self, event: Event) -> None:
        self.hop()
        self.store.record(event)

    # What happens.

    def begin_outage(self) -> None:
        """Orders begin to fail; one to three copies of the alarm are sent a second later."""
        self.outages += 1
        self.code = self.outages
        sent = self.now() + timedelta(seconds=1)
        for _ in range(self.rng.randint(1, 3)):
            self.deliver(sent, 1 + self.rng.choice((0, 1, 9)))

    def deliver(self, sent: datetime, after: float) -> None:
        self.events += 1
        self.deliveries.append(Delivery(self.seconds + after, f"r-{self.events}", sent))

    def brake(self) -> None:
        """A person pauses, or resumes and so sends a wake."""
        head = self.store.head()
        if head.pause:
            change = judge.resume(head, self.now(), "ana")
            self.deliver(self.now(), 0)
        else:
            change = judge.pause(head, self.now(), "release", "ana", None)
        assert change is not None
        self.store.commit(head, change)

    def start(self, remediator: Remediator) -> None:
        for delivery in [d for d in self.deliveries if d.due <= self.seconds]:
            self.deliveries.remove(delivery)
            self.running.append((self.process(remediator, delivery), delivery))

    def process(self, remediator: Remediator, delivery: Delivery) -> greenlet:
        def run() -> None:
            deadline = Deadline.after(LEASE_SECONDS, lambda: self.seconds)
            try:
                remediator.handle(sns("orders fail", delivery.sent), delivery.request, deadline)
            except (RemediatorError, Killed):
                self.again(delivery)

        return greenlet(run)

    def again(self, delivery: Delivery) -> None:
        if delivery.tries < TRIES:
            due = self.seconds + RETRY_SECONDS
            self.deliveries.append(Delivery(due, delivery.request, delivery.sent, delivery.tries + 1))
        else:  # what was left undone is found by the canary's next wake
            self.deliver(self.now() + timedelta(seconds=STRANGER_SECONDS), STRANGER_SECONDS)

    def step(self, kill: float) -> None:
        """One of the runs goes on to its next port, or is killed there."""
        if not self.running:
            return
        index = self.rng.randrange(len(self.running))
        process, _ = self.running[index]
        if self.rng.random() < kill and process:
            process.throw(Killed())
        else:
            process.switch()
        if process.dead:
            self.running.pop(index)


def link_of(code: int) -> str:
    return f"https://factory.test/api/support/{KEY}/report/c{code}"


def play(seed: int) -> World:
    """One world from beginning to rest. Raises AssertionError where a promise is broken."""
    rng = random.Random(seed)
    world = World(rng, limit=rng.choice((3, 50, 50)))
    remediator = Remediator(
        shop=world,
        factory=world,
        store=world,
        people=world,
        policy=Policy(calls_an_hour=world.limit),
        links=LinkPolicy(frozenset({"factory.test"})),
        link_names=FIELD_NAMES,
        alarm_names=frozenset(),
        resolve=lambda _name, _port: ("93.184.216.34",),
        clock=world.now,
        pool=Inline(),
        mask=Mask(),
        warn=lambda _: None,
        sleep=lambda _: world.hop(),
    )
    for _ in range(rng.randint(20, 120)):
        world.seconds += rng.choice((0, 0.2, 1, 2))
        if rng.random() < 0.05 and world.code is None:
            world.begin_outage()
        if rng.random() < 0.02 and world.running:  # the same event twice at once: Lambda's queue may do so
            twin = rng.choice(world.running)[1]
            world.deliveries.append(Delivery(world.seconds, twin.request, twin.sent, TRIES))
        if rng.random() < 0.02:
            world.brake()
        world.start(remediator)
        for _ in range(rng.randint(0, 6)):
            world.step(kill=0.02)
    if world.store.current.pause:
        world.brake()
    while world.running or world.deliveries:
        world.seconds += 1
        world.start(remediator)
        for _ in range(6):
            world.step(kill=0)
    check(world)
    return world


def check(world: World) -> None:
    """The promises, at rest."""
    log = world.store.log
    assert broken(log) is None
    assert [entry.v for entry in log] == list(range(1, len(log) + 1))
    intents = [(json.loads(entry.data)["link"], entry.at) for entry in log if entry.kind == "intent"]
    calls = [(link, at) for act, link, at in world.acts if act == "call"]
    for link, at in calls:
        assert any(link == wanted and intended < at for wanted, intended in intents), "a call without an intent"
    # Judged at the intents, which are fenced: a twin that slept past its own can't be called back.
    looks = [("", at) for act, _, at in world.acts if act == "sample"]
    seen = sorted([*looks, *intents], key=lambda step: step[1])
    for step, after in pairwise(seen):
        assert not step[0] or step[0] != after[0], "a link intended twice without a look between"
    assert len(calls) <= len(intents)
    for _, at in intents:
        within = sum(timedelta(0) <= at - other < judge.HOUR for _, other in intents)
        assert within <= world.limit, "over the limit"
    paused = False
    for entry in log:
        paused = entry.kind == "paused" or (paused and entry.kind != "resumed")
        assert not (paused and entry.kind == "intent"), "an intent under a pause"
    limited = any('"outcome":"LIMITED"' in entry.data for entry in log)
    assert world.code is None or limited, "the shop fails and nobody comes"
    assert not world.store.current.outbox, "a message was never sent"


def main() -> None:
    """Play as many worlds as asked for, from seed 0 on."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ.get("MODEL_RUNS", "1000"))
    for seed in range(count):
        try:
            play(seed)
        except AssertionError as error:
            sys.stdout.write(f"seed {seed}: {error}\n")
            sys.exit(1)
    sys.stdout.write(f"{count} of {count} worlds kept every promise\n")


if __name__ == "__main__":
    main()
