"""One run of everything, the sides in turn: what slows the computer down for a while slows all of them."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from benchmarks import figures as f
from benchmarks.sides import Invocation, Limit, Process, Side, built_sides, canary_variables, our_variables
from benchmarks.stubs import Stubs

MEGABYTE = 1_000_000
SECONDS_BETWEEN_LOOKS = 1.3  # the remediator lets 1.25 s pass from one look to the next
SECONDS_BEFORE = 0.65  # the same pause for each side, so that none meets a warmer machine; two of them are a look's
CANARY_RUNS = 10
SETTLING = 2  # heals of a warm process that don't count


@dataclass(slots=True)
class Measured:
    """All values by measure and side, and our runs with what they asked."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    ours: dict[str, list[Invocation]] = field(default_factory=lambda: {"warm": [], "cold": []})

    logged: float = 0.0  # bytes of log of a run of the canary
    canary_cpu: float = 0.0  # seconds of the processor that a run of it takes

    def add(self, measure: str, side: str, value: float) -> None:
        self.values[measure][side].append(value)


def measure(folder: Path, stubs: Stubs, warm: int, cold: int) -> Measured:
    """So many warm and cold runs of each side. Raises ClickException where one of them doesn't heal."""
    found = Measured()
    click.echo("building", err=True)
    sides = built_sides(folder, stubs)
    for side in sides:
        found.add(f.ZIPPED, side.name, side.zipped() / MEGABYTE)
    _warm(found, folder, stubs, sides, warm)
    _cold(found, folder, stubs, sides, cold)
    _canary(found, folder, stubs, sides[0].built)
    return found


def _warm(found: Measured, folder: Path, stubs: Stubs, sides: Sequence[Side], runs: int) -> None:
    """The forty lines compiled differ in nothing once they are warm, and the bare import heals nothing."""
    limit = Limit(stubs)
    chosen = [side for side in sides if side.name in (f.US, f.FORTY)]
    chosen[0] = replace(chosen[0], variables=our_variables(stubs, "warm"))
    with ExitStack() as stack:
        started = {side.name: stack.enter_context(_process(side, folder)) for side in chosen}
        healers: dict[str, Limit | Process] = {f.LIMIT: limit, **started}
        used: dict[str, list[float]] = defaultdict(list)
        for number in _counted("warm", SETTLING + runs):
            for name, healer in healers.items():
                time.sleep(SECONDS_BEFORE)
                run = healer.heal(stubs)
                used[name].append(run.cpu)
                if number < SETTLING:
                    continue
                found.add(f.WARM, name, run.verified * 1000)
                if name == f.US:
                    found.ours["warm"].append(run)
        for name in started:
            found.add(f.CPU_WARM, name, (used[name][-1] - used[name][SETTLING - 1]) / runs)


def _cold(found: Measured, folder: Path, stubs: Stubs, sides: Sequence[Side], runs: int) -> None:
    for number in _counted("cold", 1 + runs):
        for side in sides:
            with _process(side, folder) as process:
                run = process.heal(stubs)
            if number == 0:  # the page cache is warm after it
                continue
            found.add(f.FIRST, side.name, ((run.first_byte or run.verified) - run.sent) * 1000)
            found.add(f.CPU_COLD, side.name, run.cpu)
            found.add(f.MEMORY, side.name, run.memory / MEGABYTE)
            if side.name != f.BARE:
                found.add(f.HEAL, side.name, run.verified * 1000)
            if side.name == f.US:
                found.ours["cold"].append(run)


def _canary(found: Measured, folder: Path, stubs: Stubs, built: Path) -> None:
    """Runs while all is well, each with an order; the log's bytes are the emulator's lines and the function's."""
    stubs.mend_shop()
    with Process(built, "Canary", canary_variables(stubs), folder / "canary.log") as process:
        first = last = process.invoke({}, stubs)
        before = process.log.stat().st_size
        for _ in range(CANARY_RUNS):
            last = process.invoke({}, stubs)
            found.add(f.CANARY, f.US, last.seconds * 1000)
        found.canary_cpu = (last.cpu - first.cpu) / CANARY_RUNS
        found.logged = (process.log.stat().st_size - before) / CANARY_RUNS


def _process(side: Side, folder: Path) -> Process:
    return Process(side.built, "Remediate", side.variables, folder / f"{side.name}.log")


def _counted(what: str, count: int) -> Iterator[int]:
    for number in range(count):
        click.echo(f"{what} {number + 1}/{count}", err=True)
        yield number
