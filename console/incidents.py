"""`remediator incidents` and `remediator show`: what happened."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.table import Table

from console import orders, stats, timeline
from console.records import plain
from console.stack import Stack, on_stack
from console.terminal import as_json, paper
from remediator.head import Entry, Summary

SECONDS_BETWEEN_LOOKS = 0.5
NARROW = 80  # characters


@click.command()
@click.option("--newest", default=50, show_default=True, help="How many.")
@click.option("--since", type=click.DateTime(), help="Only those opened from then on, UTC.")
@click.option("--stats", "figures", is_flag=True, help="How long they took, beside the people of 2025-04-08.")
@as_json
@on_stack
def incidents(stack: Stack, *, newest: int, since: datetime | None, figures: bool, as_json: bool) -> None:
    """List the newest incidents.

    \b
    Examples: remediator incidents --newest 10
              remediator incidents --since 2026-11-01 --stats
    """
    found = stack.records.incidents(newest, since.replace(tzinfo=UTC) if since else None)
    if figures:
        _figures(stats.rows(found, _noticed(stack, found)), as_json=as_json)
    elif as_json:
        click.echo(json.dumps({"incidents": [asdict(each) for each in found]}, default=str))
    else:
        console = paper()
        console.print(_listed(found, console.width) if found else "no incidents yet")


@click.command()
@click.argument("incident")
@click.option("--follow", is_flag=True, help="Show what comes until it has ended; with --json an entry a line.")
@as_json
@on_stack
def show(stack: Stack, *, incident: str, follow: bool, as_json: bool) -> None:
    """Show one incident's timeline.

    INCIDENT may be the beginning of its id, and means the newest then.

    \b
    Examples: remediator show 20261123T0800
              remediator show 20261123T0800 --follow
    """
    found = known(stack, incident)
    if follow:
        _follow(stack, found, as_json=as_json)
    elif as_json:
        summary = json.loads(json.dumps(asdict(found), default=str))
        click.echo(json.dumps({"incident": summary, "log": [plain(entry) for entry in stack.records.log(found)]}))
    else:
        timeline.show(found, stack.records.log(found))


def known(stack: Stack, name: str) -> Summary:
    """The incident of that id, or the newest whose id begins so. Raises click.ClickException where there is none."""
    found = stack.records.incident(name)
    if found is None:
        raise click.ClickException(f"there is no incident {name}; `remediator incidents` lists them")
    return found


def _follow(stack: Stack, incident: Summary, *, as_json: bool) -> None:
    for number, entry in enumerate(_coming(stack, incident)):
        if as_json:
            click.echo(json.dumps(plain(entry)))
        else:
            line, console = timeline.lines([entry], incident.opened_at), paper()
            console.print(timeline.table(line, console.width, header=number == 0))


def _coming(stack: Stack, incident: Summary) -> Iterator[Entry]:
    """The incident's entries as they come, until it has ended."""
    seen = 0
    while True:
        for entry in stack.records.log(incident):
            if entry.v > seen:
                seen = entry.v
                yield entry
        if incident.ended_at:
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)
        incident = known(stack, incident.id)


def _listed(found: Sequence[Summary], width: int) -> Table:
    """The incidents as a table; a narrow one leaves out what the id tells, and who woke it."""
    names = ("incident", "outcome", "took") if width < NARROW else tuple(COLUMNS)
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name == "incident")
    for each in found:
        table.add_row(*(COLUMNS[name](each) for name in names))
    return table


def _state(each: Summary) -> str:
    return each.outcome if each.outcome and each.ended_at else f"{each.outcome}, open" if each.outcome else "open"


def _took(each: Summary) -> str:
    return stats.lasting((each.ended_at - each.opened_at).total_seconds()) if each.ended_at else ""


COLUMNS: Mapping[str, Callable[[Summary], str]] = {
    "incident": lambda each: each.id,
    "opened, UTC": lambda each: f"{each.opened_at:%Y-%m-%d %H:%M:%S}",
    "outcome": _state,
    "calls": lambda each: str(each.calls),
    "took": _took,
    "woken by": lambda each: each.alarm,
}


def _noticed(stack: Stack, found: Sequence[Summary]) -> dict[str, float]:
    """Seconds from the first failed order to the wake, where the shop's metric tells."""
    counted = [(each, orders.count(stack, each.opened_at, each.ended_at)) for each in found if each.ended_at]
    return {
        each.id: max(0.0, (each.opened_at - told.began).total_seconds())
        for each, told in counted
        if isinstance(told, orders.Orders) and told.began and told.exact
    }


def _figures(found: Sequence[stats.Row], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"stats": [asdict(row) for row in found]}))
        return
    table = Table("healed incidents", "count", "median", "p90", "worst", "by hand", box=None, pad_edge=False)
    for row in found:
        times = [stats.lasting(seconds) for seconds in (row.median, row.p90, row.worst)]
        table.add_row(row.name, str(row.count), *times, stats.lasting(row.by_hand) if row.by_hand else "-")
    paper().print(table if found else "no incident was healed yet")
    if found:
        paper().print("by hand: the people of 2025-04-08; to notice: from the first failed order of the shop's metric")
