"""A game day on the terminal: its timeline, and what became of the orders."""

from rich.table import Column, Table

from remediator.outcome import Outcome
from remediator_cli import timeline
from remediator_cli.terminal import say_json, stdout_console
from simulator.days import ROWS
from simulator.result import GameDayResult

ROOMY = 120  # columns in which each row of the list is one line


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
    console.print(result.verdict)


def list_days(*, as_json: bool) -> None:
    """The rows of the table."""
    if as_json:
        rows = [{"name": d.name, "about": d.about, "expected": list(d.expected), "calls": d.calls} for d in ROWS]
        say_json(rows)
        return
    console = stdout_console()
    ends = Column("ends", max_width=None if console.width >= ROOMY else max(map(len, Outcome)))
    table = Table("game day", ends, "calls", "what happens", box=None, pad_edge=False)
    for day in ROWS:
        table.add_row(day.name, " or ".join(day.expected), str(day.calls), day.about)
    console.print(table)
