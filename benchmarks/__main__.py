"""`make bench`: measure all sides in one run, and write what was found to benchmarks/RESULTS.md."""

import json
import os
import platform
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import click
import yaml

from benchmarks import backtest, growth
from benchmarks import figures as f
from benchmarks.cost import WHOLE_CORE, CanaryRun, idle_month, incident, total
from benchmarks.measure import Measured, measure
from benchmarks.sides import PINS, Invocation
from benchmarks.stubs import stubs
from simulator.paths import ROOT, RUNTIME_PYTHON

RESULTS = Path(__file__).parent / "RESULTS.md"
PACKAGES = ("boto3", "requests", "pydantic", "aws-lambda-powertools")
SIZES = (256, 512, 1024, WHOLE_CORE)  # MB of memory


@click.command()
@click.option("--warm", default=30, show_default=True, help="Runs of each side in a process that is up.")
@click.option("--cold", default=10, show_default=True, help="Runs of each side in a process of its own.")
@click.option("--shop-ms", default=50.0, show_default=True, help="The shop's and the factory's delay.")
@click.option("--aws-ms", default=5.0, show_default=True, help="AWS's delay.")
@click.option("--json", "as_json", is_flag=True, help="Print everything, and write nothing.")
def bench(warm: int, cold: int, shop_ms: float, aws_ms: float, as_json: bool) -> None:
    """Heal the stub shop by each side in turn, warm and cold, and compare."""
    with tempfile.TemporaryDirectory() as folder, stubs(shop_ms, aws_ms) as running:
        found = measure(Path(folder), running, warm, cold)
    if as_json:
        click.echo(json.dumps(_everything(found), indent=2))
        return
    text = "\n".join(_page(found, f"{shop_ms:g} ms for shop and factory (by TLS), {aws_ms:g} ms for AWS"))
    RESULTS.write_text(text + "\n")
    click.echo(text)


def _everything(found: Measured) -> dict[str, Any]:
    return {
        "machine": _machine(),
        "values": found.values,
        "medians": {name: {s: asdict(f.spread(v)) for s, v in sides.items()} for name, sides in found.values.items()},
        "targets": [asdict(target) | {"found": target.found(found.values)} for target in f.TARGETS],
        "runs": {name: [asdict(run) for run in runs] for name, runs in found.ours.items()},
    }


def _page(found: Measured, delays: str) -> Iterator[str]:
    yield "# What a heal takes, beside what else there is\n"
    yield f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: one run, all sides in turn, on stubs with a"
    yield f"delay per answer of {delays}. Figures are of this machine; what carries"
    yield "over are the ratios and the number of round trips.\n"
    yield from (f"- {name}: {told}" for name, told in _machine().items())
    yield "\n## Against the targets\n"
    yield "| | at most | found | |\n|---|---|---|---|"
    yield from (_target(target, found.values) for target in f.TARGETS)
    yield "\n## Medians\n"
    yield "| | side | median | quartiles | least, most | runs |\n|---|---|---|---|---|---|"
    yield from (_row(name, side, values) for name in f.UNITS for side, values in found.values[name].items())
    yield "\nMB are 1,000,000 bytes; *zipped* is function and layer, at level 9. The CPU of a warm heal is the mean of"
    yield "all. A Lambda function of so much memory has that share of a core; the CPU of a heal alone then takes:\n"
    yield from _shares(found.values)
    yield from _growth()
    yield from _backtests()
    yield from _bills(found)
    yield "\n## Round trips of ours, in their phases\n"
    yield "From the alarm to the verifying order's answer, as the stubs saw them; what stands side by side ran so."
    yield "A star: it waited for its connection to be opened, whose own round trips the stubs don't delay.\n"
    for name, runs in found.ours.items():
        yield from _trips(name, runs)


def _target(target: f.Goal, values: f.Values) -> str:
    found, unit = target.found(values), f.UNITS[target.measure]
    limit = f"{target.limit:g} times {target.of}" if target.of else f"{target.limit:g} {unit}"
    told = "" if found is None else f"{found:.2f} times" if target.of else f"{found:.1f} {unit}"
    return f"| {target.measure} | {limit} | {told} | {f.verdict(found, target.limit)} |"


def _row(name: str, side: str, values: list[float]) -> str:
    unit = f.UNITS[name]
    of, digits = f.spread(values), {"ms": 0, "MB": 1, "s": 2}[unit]
    median, *around = (f"{value:.{digits}f}" for value in (of.median, of.lower, of.upper, of.least, of.most))
    spread = f"{around[0]} to {around[1]} | {around[2]}, {around[3]}" if of.runs > 1 else "|"
    return f"| {name} | {side} | {median} {unit} | {spread} | {of.runs} |"


def _shares(values: f.Values) -> Iterator[str]:
    yield "| | " + " | ".join(f"{size} MB" for size in SIZES) + " |\n|---|" + "---|" * len(SIZES)
    for name in (f.CPU_COLD, f.CPU_WARM):
        used = median(values[name][f.US])
        yield f"| {name}, ours | " + " | ".join(f"{used * SIZES[-1] / size:.2f} s" for size in SIZES) + " |"


def _growth() -> Iterator[str]:
    yield "\n## Reading what strangers write\n"
    yield "How much longer eight times the text takes, at the worst of those that are made to be slow to read:\n"
    yield "| | texts | at most | found | |\n|---|---|---|---|---|"
    for name, (reader, texts) in growth.READERS.items():
        worst = max(growth.growth(reader, start, repeated) for start, repeated in texts)
        yield f"| {name} | {len(texts)} | {f.GROWTH:g} times | {worst:.1f} times | {f.verdict(worst, f.GROWTH)} |"


def _backtests() -> Iterator[str]:
    yield "\n## Replaying long histories\n"
    yield "`remediator backtest` over a CSV, by 13 rules: how much longer eight times as much takes:\n"
    yield "| | at most | found | | seconds of CPU | MB at most |\n|---|---|---|---|---|---|"
    for (name, history), count in zip(backtest.HISTORIES.items(), (backtest.YEAR, backtest.ORDERS), strict=True):
        ratio, seconds, memory = backtest.growth(history, count)
        told = f"| {name} | {f.GROWTH:g} times | {ratio:.1f} times | {f.verdict(ratio, f.GROWTH)} |"
        yield f"{told} {seconds:.1f} | {memory:.0f} |"


def _bills(found: Measured) -> Iterator[str]:
    """What each costs; the README tells the totals."""
    template = yaml.load((ROOT / "template.yaml").read_text(), AnyTag)  # noqa: S506 - a safe loader, with our tags
    run = max(found.ours["cold"], key=lambda run: run.seconds)
    memory = template["Resources"]["Remediate"]["Properties"]["MemorySize"]
    canary = CanaryRun(median(found.values[f.CANARY][f.US]) / 1000, found.canary_cpu, found.logged)
    yield "\n## What it costs\n"
    yield "Dollars in us-east-1 as of 2026, free tiers left out, a dashboard as well: free among an account's first"
    yield "three, else $3. The heal is the longest of the cold ones; the canary is taken to order at each run.\n"
    bills = {
        "an incident": incident(run.asked, run.seconds, memory),
        "an idle month without the canary": idle_month(template, None),
        "an idle month with the canary": idle_month(template, canary),
    }
    for name, bill in bills.items():
        yield f"| {name} | units | dollars |\n|---|---|---|"
        yield from (f"| {item.name} | {item.units:,.5g} | {item.dollars:.6f} |" for item in bill)
        yield f"| **{name}** | | **${total(bill):.{6 if total(bill) < 0.01 else 2}f}** |\n"


class AnyTag(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, whose values aren't needed."""


AnyTag.add_multi_constructor("!", lambda _loader, _tag, _node: None)


def _trips(name: str, runs: list[Invocation]) -> Iterator[str]:
    """The usual chain, and when its steps began and were answered: medians of the runs that had it."""
    chains = [f.chain(run.asked) for run in runs]
    usual = f.usual(chains)
    alike = [run for run, its in zip(runs, chains, strict=True) if its == usual]
    counts = ", ".join(f"{trips} in {count} runs" for trips, count in Counter(map(len, chains)).most_common())
    yield f"**{name}: {counts}.** Most often, in {len(alike)}: {f.shown(usual)}\n"
    yield "| step | began | answered |\n|---|---|---|"
    for at, step in enumerate(usual):
        seen = [(run.sent, f.steps(run.asked)[at]) for run in alike]
        began = median(min(record.began for record in records) - sent for sent, records in seen)
        ended = median(max(record.ended for record in records) - sent for sent, records in seen)
        yield f"| {' ∥ '.join(step)} | {began * 1000:.0f} ms | {ended * 1000:.0f} ms |"
    yield ""


def _machine() -> dict[str, str]:
    models = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    python = subprocess.run([str(RUNTIME_PYTHON), "-V"], capture_output=True, text=True, check=True).stdout.strip()
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", PINS.read_text(), re.MULTILINE))
    return {
        "machine": f"{os.cpu_count()} cores, {models[0] if models else 'unknown'}, Linux {platform.release()}",
        "runtime": f"{python}, AWS's runtime emulator",
        "pins": ", ".join(f"{name} {pinned[name]}" for name in PACKAGES if name in pinned),
    }


if __name__ == "__main__":
    bench()
