"""`remediator incidents` and `remediator show`: what happened."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from console.records import plain
from console.stack import Stack, on_stack


@click.command()
@click.option("--newest", default=50, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@on_stack
def incidents(stack: Stack, *, newest: int, as_json: bool) -> None:
    """List the newest incidents.

    \b
    Example: remediator incidents --newest 10
    """
    found = stack.records.incidents(newest)
    if as_json:
        click.echo(json.dumps({"incidents": [asdict(each) for each in found]}, default=str))
        return
    table = Table("incident", "opened, UTC", "outcome", "calls", "healed in", box=None, pad_edge=False)
    for each in found:
        outcome = each.outcome or "OPEN"
        state = outcome if each.ended_at else f"{outcome}, open"
        healed = f"{each.phases.get('total', 0) / 1000:.2f} s" if each.phases and each.ended_at else ""
        table.add_row(each.id, f"{each.opened_at:%Y-%m-%d %H:%M:%S}", state, str(each.calls), healed)
    Console().print(table if found else "no incidents yet")


@click.command()
@click.argument("incident")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@on_stack
def show(stack: Stack, *, incident: str, as_json: bool) -> None:
    """Show one incident's timeline; INCIDENT may be the beginning of its id.

    \b
    Example: remediator show 20261123T0800
    """
    if as_json:
        found = stack.records.incident(incident)
        entries = [plain(entry) for entry in stack.records.log(found)] if found else []
        summary = json.loads(json.dumps(asdict(found), default=str)) if found else None
        click.echo(json.dumps({"incident": summary, "log": entries}))
    else:
        timeline(stack, incident)


def timeline(stack: Stack, name: str) -> None:
    """Print an incident's log. Raises click.ClickException where there is none of that name."""
    found = stack.records.incident(name)
    if found is None:
        raise click.ClickException(f"there is no incident {name}; `remediator incidents` lists them")
    console = Console()
    console.print(f"incident {found.id}, woken by {found.alarm}", highlight=False)
    console.print(log_table([plain(entry) for entry in stack.records.log(found)]))


def log_table(log: Sequence[dict[str, Any]]) -> Table:
    """Log entries as people read them: UTC, seconds since the incident was opened, what, evidence."""
    table = Table("entry", "UTC", "s", "what", "evidence", box=None, pad_edge=False)
    start = None
    for entry in log:
        at = datetime.fromisoformat(entry["at"])
        start = start if start and entry["kind"] != "opened" else at
        data = entry["data"]
        woken = f"{data['alarm']}: {data['why']}" if "alarm" in data else data.get("why")
        evidence = data.get("evidence") or woken or data.get("says") or data.get("fault") or ""
        what = f"{entry['kind']} {data['outcome']}" if "outcome" in data else entry["kind"]
        table.add_row(str(entry["v"]), f"{at:%H:%M:%S}", f"{(at - start).total_seconds():+.2f}", what, evidence)
    return table
