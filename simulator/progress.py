"""A game day on the terminal: steps with their seconds while it lasts, then the timeline."""

import json
import time
from typing import Self

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from remediator_cli import timeline
from remediator_cli.terminal import stdout_console
from simulator.days import ROWS
from simulator.result import GameDayResult


class Steps:
    """Shows each step with its seconds on standard error, so that standard output stays the result's."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="·"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._live = self._progress.console.is_terminal
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if self._live:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finish()
        if self._live:
            self._progress.stop()

    def next(self, text: str) -> None:
        """The step before is done; this one begins."""
        self._finish()
        if self._live:
            self._progress.add_task(text, total=1)
        else:
            seconds = time.monotonic() - self._began
            self._progress.console.print(f"{seconds:6.1f} s  {text}", highlight=False)

    def _finish(self) -> None:
        for task in self._progress.tasks:
            self._progress.update(task.id, completed=1)


def show(result: GameDayResult) -> None:
    """The timeline, the audit log's state, and what became of the orders."""
    console = stdout_console()
    opened = next(entry.at for entry in reversed(result.log) if entry.kind in ("opened", "claimed"))
    console.print(timeline.table(timeline.read_entries(result.log, opened), console.width))
    console.print()
    console.print(f"audit log: {result.log_fault or 'intact'}, last hash {result.log[-1].hash[:16]}…")
    console.print("phases: " + ", ".join(f"{name} {ms} ms" for name, ms in result.phases.items()))
    console.print(
        f"orders: {result.orders_failed} failed, {result.orders_good_after} good after; "
        f"report calls: {result.report_calls}; secrets found in what was written: {result.leaks}"
    )
    if result.actions:
        console.print(f"IAM actions needed: {', '.join(result.actions)}")
    ended = "passed" if result.passed else f"failed (it is to end {' or '.join(result.day.expected)})"
    console.print(f"Game day '{result.day.name}' {ended}: {result.outcome}.")


def list_days(*, as_json: bool) -> None:
    """The rows of the table."""
    if as_json:
        rows = [{"name": d.name, "about": d.about, "expected": list(d.expected), "calls": d.calls} for d in ROWS]
        click.echo(json.dumps(rows))
        return
    table = Table("game day", "ends", "calls", "what happens", box=None, pad_edge=False)
    for day in ROWS:
        table.add_row(day.name, " or ".join(day.expected), str(day.calls), day.about)
    stdout_console().print(table)
