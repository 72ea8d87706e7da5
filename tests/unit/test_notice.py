"""How quickly a failure triggers the remediator, by which way: the table of docs/wiring.md, calculated."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from math import ceil
from statistics import median
from typing import Any

import pytest

from remediator.canary import Canary
from remediator.deadline import Deadline
from remediator.diagnosis import LATENCY_BUDGET
from remediator.endpoints import ENDPOINTS, ORDER
from remediator.masking import Mask
from remediator.report_link import FIELD_NAMES
from remediator.sample import Fault, Sample
from remediator.state import State
from simulator.paths import ROOT
from tests.support.alarm_rules import CHAOS_AT, PACE, CloudWatchAlarm, GrafanaRule, template
from tests.support.builders import BEGAN, GOOD, LOGIN, answer, failing, fault
from tests.support.fakes import MemoryStore

# Seconds. On loopback login, probes and a failed order took 0.15 together; these are for the way through the internet.
LATE = 1.0  # the scheduler; AWS promises the minute, and adds what it is late here
SECONDS_TO_LOG_IN = 0.5
ANSWERED = 0.2  # an order, or a probe
LOGGED_OUT, READ, PUBLISHED = 0.3, 0.1, 0.3
STARTED = 3.0  # the topic's delivery, and a cold start of the remediator
# From the answer to the shop's first failed order to the trigger: each hop if all is warm, and at the slowest.
HOPS = {
    "the shop's POST to the function URL, its connection opened anew": (0.3, 0.3),
    "the ingest function: started if cold, its secret read": (0.0, 3.0),
    "its publish to the topic": (PUBLISHED, PUBLISHED),
    "the topic's delivery, the remediator started if cold": (0.3, STARTED),
}
A_CORE = 1769  # MB of memory that a function has a whole core with
WARM, COLD = (sum(hop[at] for hop in HOPS.values()) for at in (0, 1))


class Arrival(Future[Any]):
    """A result that is there from some second on: whoever asks for it earlier waits."""

    def __init__(self, simulation: "Simulation", at: float) -> None:
        super().__init__()
        self._simulation, self._at = simulation, at

    def result(self, timeout: float | None = None) -> Any:
        self._simulation.seconds = max(self._simulation.seconds, self._at)
        return super().result(timeout)


@dataclass
class Simulation(Executor):
    """A shop, of which one part fails from some second on, and a clock that moves on by what each step takes.

    `slow`: how long that part takes to fail.
    """

    begins: float
    fails: str = ORDER
    slow: float = ANSWERED
    seconds: float = 0.0
    published: list[float] = field(default_factory=list)

    def clock(self) -> datetime:
        return BEGAN + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Arrival:
        """Side by side: each piece of work begins now."""
        began = self.seconds
        result = fn(*args, **kwargs)
        arrival = Arrival(self, self.seconds)
        arrival.set_result(result)
        self.seconds = began
        return arrival

    def login(self, deadline: Deadline) -> Sample:
        self.sleep(SECONDS_TO_LOG_IN)
        return LOGIN

    login_as_canary = login

    def order(self, token: str, deadline: Deadline) -> Sample:
        return self._answer(ORDER, GOOD)

    def probe(self, path: str, token: str | None, deadline: Deadline) -> Sample:
        return self._answer(path, answer(200, {}))

    def logout(self, token: str, deadline: Deadline) -> None:
        self.sleep(LOGGED_OUT)

    def publish(self, text: str) -> None:
        self.sleep(PUBLISHED)
        self.published.append(self.seconds)

    def _answer(self, part: str, good: Sample) -> Sample:
        failed = part == self.fails and self.seconds >= self.begins
        self.sleep(self.slow if failed else ANSWERED)
        return (fault(Fault.TIMEOUT) if self.slow > ANSWERED else failing()) if failed else good


@dataclass
class SlowStore(MemoryStore):
    """A store that takes its time to be read."""

    sleep: Callable[[float], None] = lambda _seconds: None

    def state(self) -> State:
        self.sleep(READ)
        return super().state()


@cache
def by_canary(minutes: int, fails: str = ORDER, slow: float = ANSWERED) -> list[float]:
    """Seconds from the failure to the trigger, for a failure that begins at each second between two orders."""
    return [_notice(Simulation(float(begins), fails, slow), minutes) for begins in range(60 * minutes)]


def _notice(simulation: Simulation, minutes: int) -> float:
    """Run the canary each minute, from that of the failure on, until it triggers."""
    canary = Canary(
        shop=simulation,
        keys=lambda _deadline: {},
        store=SlowStore(sleep=simulation.sleep),
        publish=simulation.publish,
        minutes=minutes,
        link_names=FIELD_NAMES,
        clock=simulation.clock,
        pool=simulation,
        mask=Mask(),
        sleep=simulation.sleep,
    )
    minute = simulation.begins // 60
    while not simulation.published:
        simulation.seconds = 60 * minute + LATE
        canary.run(simulation.clock(), Deadline.after(30, lambda: simulation.seconds))
        minute += 1
    return simulation.published[0] + STARTED - simulation.begins


def by_metric(rule: CloudWatchAlarm | GrafanaRule, late: float) -> list[float]:
    """Seconds from the first failed order to the trigger by a rule on a metric, whose point is there so much later at
    most: for an order in each second of a minute, at whatever pace the others come.
    """
    found = []
    for pace in (1.0, PACE, 600.0):
        for first in range(int(CHAOS_AT), int(CHAOS_AT) + 60):
            fires = rule.triggers([(first + pace * number, True) for number in range(50)])[0] - first
            found += [fires + STARTED, fires + late + STARTED]
    return found


def measured(what: str) -> float:
    """The remediator's median of that in the bench's results."""
    return float(re.findall(rf"\| {what} \| remediator \| ([\d.]+)", (ROOT / "benchmarks/RESULTS.md").read_text())[0])


def cold_by_the_bench() -> float:
    """The cold way as measured, at most: the ingest function starts as slowly as a whole heal at its memory."""
    memory = template()["Resources"]["Ingest"]["Properties"]["MemorySize"]
    started: float = measured("CPU of a cold heal") * A_CORE / memory
    return WARM + READ + started + measured("cold, process start → first byte to the shop") / 1000


EVALUATED, REPORTED, SCRAPED = 10.0, 60.0, 10.0  # how often: an alarm, by ELB, by Prometheus
WAYS: dict[str, Callable[[], list[float]]] = {
    "the shop's own word": lambda: [WARM, COLD],
    "CloudWatch alarm on the shop's metric": lambda: by_metric(CloudWatchAlarm.of_template("OrdersFailing"), EVALUATED),
    "CloudWatch alarm on the load balancer": lambda: by_metric(CloudWatchAlarm.of_template("TargetsFailing"), REPORTED),
    "Grafana's rules": lambda: by_metric(GrafanaRule.of_file("pizza-orders-failing-metrics"), SCRAPED),
    "canary, an order every minute": lambda: by_canary(1),
    "canary, an order every minute, orders throttled": lambda: by_canary(1, slow=LATENCY_BUDGET),
    "canary, an order every 2 minutes": lambda: by_canary(2),
    "canary, an order every 5 minutes": lambda: by_canary(5),
    "canary, an order every 10 minutes": lambda: by_canary(10),
}
A_MONTH = 30 * 24 * 60
# Seconds from the first failed order that each way is promised to take at most.
PROMISED = {
    "the shop's own word": COLD,
    "CloudWatch alarm on the shop's metric": 30,
    "CloudWatch alarm on the load balancer": 120 + STARTED,
    "Grafana's rules": 40,
}


def rows() -> Iterator[str]:
    """The tables' rows: seconds by way, and its orders a month while all is well; then the word's hops."""
    for name, way in WAYS.items():
        found, every = way(), re.search(r"every (\d* ?)minute", name)
        orders = f"{A_MONTH // int(every[1] or 1):,}" if every else "0"
        worst = max(found)
        healed = f"{ceil(worst + measured('warm, alarm → verified heal') / 1000)} s"
        yield f"| {name} | {min(found):.0f} s | {median(found):.0f} s | {worst:.0f} s | {healed} | {orders} |"

    for name, (warm, cold) in (HOPS | {"**together**": (WARM, COLD)}).items():
        yield f"| {name} | {warm:.1f} s | {cold:.1f} s |"
    yield f"about {round(2 * cold_by_the_bench()) / 2:g} s by what the bench"


@pytest.mark.parametrize("name", list(PROMISED))
def test_first_failed_order_triggers_as_quickly_as_is_promised_at_any_pace_of_orders(name: str) -> None:
    assert max(WAYS[name]()) <= PROMISED[name]


def test_failed_order_triggers_within_75_seconds_and_at_the_median_within_40_with_an_order_each_minute() -> None:
    found = by_canary(1)

    assert max(found) <= 75
    assert median(found) <= 40


def test_throttled_order_too_triggers_within_75_seconds_with_an_order_each_minute() -> None:
    assert max(by_canary(1, slow=LATENCY_BUDGET)) <= 75


def test_dead_database_triggers_within_75_seconds_however_seldom_the_canary_orders() -> None:
    assert max(by_canary(5, fails=ENDPOINTS["menu"].path)) <= 75


def test_the_shops_word_triggers_within_two_seconds_of_the_first_failed_order_if_all_is_warm() -> None:
    assert WARM <= 2
    assert cold_by_the_bench() <= COLD


def test_run_is_ended_before_the_next_is_due() -> None:
    canary = template()["Resources"]["Canary"]["Properties"]

    assert canary["Timeout"] < 60
    assert canary["Events"]["EachMinute"]["Properties"]["ScheduleExpression"] == "cron(* * * * ? *)"


@pytest.mark.parametrize("row", list(rows()))
def test_documents_tell_the_time_of_each_way_as_calculated(row: str) -> None:
    assert row in (ROOT / "docs/wiring.md").read_text()
