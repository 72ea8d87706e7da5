"""A model of the protocol: the real pipeline and decisions over the in-memory store, runs interleaved at random.

Every call of a port is a point where another run may go on, or where this one may be killed, or fails. A run that was
killed, or raised, comes again under its own request id, as Lambda has it, three times in all, some of which may be past
already; after the last its request is in the failure queue. Outages, copies of alarms, live twins, relapses, pauses,
lost answers, reports that don't help and runs with little time come as they like. Checked once nobody is left: the log
is intact, has no gap and is written by whoever holds the lease, no call without its intent, no link intended twice
without a sample between, or once it was answered, no intent under a pause, the limit kept, every notification sent, and
no alarm lost (`check_alarms`).
"""

import json
import os
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from greenlet import greenlet

from remediator import decisions
from remediator.audit import Entry, verify_chain
from remediator.deadline import Deadline
from remediator.errors import RemediatorError, StateError
from remediator.jwt import Keys
from remediator.masking import Mask
from remediator.outcome import CONSEQUENCES, DeliveryRecord, Outcome
from remediator.pipeline import Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy, ReportLink
from remediator.sample import Fault, Sample
from remediator.state import HOUR, Change, Limits, Notification, State
from tests.support.builders import BEGAN, GOOD, KEY, LOGIN, RESOLVED, failing, sns
from tests.support.fakes import MemoryStore

SECONDS = (60.0, 60.0, 60.0, 3.0)  # of a run
RETRY_SECONDS = 70.0
TRIES = 3
# Outcomes after which a person has been notified of the failure and nobody comes again.
REPORTED = frozenset(
    outcome
    for outcome, then in CONSEQUENCES.items()
    if then.tone != "none" and not then.raises and outcome not in (Outcome.HEALED, Outcome.ALREADY_HEALTHY)
)


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
    """An event that is due: its request id, when the topic took it, which of its tries this is."""

    due: float
    request: str
    sent: datetime
    tries: int = 1


@dataclass
class World:
    """Shop, factory, notifier and clock that all runs share. Stands in for every port; what it stores is in `store`."""

    rng: random.Random
    limit: int
    seconds: float = 0.0
    code: int | None = None  # of the chaos that goes on now
    failing_since: datetime = BEGAN
    store: MemoryStore = field(default_factory=MemoryStore)
    deliveries: list[Delivery] = field(default_factory=list)
    running: list[tuple[greenlet, Delivery]] = field(default_factory=list)
    acts: list[tuple[str, str, datetime]] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)
    alarms: list[tuple[str, datetime]] = field(default_factory=list)  # request and time of each that was sent
    joined: list[tuple[str, str]] = field(default_factory=list)  # a request, and the one whose run it joined
    failure_queue: set[str] = field(default_factory=set)
    holder: greenlet | None = None  # the process that claimed last
    unheld: list[str] = field(default_factory=list)  # what others wrote that is the holder's to write
    outages: int = 0

    def now(self) -> datetime:
        self.seconds += 0.001
        return BEGAN + timedelta(milliseconds=round(self.seconds * 1000))

    def hop(self) -> None:
        """Let the others go on, and perhaps be killed."""
        world = greenlet.getcurrent().parent
        assert world is not None
        world.switch()

    # The ports.

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
        chance = self.rng.random()  # below 0.1 it doesn't help, from 0.05 to 0.15 the answer is lost
        if chance >= 0.1 and self.code is not None and link_of(self.code) == link.reveal():
            self.code = None
        self.hop()
        return Sample(self.now(), 0.1, fault=Fault.RESET) if 0.05 <= chance < 0.15 else RESOLVED

    def send(self, notification: Notification) -> None:
        self.hop()
        self.notified.append(notification.id)

    # The store, with a hop before and after each step.

    def state(self) -> State:
        self.hop()
        return self.store.state()

    def commit(self, seen: State, change: Change) -> State | None:
        self._hop_or_fail()
        new = self.store.commit(seen, change)
        if new and change.kind == "claimed":
            self.holder = greenlet.getcurrent()
        elif new and change.kind in ("intent", "answer", "finished") and self.holder is not greenlet.getcurrent():
            self.unheld.append(change.kind)
        self.hop()
        return new

    def join(self, holder: str, sent: datetime) -> bool:
        self._hop_or_fail()
        joined = self.store.join(holder, sent)
        if joined:
            mine = next(each for process, each in self.running if process is greenlet.getcurrent())
            self.joined.append((mine.request, request_of(holder)))
        self.hop()
        return joined

    def record(self, record: DeliveryRecord) -> None:
        self._hop_or_fail()
        self.store.record(record)

    def _hop_or_fail(self) -> None:
        self.hop()
        if self.rng.random() < 0.005:
            raise StateError("the state can't be written")

    # What happens.

    def begin_outage(self) -> None:
        """Orders begin to fail; one to three copies of the alarm are sent, at once or a second later."""
        self.outages += 1
        self.code, self.failing_since = self.outages, self.now()
        later = self.rng.choice((0, 1))
        for _ in range(self.rng.randint(1, 3)):
            self.send_alarm(self.failing_since + timedelta(seconds=later), later + self.rng.choice((0, 1, 9)))

    def send_alarm(self, sent: datetime, after: float) -> None:
        request = f"r-{len(self.alarms) + 1}"
        self.alarms.append((request, sent))
        self.deliveries.append(Delivery(self.seconds + after, request, sent, self.rng.choice((1, 1, 1, TRIES))))

    def send_twin(self) -> None:
        """The same event twice at once: Lambda's queue may do so."""
        twin = self.rng.choice(self.running)[1]
        self.deliveries.append(Delivery(self.seconds, twin.request, twin.sent, TRIES))

    def pause_or_resume(self) -> None:
        """A person pauses, or resumes and so sends an alarm."""
        state = self.store.state()
        if state.pause:
            change = decisions.resume(state, self.now(), "ana")
            self.send_alarm(self.now(), 0)
        else:
            change = decisions.pause(state, self.now(), "release", "ana", None)
        assert isinstance(change, Change)
        self.store.commit(state, change)

    def start(self, remediator: Remediator) -> None:
        for delivery in [each for each in self.deliveries if each.due <= self.seconds]:
            self.deliveries.remove(delivery)
            self.running.append((self.process(remediator, delivery), delivery))

    def process(self, remediator: Remediator, delivery: Delivery) -> greenlet:
        def run() -> None:
            deadline = Deadline.after(self.rng.choice(SECONDS), lambda: self.seconds)
            try:
                remediator.handle(sns("orders fail", delivery.sent), delivery.request, deadline)
            except (RemediatorError, Killed):
                self.again(delivery)

        return greenlet(run)

    def again(self, delivery: Delivery) -> None:
        if delivery.tries < TRIES:
            due = self.seconds + RETRY_SECONDS
            self.deliveries.append(Delivery(due, delivery.request, delivery.sent, delivery.tries + 1))
        else:
            self.failure_queue.add(delivery.request)

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


def request_of(holder: str) -> str:
    return holder.partition("#")[0]


def play(seed: int, store: MemoryStore | None = None) -> World:
    """One world from beginning to rest. Raises AssertionError if a promise is broken."""
    rng = random.Random(seed)
    world = World(rng, limit=rng.choice((3, 50, 50)), store=store or MemoryStore())
    remediator = Remediator(
        shop=world,
        factory=world,
        store=world,
        notifier=world,
        limits=Limits(calls_an_hour=world.limit),
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
        if rng.random() < (0.2 if world.running else 0.05) and world.code is None:
            world.begin_outage()
        if rng.random() < 0.02 and world.running:
            world.send_twin()
        if rng.random() < 0.02:
            world.pause_or_resume()
        world.start(remediator)
        for _ in range(rng.randint(0, 6)):
            world.step(kill=0.02)
    if world.store.current.pause:
        world.pause_or_resume()
    while world.running or world.deliveries:
        world.seconds += 1
        world.start(remediator)
        for _ in range(6):
            world.step(kill=0.005)
    check_calls(world)
    check_log(world)
    check_notifications(world)
    check_alarms(world)
    return world


def check_calls(world: World) -> None:
    """Each call has its intent; each intent of a link follows a sample; the limit is kept."""
    intents = [(json.loads(entry.data)["link"], entry.at) for entry in world.store.log if entry.kind == "intent"]
    calls = [(link, at) for act, link, at in world.acts if act == "call"]
    for link, at in calls:
        assert any(link == wanted and intended < at for wanted, intended in intents), "a call without an intent"
    assert len(calls) <= len(intents)
    # Judged at the intents, which are fenced: a twin that slept past its own can't be called back.
    samples = [("", at) for act, _, at in world.acts if act == "sample"]
    for step, after in pairwise(sorted([*samples, *intents], key=lambda step: step[1])):
        assert not step[0] or step[0] != after[0], "a link intended twice without a sample between"
    for _, at in intents:
        within = sum(timedelta(0) <= at - other < HOUR for _, other in intents)
        assert within <= world.limit, "over the limit"


def check_log(world: World) -> None:
    """It is intact, and nobody wrote what wasn't theirs to write."""
    log = world.store.log
    assert verify_chain(log) is None, verify_chain(log)
    assert [entry.v for entry in log] == list(range(1, len(log) + 1))
    assert not world.unheld, f"{world.unheld} of a run that doesn't hold the lease"
    paused, answered = False, set()
    for entry in log:
        data = json.loads(entry.data)
        paused = entry.kind == "paused" or (paused and entry.kind != "resumed")
        if entry.kind == "intent":
            assert not paused, "an intent under a pause"
            assert (entry.incident, data["link"]) not in answered, "a link intended again that was answered"
        if entry.kind == "answer" and not data["fault"]:
            answered.add((entry.incident, data["link"]))


def check_notifications(world: World) -> None:
    """Each was sent, or whoever had to is in the failure queue."""
    for waiting in world.store.current.outbox:
        known = waiting.id in world.notified or request_of(waiting.holder) in world.failure_queue
        assert known, "a notification was never sent"


def check_alarms(world: World) -> None:
    """No alarm of an outage that goes on was lost.

    Either a check that began after it ended in an outcome that was reported; or its request is in the failure queue, or
    that whose run it joined, or that which took such a run over.
    """
    if world.code is None:
        return
    reported = [began for began, outcome in _finishes(world.store.log) if outcome in REPORTED]
    leads_to = defaultdict(set)
    for request, other in [*world.joined, *_taken_over(world.store.log)]:
        leads_to[request].add(other)
    for request, sent in world.alarms:
        if sent >= world.failing_since and not any(began >= sent for began in reported):
            assert _reach(request, leads_to) & world.failure_queue, f"the alarm of {request} is lost, the shop fails"


def _finishes(log: Sequence[Entry]) -> list[tuple[datetime, str]]:
    """When each check began that was finished, and its outcome."""
    found = [json.loads(entry.data) for entry in log if entry.kind == "finished"]
    return [(datetime.fromisoformat(data["began"]), data["outcome"]) for data in found]


def _taken_over(log: Sequence[Entry]) -> list[tuple[str, str]]:
    """The requests whose run lost its check to another's, each with that one."""
    steps = [entry for entry in log if entry.kind in ("claimed", "finished")]
    return [
        (request_of(json.loads(entry.data)["holder"]), request_of(json.loads(after.data)["holder"]))
        for entry, after in pairwise(steps)
        if entry.kind == after.kind == "claimed"
    ]


def _reach(request: str, leads_to: dict[str, set[str]]) -> set[str]:
    """The request, and all that follow from it."""
    found: set[str] = set()
    new = {request}
    while new:
        found |= new
        new = {other for each in new for other in leads_to[each]} - found
    return found


def main() -> None:
    """Play as many worlds as asked for, from seed 0 on."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ.get("MODEL_RUNS", "1000"))
    unhealed = 0
    for seed in range(count):
        try:
            unhealed += play(seed).code is not None
        except AssertionError as error:
            sys.stdout.write(f"seed {seed}: {error}\n")
            sys.exit(1)
    sys.stdout.write(f"{count} of {count} worlds kept every promise; {unhealed} of them ended with a failing shop\n")


if __name__ == "__main__":
    main()
