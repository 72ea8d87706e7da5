"""`make crash-matrix`: kill a run at each boundary, let the event come again, and see that all ends well.

A boundary is the moment before or after a call of a port. The process is killed there by SIGKILL; then the event comes
again, at once under the same request id ("same"), or under another one once the lease is over ("stranger").
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise, product
from multiprocessing import SimpleQueue, get_context
from multiprocessing.pool import Pool
from threading import Lock
from typing import Any, cast

from remediator.audit import Entry, verify_chain
from remediator.bootstrap import now
from remediator.deadline import Deadline
from remediator.errors import RemediatorError
from remediator.pipeline import LEASE_MARGIN
from simulator.local_aws import LocalAws
from simulator.shop.express import Record
from tests.protocol.real_parts import Parts, far_shop, furnish, is_order, is_report
from tests.support.builders import alarm

WORKERS = 2
SECONDS = 30.0  # of a run
AFTER_THE_LEASE = timedelta(seconds=SECONDS) + LEASE_MARGIN + timedelta(seconds=1)
REDELIVERIES = ("same", "stranger")
BOUNDARIES_AT_LEAST = 14
GOOD_OUTCOMES = frozenset({"HEALED", "ALREADY_HEALTHY", "JOINED"})


@dataclass(frozen=True, slots=True)
class Case:
    """One kill: at a boundary, or so many seconds after the start."""

    name: str
    again: str
    boundary: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: by which signal, if any, and what it said."""

    signal: int
    said: str
    seconds: float


class WatchedPort:
    """A port that says before and after each call which it is, by a name that is the same in each run."""

    def __init__(self, called: str, port: object, passing: Callable[[str], None]) -> None:
        self._called, self._port, self._passing = called, port, passing
        self._counts: dict[str, int] = {}
        self._lock = Lock()

    def __getattr__(self, name: str) -> Callable[..., object]:
        def watched(*words: Any) -> object:
            what = self._named(name, words)
            self._passing(f"before {what}")
            answer = getattr(self._port, name)(*words)
            self._passing(f"after {what}")
            return answer

        return watched

    def _named(self, name: str, words: Sequence[Any]) -> str:
        if name == "commit":
            return f"commit {words[1].kind}"
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + 1
            return f"{self._called}.{name} {self._counts[name]}"


def watched[Port](called: str, port: Port, passing: Callable[[str], None]) -> Port:
    return cast(Port, WatchedPort(called, port, passing))


def forked(work: Callable[[], str], kill_after: float | None = None) -> Ended:
    """Do the work in a process of its own. The parent has no threads, and the clients no connections to share yet."""
    began = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            said = work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return Ended(os.WTERMSIG(status), said, time.monotonic() - began)


def run(
    parts: Parts, target: str, event: object, request: str, passing: Callable[[str], None], ahead: timedelta
) -> str:
    """One delivery to a remediator on its real adapters, each behind a watch. `ahead`: how much later it is for it."""

    def clock() -> datetime:
        return now() + ahead

    plain = parts.remediator(target, clock)
    ports = {name: watched(name, getattr(plain, name), passing) for name in ("shop", "factory", "store", "notifier")}
    try:
        (result,) = replace(plain, **ports).handle(event, request, Deadline.after(SECONDS))
    except RemediatorError as error:
        return type(error).__name__
    return result.outcome


def boundaries(parts: Parts) -> tuple[list[str], float]:
    """The boundaries of a run that nobody kills, in order, and how long it takes."""
    parts.shop.chaos("fail")
    passed: list[str] = []

    def work() -> str:
        run(parts, "whole", alarm(sent=now()), "r-1", passed.append, timedelta(0))
        return json.dumps(passed)

    ended = forked(work)
    return json.loads(ended.said), ended.seconds


def play(parts: Parts, case: Case) -> str | None:
    """Kill a run, deliver again, and judge. Returns what is wrong."""
    target, began = f"{case.name}, {case.again}", time.time()
    parts.shop.chaos("fail")
    event = alarm(sent=now())

    def kill(boundary: str) -> None:
        if boundary == case.boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    first = forked(lambda: run(parts, target, event, "r-1", kill, timedelta(0)), case.seconds or None)
    if case.boundary and first.signal != signal.SIGKILL:
        return f"it wasn't killed: {first.said}"
    early = _called_without_intent(parts.shop.requests(began), parts.records(target).log())
    request, ahead = ("r-1", timedelta(0)) if case.again == "same" else ("r-2", AFTER_THE_LEASE)
    again = forked(lambda: run(parts, target, event, request, lambda _: None, ahead))
    return early or judged(parts, target, began, again)


def judged(parts: Parts, target: str, began: float, again: Ended) -> str | None:
    """What is wrong after the second delivery, the first thing found."""
    records, requests = parts.records(target), parts.shop.requests(began)
    log, state = records.log(), records.state()
    outcomes = [json.loads(entry.data)["outcome"] for entry in log if entry.kind == "finished"]
    fault = verify_chain(log, now(), state.v, state.last)
    found = (
        (again.said not in GOOD_OUTCOMES, f"the second delivery ended as {again.said}"),
        (outcomes != ["HEALED"], f"the checks finished as {outcomes}"),
        (len(records.incidents()) != 1, f"{len(records.incidents())} incidents"),
        (bool(state.check or state.incident), "a check is under way, or the incident open"),
        (bool(state.outbox), "a notification was not sent"),
        ("notified" not in [entry.kind for entry in log], "nobody was notified"),
        (bool(fault), f"the log isn't intact: {fault}"),
        (not parts.shop.is_healthy(), "the shop still fails"),
        (_called_blindly(requests), "the link was called twice without a sample between"),
        (bool(_called_without_intent(requests, log)), "a call has no intent"),
    )
    return next((what for wrong, what in found if wrong), None)


def _called_without_intent(requests: Sequence[Record], log: Sequence[Entry]) -> str | None:
    calls, intents = sum(map(is_report, requests)), sum(entry.kind == "intent" for entry in log)
    return f"{calls} calls, {intents} intents" if calls > intents else None


def _called_blindly(requests: Sequence[Record]) -> bool:
    acts = [is_report(record) for record in requests if is_report(record) or is_order(record)]
    return any(one and next_one for one, next_one in pairwise(acts))


# A worker's own shop; set once, when the worker starts.
_mine: list[Parts] = []


def _take(free: "SimpleQueue[int]", furnished: Sequence[Parts]) -> None:
    _mine.append(furnished[free.get()])


def _play(case: Case) -> str | None:
    return play(_mine[0], case)


def matrix(every: int, kills: int, say: Callable[[str], object]) -> int:
    """Play each boundary both ways, then kills at random instants. Returns how many cases failed."""
    with ExitStack() as stack:
        aws = stack.enter_context(LocalAws())
        furnished = [furnish(aws, stack.enter_context(far_shop())) for _ in range(WORKERS)]
        passed, seconds = boundaries(furnished[0])
        say(f"{len(passed)} boundaries, a run takes {seconds:.2f} s")
        if len(passed) < BOUNDARIES_AT_LEAST:
            say(f"that is fewer than {BOUNDARIES_AT_LEAST}")
            return 1
        context = get_context("fork")
        free: SimpleQueue[int] = context.SimpleQueue()
        for worker in range(WORKERS):
            free.put(worker)
        with context.Pool(WORKERS, _take, (free, furnished)) as pool:
            each = [Case(name, way, boundary=name) for name, way in product(passed[::every], REDELIVERIES)]
            failed = _play_all(pool, each, say)
            if kills:
                failed += _play_all(pool, list(at_random(kills, seconds)), say)
        return failed


def at_random(kills: int, seconds: float) -> Iterator[Case]:
    """Kills at instants of a run that takes so long."""
    for number in range(kills):
        instant = random.uniform(0.001, seconds)
        yield Case(f"kill {number + 1} after {instant * 1000:.0f} ms", REDELIVERIES[number % 2], seconds=instant)


def _play_all(pool: Pool, cases: Sequence[Case], say: Callable[[str], object]) -> int:
    failed = 0
    for case, wrong in zip(cases, pool.imap(_play, cases), strict=True):
        failed += wrong is not None
        say(f"{'ok  ' if wrong is None else 'FAIL'} {case.name} · {case.again}{f' · {wrong}' if wrong else ''}")
    say(f"{len(cases) - failed} of {len(cases)}")
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.protocol.crash_matrix", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="play every so manieth boundary only")
    parser.add_argument("--random", type=int, default=0, help="so many kills at random instants, after the matrix")
    options = parser.parse_args()
    sys.exit(bool(matrix(options.every, options.random, lambda line: sys.stdout.write(line + "\n"))))


if __name__ == "__main__":
    main()
