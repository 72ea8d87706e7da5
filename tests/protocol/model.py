"""A model of the protocol: the real pipeline and decisions over the in-memory store, runs interleaved at random.

Every call of a port is a point where another run may go on, or where this one may be killed, or fails. A run that was
killed, or raised, comes again under its own request id, as Lambda has it, three times in all, some of which may be past
already; after the last its request is in the failure queue. Outages of orders and menu, with a link and without,
recoveries by themselves, stretches in which the shop is asked too often, copies of alarms, resolved alarms, live twins,
relapses, pauses, lost answers, reports that don't help, runs with little time and hours in which nothing happens come
as they like; in most worlds the real canary
runs each minute. Every second world is crowded: a few minutes of alarms about orders alone, and no canary. A world may
be calm: nothing is killed, and nothing fails but the shop. What is checked once nobody is left is in `promises`.
"""

import json
import math
import os
import random
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from greenlet import greenlet

from remediator import overrides
from remediator.canary import Canary
from remediator.deadline import Deadline
from remediator.endpoints import ORDER
from remediator.errors import RemediatorError, StateError
from remediator.jwt import Keys
from remediator.limits import Limits
from remediator.link_template import read_templates
from remediator.masking import Mask
from remediator.outcome import CONSEQUENCES, DeliveryRecord, Outcome
from remediator.pipeline import Remediator
from remediator.report_link import FIELD_NAMES, LinkPolicy, ReportLink
from remediator.sample import Fault, Sample
from remediator.state import Change, Notification, State
from tests.protocol import promises
from tests.support.builders import BEGAN, GOOD, KEY, LOGIN, NO_LINK, RESOLVED, SHAPE, alarm, answer, failing, fault, sns
from tests.support.fakes import MemoryStore

SECONDS = (60.0, 60.0, 60.0, 3.0)  # of a run
RETRY_SECONDS = 70.0
TRIES = 3
MENU = "menu"
OUTAGES = ((ORDER,), (ORDER,), (MENU,), (ORDER, MENU))
SHORT = (0, 0.2, 1, 2)  # seconds that pass
LONG = (*(*SHORT, 20, 60) * 4, 600, 4000)  # if nobody runs
NOTHING_NEW = (Outcome.JOINED, Outcome.STOOD_DOWN, Outcome.ALREADY_HEALTHY, Outcome.RATE_LIMITED)
MENU_GOOD = answer(200, [])
BUSY, LOST = answer(503, {}), fault(Fault.RESET)
RESOLVED_ALARM = alarm("OK")["Records"][0]["Sns"]["Message"]
MINUTES_TO_SEE = 3
MINUTES_TO_CLOSE = 130  # two recoveries in a row that were none are an hour apart at most


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
    text: str = "orders fail"


@dataclass
class Outage:
    """One stretch in which the shop fails. `noticed`: complete runs of the canary that saw it; `checked`: triggers that
    ended in a check of it. `excused`: it began while the end of the one before was still being looked into.
    """

    began: datetime
    excused: bool
    ended: datetime | None = None
    noticed: int = 0
    checked: int = 0


@dataclass
class World:
    """Shop, factory, notifier and clock that all runs share. Stands in for every port; what it stores is in `store`."""

    rng: random.Random
    limit: int
    calm: bool = False
    crowded: bool = False
    seconds: float = 0.0
    limited_until: float = 0.0  # until then the shop answers 429
    failing: dict[str, int | None] = field(default_factory=dict)  # endpoints, with the code of the link they offer
    failing_since: datetime = BEGAN
    store: MemoryStore = field(default_factory=MemoryStore)
    deliveries: list[Delivery] = field(default_factory=list)
    running: list[tuple[greenlet, Delivery]] = field(default_factory=list)
    acts: list[tuple[str, str, datetime]] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)
    reported: list[tuple[str, datetime]] = field(default_factory=list)  # what went into the outbox, and when
    sent: int = 0
    alarms: list[tuple[str, datetime]] = field(default_factory=list)  # request and time of each of a failure
    paced: set[str] = field(default_factory=set)  # requests that came before the next check was due
    left_to_pace: list[datetime] = field(default_factory=list)  # when checks began that Lambda needn't try again
    joined: list[tuple[str, str]] = field(default_factory=list)  # a request, and the one whose run it joined
    failure_queue: set[str] = field(default_factory=set)
    holder: greenlet | None = None  # the process that claimed last
    unheld: list[str] = field(default_factory=list)  # what others wrote that is the holder's to write
    outages: list[Outage] = field(default_factory=list)
    seen_good: datetime = BEGAN  # when the canary's last run began that saw everything good

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
        return self._limited(LOGIN)

    login_as_canary = login

    def order(self, token: str, deadline: Deadline) -> Sample:
        self.hop()
        began, shown = self.now(), self._limited(self._answer(ORDER, GOOD))
        if not shown.is_limited:
            self.acts.append(("sample", "", began))
        self.hop()
        return replace(shown, began=began)

    def probe(self, path: str, token: str | None, deadline: Deadline) -> Sample:
        self.hop()
        shown = self._answer(MENU, MENU_GOOD) if path.endswith(MENU) else MENU_GOOD
        return self._limited(shown)

    def _limited(self, shown: Sample) -> Sample:
        """The answer as of now, or that the shop is asked too often."""
        rest = math.ceil(self.limited_until - self.seconds)
        return replace(answer(429, {}, retry_after=rest) if rest > 0 else shown, began=self.now())

    def _answer(self, endpoint: str, good: Sample) -> Sample:
        if endpoint not in self.failing:
            return good
        code = self.failing[endpoint]
        return NO_LINK if code is None else failing(link_of(code))

    def logout(self, token: str, deadline: Deadline) -> None:
        self.hop()

    def keys(self, deadline: Deadline) -> Keys:
        return {}

    def call(self, link: ReportLink, deadline: Deadline) -> Sample:
        self.hop()
        self.acts.append(("call", link.fingerprint, self.now()))
        chance = self.rng.random()  # below 0.1 it doesn't help, from 0.05 to 0.15 there is no answer
        if chance >= 0.1:
            self._end({name for name, code in self.failing.items() if code and link_of(code) == link.reveal()})
        self.hop()
        return self.rng.choice((BUSY, LOST)) if 0.05 <= chance < 0.15 else RESOLVED

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
        if new:
            self._note(seen, change)
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
        if "next check is due" in record.result.reason:
            self.paced.add(request_of(record.holder))
        self.store.record(record)

    def publish(self, text: str) -> None:
        self.hop()
        self.send_alarm(self.now(), 0, text)

    def _note(self, seen: State, change: Change) -> None:
        if change.outcome is Outcome.RATE_LIMITED and seen.check:
            self.paced.add(request_of(seen.check.lease.holder))
        known = {each.id for each in seen.outbox}
        self.reported += [(each.id, self.now()) for each in change.new.outbox if each.id not in known]
        if change.outcome and CONSEQUENCES[change.outcome].raises and not change.retry:
            self.left_to_pace.append(datetime.fromisoformat(json.loads(change.entries[-1].data)["began"]))

    def _hop_or_fail(self) -> None:
        self.hop()
        if self.rng.random() < 0.005 and not self.calm:
            raise StateError("the state can't be written")

    def sleep(self, seconds: float) -> None:
        """Others go on meanwhile."""
        until = self.seconds + seconds
        self.hop()
        self.seconds = max(self.seconds, until)

    # What happens.

    def begin_outage(self) -> None:
        """Endpoints begin to fail; if orders do, one to three copies of an alarm are sent, at once or a second later.

        What nobody has seen end goes on.
        """
        self.failing_since = now = self.now()
        last = self.outages[-1] if self.outages else None
        if last and last.ended and self.seen_good <= last.ended:
            last.ended = None
        else:
            incident = self.store.current.incident
            unclear = incident and (self.running or self.deliveries or not incident.last or incident.last.recovery)
            self.outages.append(Outage(now, bool(unclear)))
        code = self.rng.choice((None, *[self.sent + 1] * 3))
        self.failing = dict.fromkeys(OUTAGES[0] if self.crowded else self.rng.choice(OUTAGES), code)
        later = self.rng.choice((0, 1))
        for _ in range(self.rng.randint(1, 3) if ORDER in self.failing else 0):
            self.send_alarm(now + timedelta(seconds=later), later + self.rng.choice((0, 1, 9)))

    def recover(self) -> None:
        """The shop recovers by itself, or by a person; perhaps an alarm says so."""
        self._end(set(self.failing))
        if self.rng.random() < 0.5:
            self.send_alarm(self.now(), 0, RESOLVED_ALARM)

    def _end(self, endpoints: set[str]) -> None:
        """These are healthy from now on."""
        ended = endpoints & self.failing.keys()
        self.failing = {name: code for name, code in self.failing.items() if name not in ended}
        if ended and not self.failing:
            self.outages[-1].ended = self.now()

    def send_alarm(self, sent: datetime, after: float, text: str = "orders fail") -> None:
        self.sent += 1
        request = f"r-{self.sent}"
        if text is not RESOLVED_ALARM and '"status": "resolved"' not in text:
            self.alarms.append((request, sent))
        tries = 1 if self.calm else self.rng.choice((1, 1, 1, TRIES))
        self.deliveries.append(Delivery(self.seconds + after, request, sent, tries, text))

    def send_twin(self) -> None:
        """The same event twice at once: Lambda's queue may do so."""
        twin = self.rng.choice(self.running)[1]
        if twin.request != "the canary":
            self.deliveries.append(Delivery(self.seconds, twin.request, twin.sent, TRIES, twin.text))

    def pause_or_resume(self) -> None:
        """A person pauses, or resumes and so sends an alarm."""
        state = self.store.state()
        if state.pause:
            change = overrides.resume(state, self.now(), "ana")
            self.send_alarm(self.now(), 0)
        else:
            change = overrides.pause(state, self.now(), "release", "ana", None)
        assert isinstance(change, Change)
        self.store.commit(state, change)

    def start(self, remediator: Remediator) -> None:
        for delivery in [each for each in self.deliveries if each.due <= self.seconds]:
            self.deliveries.remove(delivery)
            self.running.append((self.process(remediator, delivery), delivery))

    def process(self, remediator: Remediator, delivery: Delivery) -> greenlet:
        def run() -> None:
            deadline = Deadline.after(60.0 if self.calm else self.rng.choice(SECONDS), lambda: self.seconds)
            outage = self._ongoing()
            try:
                (result,) = remediator.handle(sns(delivery.text, delivery.sent), delivery.request, deadline)
            except (RemediatorError, Killed):
                self.again(delivery)
            else:
                if outage and outage is self._ongoing() and result.outcome not in NOTHING_NEW:
                    outage.checked += 1

        return greenlet(run)

    def run_canary(self, canary: Canary) -> None:
        """One run of the canary, beside whatever else runs."""

        def run() -> None:
            began, outage = self.now(), self._ongoing()
            try:
                report = canary.run(began, Deadline.after(30, lambda: self.seconds))
            except (RemediatorError, Killed):
                return
            if not report.failed:
                self.seen_good = began
            elif outage and outage is self._ongoing():
                outage.noticed += 1

        self.running.append((greenlet(run), Delivery(self.seconds, "the canary", self.now())))

    @property
    def last_end(self) -> datetime:
        """When the last outage ended."""
        return next((each.ended for each in reversed(self.outages) if each.ended), BEGAN)

    def _ongoing(self) -> Outage | None:
        return self.outages[-1] if self.failing else None

    def again(self, delivery: Delivery) -> None:
        if delivery.tries < TRIES:
            due = self.seconds + RETRY_SECONDS
            again = Delivery(due, delivery.request, delivery.sent, delivery.tries + 1, delivery.text)
            self.deliveries.append(again)
        else:
            self.failure_queue.add(delivery.request)

    def step(self, kill: float) -> None:
        """One of the runs goes on to its next port, or is killed there."""
        if not self.running:
            return
        index = self.rng.randrange(len(self.running))
        process, _ = self.running[index]
        if self.rng.random() < kill and process and not self.calm:
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
    crowded, calm = bool(seed % 2), seed % 3 == 0
    world = World(rng, limit=rng.choice((3, 50, 50)), calm=calm, crowded=crowded, store=store or MemoryStore())
    remediator = remediator_of(world)
    canary = canary_of(world) if not crowded and rng.random() < 0.9 else None
    for _ in range(rng.randint(20, 120)):
        busy = crowded or world.running or world.deliveries
        pass_time(world, remediator, canary, rng.choice(SHORT if busy else LONG))
        if rng.random() < (0.2 if world.running else 0.05) and not world.failing:
            world.begin_outage()
        disturb(world, limits=seed % 5 == 0)
        world.start(remediator)
        for _ in range(rng.randint(0, 6)):
            world.step(kill=0.02)
    if world.store.current.pause:
        world.pause_or_resume()
    settle(world, remediator)
    for minute in range(MINUTES_TO_CLOSE if canary else 0):
        pass_time(world, remediator, canary, 60)
        settle(world, remediator)
        if minute + 1 >= MINUTES_TO_SEE if world.failing else world.store.current.incident is None:
            break
    promises.check(world, watched=canary is not None)
    return world


def disturb(world: World, *, limits: bool) -> None:
    """Perhaps the shop recovers or is asked too often, an event comes twice, or a person pauses or resumes."""
    rng = world.rng
    if rng.random() < 0.03 and world.failing and not world.crowded:
        world.recover()
    if limits and rng.random() < 0.02:
        world.limited_until = world.seconds + rng.choice((3, 20, 200, 1500))
    if rng.random() < 0.02 and world.running:
        world.send_twin()
    if rng.random() < 0.02:
        world.pause_or_resume()


def pass_time(world: World, remediator: Remediator, canary: Canary | None, seconds: float) -> None:
    """Let that time pass, with the canary's run at each full minute, unless it would see a quiet shop once more."""
    until = world.seconds + seconds
    while canary and (minute := 60 * (world.seconds // 60 + 1)) <= until:
        quiet = not (world.failing or world.running or world.deliveries or world.store.current.incident)
        world.seconds = minute
        if quiet and world.seen_good > world.last_end:
            continue
        world.run_canary(canary)
        if seconds > max(SHORT):
            settle(world, remediator)
    world.seconds = max(world.seconds, until)


def settle(world: World, remediator: Remediator) -> None:
    """Go on until nobody is left."""
    while world.running or world.deliveries:
        if not world.running:
            world.seconds += 1
        world.start(remediator)
        for _ in range(6):
            world.step(kill=0.005)


def remediator_of(world: World) -> Remediator:
    return Remediator(
        shop=world,
        factory=world,
        store=world,
        notifier=world,
        limits=Limits(calls_an_hour=world.limit),
        links=LinkPolicy(read_templates(SHAPE)),
        link_names=FIELD_NAMES,
        alarm_names=frozenset(),
        resolve=lambda _name, _port: ("93.184.216.34",),
        clock=world.now,
        pool=Inline(),
        mask=Mask(),
        warn=lambda _: None,
        sleep=world.sleep,
    )


def canary_of(world: World) -> Canary:
    return Canary(
        shop=world,
        keys=lambda _deadline: {},
        store=world,
        publish=world.publish,
        minutes=1,
        link_names=FIELD_NAMES,
        clock=world.now,
        pool=Inline(),
        mask=Mask(),
        sleep=world.sleep,
    )


def judge(seed: int) -> tuple[bool, str]:
    """Whether that world ended with a failing shop, and which promise was broken, if any."""
    try:
        return bool(play(seed).failing), ""
    except AssertionError as error:
        return False, f"seed {seed}: {error}"


def main() -> None:
    """Play as many worlds as asked for, from seed 0 on, on all processors."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else int(os.environ.get("MODEL_RUNS", "1000"))
    failing = 0
    with ProcessPoolExecutor() as pool:
        for failed, broken in pool.map(judge, range(count), chunksize=50):
            if broken:
                sys.exit(broken)
            failing += failed
    sys.stdout.write(f"{count} of {count} worlds kept every promise; {failing} of them ended with a failing shop\n")


if __name__ == "__main__":
    main()
