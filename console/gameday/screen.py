"""A game day on the terminal: steps with their seconds while it lasts, then the timeline."""

import time
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from console.gameday.play import Result


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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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


def show(result: Result) -> None:
    """The timeline, the log as stored, and what became of the orders."""
    console = Console()
    table = Table("entry", "UTC", "s", "what", "evidence", box=None, pad_edge=False)
    start = None
    for entry in result.log:
        at = datetime.fromisoformat(entry["at"])
        start = start if start and entry["kind"] != "opened" else at
        data = entry["data"]
        evidence = data.get("evidence") or data.get("why") or data.get("says") or data.get("fault") or ""
        what = f"{entry['kind']} {data['outcome']}" if "outcome" in data else entry["kind"]
        seconds = f"{(at - start).total_seconds():+.2f}"
        table.add_row(str(entry["v"]), f"{at:%H:%M:%S}", seconds, what, evidence)
    console.print(table)
    console.print(f"\nlog: {result.log_fault or 'whole'}, last hash {result.log[-1]['hash'][:16]}…")
    console.print("phases: " + ", ".join(f"{name} {ms} ms" for name, ms in result.phases.items()))
    console.print(
        f"orders: {result.orders_failed} failed, {result.orders_good_after} good after; "
        f"report calls: {result.report_calls}"
    )
    if result.actions:
        console.print(f"IAM actions needed: {', '.join(result.actions)}")
    mark = "as expected" if result.passed else f"expected {result.day.expected}"
    console.print(f"{result.day.name}: {result.outcome}, {mark}")
