"""One game day, from an empty machine to the result: the real template in a local AWS, a shop, diners, chaos."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from console.gameday.days import GameDay
from console.gameday.diners import Diners
from console.gameday.scene import METRIC, NAMESPACE, Elsewhere, Scene, emulate
from console.gameday.shop import Shop
from console.gameday.shop.conditions import CONDITIONS
from console.incidents import known
from console.records import Records, broken, plain
from console.report.facts import gather
from console.report.page import html
from remediator.head import Entry
from remediator.outcome import Outcome

SECONDS_TO_WAKE = 240.0
SECONDS_FOR_A_PERSON = 600.0
SECONDS_TO_END = 300.0
GOOD_ORDERS_AFTER = 5
SECONDS_OF_A_STAMP = 1.0  # the local SNS cuts its time stamps to the second; AWS's are to the millisecond


@dataclass(frozen=True, slots=True)
class Way:
    """How a game day is played. `enforce`: IAM enforced. `emulator`: the function runs in AWS's runtime emulator.

    `copies`: how many copies of the alarm reach the topic at once, and `again`: one after the other.
    `elsewhere`: a shop that runs already, in place of our own. `html`: where the incident's report is written.
    """

    enforce: bool = False
    emulator: bool = False
    copies: int = 0
    again: int = 0
    slow_seconds: float = 32.0
    elsewhere: Elsewhere | None = None
    html: Path | None = None


@dataclass(slots=True)
class Result:
    """What a game day showed."""

    day: GameDay
    outcome: str = "NOTHING"
    phases: dict[str, int] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    log_fault: str | None = None
    confirmed: datetime | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    orders_failed: int = 0
    orders_good_after: int = 0
    report_calls: int = 0
    retries: int = 0
    actions: list[str] = field(default_factory=list)
    leaks: int = 0

    @property
    def passed(self) -> bool:
        """Ended as the row says: no call too many, log whole, no secret written, orders good again where it healed."""
        good = self.orders_good_after >= GOOD_ORDERS_AFTER or self.outcome != Outcome.HEALED
        within = self.report_calls <= self.day.calls
        whole = not self.log_fault and not self.leaks
        return self.outcome in self.day.expected and within and good and whole

    def plain(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "gameday": self.day.name,
            "outcome": self.outcome,
            "expected": list(self.day.expected),
            "passed": self.passed,
            "phases": self.phases,
            "log": [plain(entry) for entry in self.log],
            "log_whole": self.log_fault is None,
            "events": self.events,
            "messages": self.messages,
            "orders": {"failed": self.orders_failed, "good_after": self.orders_good_after},
            "report_calls": self.report_calls,
            "retries": self.retries,
            "actions": self.actions,
            "leaks": self.leaks,
        }


def play(day: GameDay, way: Way, step: Callable[[str], None]) -> Result:
    """Play the day; `step` is told what is being done. Everything started is ended, also on an interrupt."""
    result = Result(day)
    with ExitStack() as stack:
        step("starting the shop and the local AWS")
        shop = way.elsewhere or stack.enter_context(Shop(slow_seconds=way.slow_seconds))
        scene = stack.enter_context(Scene(shop, day, enforce=way.enforce))
        step("building the template and deploying it")
        scene.deploy()
        if way.emulator:
            step("starting the runtime emulator")
            emulate(stack, scene)
        diners = Diners(shop.url, scene.aws.client("cloudwatch"), NAMESPACE, METRIC)
        if day.diners:
            stack.enter_context(diners)
        seen = heard = 0
        opened = datetime.now(UTC)
        if isinstance(shop, Shop) and not day.is_ill_set:
            _look_while_well(scene, step)
            seen, heard = len(scene.records.log()), len(scene.records.events(opened))
        course = Course(scene, diners, way, seen, heard, opened, datetime.now(UTC))
        result.confirmed = _woken(course, step)
        step("woken: it looks, and acts if it may")
        over = f"the outcome {' or '.join(day.expected)}"
        _until(lambda: _over(scene.records, seen, day.wakes), SECONDS_TO_END, over)
        ended = time.time()
        step("over: letting diners order")
        if not day.diners:
            stack.enter_context(diners)
        _settle(course, ended)
        _collect(result, course, ended)
        if way.html:
            told = next(entry.incident for entry in result.log[seen:] if entry.incident)
            way.html.write_text(html(gather(scene.stack, known(scene.stack, told))), encoding="utf-8")
        step("ending what was started")
    return result


@dataclass(frozen=True, slots=True)
class Course:
    """A day under way, its events those since `opened`.

    `seen` log entries and `heard` events were there before the shop broke, at `began`.
    """

    scene: Scene
    diners: Diners
    way: Way
    seen: int
    heard: int
    opened: datetime
    began: datetime


def _woken(course: Course, step: Callable[[str], None]) -> datetime | None:
    """Break the shop and wait for the alarm. When the canary confirmed the failure, where it is the one."""
    scene, shop, confirmed = course.scene, course.scene.shop, None
    if isinstance(shop, Shop):
        confirmed = _break(scene, shop, course.seen, step)
    else:
        step("waiting for orders to fail: start the chaos")
    patience = SECONDS_TO_WAKE if isinstance(shop, Shop) else SECONDS_FOR_A_PERSON
    _until(lambda: len(scene.records.log()) > course.seen, patience, "the alarm")
    for number in range(course.way.copies):
        scene.publish(f"A copy of the alarm, number {number + 1}")
    return confirmed


def _settle(course: Course, ended: float) -> None:
    """Send the late copies; wait for the end of every event, for diners' orders, and for the metric of them."""
    scene, diners, way = course.scene, course.diners, course.way
    for number in range(way.again):
        scene.publish(f"A late copy of the alarm, number {number + 1}")
    copies = scene.day.wakes + way.copies + way.again
    _until(lambda: _triggered(course) >= copies, SECONDS_TO_END, "the end of every copy")
    # Of one kind: on a busy machine a good order may come too late for its diner.
    _until(lambda: max(diners.good(ended), diners.failed(ended)) >= GOOD_ORDERS_AFTER, SECONDS_TO_END, "the diners")
    placed = len(diners.orders)
    _until(lambda: diners.published >= placed, SECONDS_TO_END, "the diners' metric")


def _triggered(course: Course) -> int:
    """Events since the shop broke, without the alarm's own end, which may come among the copies."""
    events = course.scene.records.events(course.opened)[course.heard :]
    return sum(event["outcome"] != Outcome.STOOD_DOWN for event in events)


def _look_while_well(scene: Scene, step: Callable[[str], None]) -> None:
    """A first wake, and where nobody orders a run of the canary, which wakes nobody."""
    step("waking it while all is well")
    scene.publish("A first look, while all is well")
    _until(
        lambda: bool(scene.records.log() and scene.records.head().incident is None), SECONDS_TO_END, "the first look"
    )
    if not scene.day.diners:
        step("running the canary while all is well, as its schedule would each minute")
        report = scene.run_canary()
        if report["failed"] or report["woke"]:
            raise click.ClickException(f"the canary took a healthy shop for an ill one: {report}")
    time.sleep(SECONDS_OF_A_STAMP)


def _break(scene: Scene, shop: Shop, seen: int, step: Callable[[str], None]) -> datetime | None:
    """Break the shop and see to it that somebody notices. When the canary confirmed it, where it is the one."""
    day = scene.day
    step(f"breaking the shop: {day.about}")
    shop.condition(day.at_first or day.condition)
    shop.chaos(day.chaos)
    if day.only_ours:
        scene.publish("Our own orders fail, and nobody else's: no metric tells")
    confirmed = None if day.diners else _by_canary(scene, shop, seen, step)
    step("orders fail; waiting for the alarm to wake it")
    return confirmed


def _by_canary(scene: Scene, shop: Shop, seen: int, step: Callable[[str], None]) -> datetime:
    """The canary's next run, and where the first remediation can't heal one more. When the failure was confirmed."""
    step("nobody orders; running the canary, as its schedule would; its log's metrics are put as CloudWatch would")
    report = scene.run_canary()
    confirmed = report["confirmed"]
    if scene.day.at_first:
        step(f"the first remediation, at a shop where {CONDITIONS[scene.day.at_first].about}")
        _until(lambda: _over(scene.records, seen), SECONDS_TO_END, "the first remediation's end")
        time.sleep(SECONDS_OF_A_STAMP)
        shop.condition(scene.day.condition)
        step("that is over, and orders still fail; the canary's next run, a minute later on its schedule")
        report = scene.run_canary()
    if not report["woke"] or not confirmed:
        raise click.ClickException(f"the canary didn't wake the machine: {report}")
    return datetime.fromisoformat(confirmed)


def _intents(result: Result) -> int:
    """At a shop that isn't ours the log alone tells how often it was called."""
    return sum(entry.kind == "intent" for entry in result.log)


def _over(records: Records, seen: int, endings: int = 1) -> bool:
    """Whether the incident ended or was let go of, so many times, and its message was sent."""
    found = [e for e in records.log()[seen:] if e.kind in ("closed", "released")]
    return len(found) >= endings and not records.head().outbox


def _collect(result: Result, course: Course, ended: float) -> None:
    scene, diners, shop = course.scene, course.diners, course.scene.shop
    _read_log(result, course)
    result.events = scene.records.events(course.opened)[course.heard :]
    result.orders_failed = diners.failed(course.began.timestamp())  # the canary's own aren't counted
    result.orders_good_after = diners.good(ended)
    result.report_calls = sum(shop.report_calls.values()) if isinstance(shop, Shop) else _intents(result)
    result.messages = scene.messages()
    result.actions = sorted(scene.recorder.actions)
    if isinstance(shop, Shop):
        written = scene.written() + repr(result)
        result.leaks = sum(secret in written for secret in shop.secrets)


def _read_log(result: Result, course: Course) -> None:
    result.log = course.scene.records.log()
    result.log_fault = broken(result.log)
    mine = result.log[course.seen :]
    incident = mine[0].incident if mine else None  # a late copy may open one of its own, which finds all well
    endings = [json.loads(e.data) for e in mine if e.kind in ("closed", "released") and e.incident == incident]
    result.outcome = endings[-1]["outcome"] if endings else "NOTHING"
    result.phases = {
        "failing until woken": _milliseconds(course.began, mine[0].at) if mine else 0,
        **({"confirmed until woken": _milliseconds(result.confirmed, mine[0].at)} if result.confirmed else {}),
        **(endings[-1]["phases"] if endings else {}),
    }
    result.retries = sum(entry.kind == "continued" for entry in mine)


def _milliseconds(began: datetime, at: datetime) -> int:
    return round((at - began).total_seconds() * 1000)


def _until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    for _ in _patience(seconds):
        if condition():
            return
    raise click.ClickException(f"{what} didn't come within {seconds:.0f} s")


def _patience(seconds: float) -> Iterator[None]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(0.1)
