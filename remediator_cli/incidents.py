"""`remediator incidents` and `remediator show`: what happened."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import click
from rich.table import Table

from remediator.audit import Entry
from remediator.state import Summary
from remediator_cli import orders, stats, timeline
from remediator_cli.moments import MomentType
from remediator_cli.records import plain
from remediator_cli.stack import Stack, on_stack
from remediator_cli.terminal import as_json, say_json, stdout_console

SECONDS_BETWEEN_READS = 0.5
LATEST = "latest"
# Of how many characters a table has to be to show which columns: a narrower one leaves out what the id tells.
WIDTHS = ((100, ("incident", "opened, UTC", "outcome", "calls", "took", "triggered by")),
          (76, ("incident", "outcome", "calls", "took", "triggered by")),
          (0, ("incident", "outcome", "took")))  # fmt: skip


@click.command()
@click.option("--newest", type=click.IntRange(min=1), default=50, show_default=True, help="How many.")
@click.option("--since", type=MomentType(-1), help="Only those opened since: 24h, 7d, or 2026-11-23T18:00 in UTC.")
@click.option("--stats", "figures", is_flag=True, help="How long they took, beside 2025-04-08 by hand.")
@as_json
@on_stack
def incidents(stack: Stack, *, newest: int, since: datetime | None, figures: bool, as_json: bool) -> None:
    """List the newest incidents.

    \b
    Examples: remediator incidents --newest 10
              remediator incidents --since 24h
              remediator incidents --since 2026-11-01 --stats
    """
    found = stack.records.incidents(newest, since)
    if figures:
        _figures(stats.rows(found, _seconds_to_notice(stack, found)), as_json=as_json)
    elif as_json:
        say_json({"incidents": [asdict(each) for each in found]})
    else:
        console = stdout_console()
        console.print(_listed(found, console.width) if found else "no incidents yet")


which_incident = click.argument("incident", default=LATEST)


@click.command()
@which_incident
@click.option("--follow", is_flag=True, help="Show new entries until it has ended; with --json one a line.")
@as_json
@on_stack
def show(stack: Stack, *, incident: str, follow: bool, as_json: bool) -> None:
    """Show one incident's timeline.

    INCIDENT is an id, or the beginning of one: then it is the newest that begins so. Without one it is the newest of
    all, as with `latest`.

    \b
    Examples: remediator show
              remediator show 20261123T0800
              remediator show 20261123T0800 --follow
    """
    found = find_incident(stack, incident)
    if follow:
        _follow(stack, found, as_json=as_json)
    elif as_json:
        say_json({"incident": asdict(found), "log": [plain(entry) for entry in stack.records.log(found)]})
    else:
        timeline.show(found, stack.records.log(found))


def find_incident(stack: Stack, name: str) -> Summary:
    """The incident of that id, or the newest whose id begins so; `latest`: of all. Raises click.ClickException."""
    found = stack.records.incident("" if name == LATEST else name)
    if found is None:
        named = f"there is no incident {name}; `remediator incidents` lists them"
        raise click.ClickException("there is no incident yet" if name == LATEST else named)
    return found


def _follow(stack: Stack, incident: Summary, *, as_json: bool) -> None:
    for number, entry in enumerate(_new_entries(stack, incident)):
        if as_json:
            say_json(plain(entry))
        else:
            line, console = timeline.read_entries([entry], incident.opened_at), stdout_console()
            console.print(timeline.table(line, console.width, header=number == 0))


def _new_entries(stack: Stack, incident: Summary) -> Iterator[Entry]:
    """The incident's entries as they come, until it has ended."""
    seen = 0
    while True:
        for entry in stack.records.log(incident):
            if entry.v > seen:
                seen = entry.v
                yield entry
        if incident.ended_at:
            return
        time.sleep(SECONDS_BETWEEN_READS)
        incident = find_incident(stack, incident.id)


def _listed(found: Sequence[Summary], width: int) -> Table:
    """The incidents as a table, one a line; an alarm's name is cut if it is too long for it."""
    names = next(names for least, names in WIDTHS if width >= least)
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="ellipsis" if name == "triggered by" else "fold", no_wrap=True)
    for each in found:
        table.add_row(*(COLUMNS[name](each) for name in names))
    return table


def _state(each: Summary) -> str:
    return each.outcome if each.outcome and each.ended_at else f"{each.outcome}, open" if each.outcome else "open"


def _took(each: Summary) -> str:
    return stats.format_duration((each.ended_at - each.opened_at).total_seconds()) if each.ended_at else ""


COLUMNS: Mapping[str, Callable[[Summary], str]] = {
    "incident": lambda each: each.id,
    "opened, UTC": lambda each: f"{each.opened_at:%Y-%m-%d %H:%M:%S}",
    "outcome": _state,
    "calls": lambda each: str(each.calls),
    "took": _took,
    "triggered by": lambda each: each.alarm,
}


def _seconds_to_notice(stack: Stack, found: Sequence[Summary]) -> dict[str, float]:
    """Seconds from the first failed order to the trigger, if the shop's metric tells."""
    counted = [(each, orders.count(stack, each.opened_at, each.ended_at)) for each in found if each.ended_at]
    return {
        each.id: max(0.0, (each.opened_at - told.began).total_seconds())
        for each, told in counted
        if isinstance(told, orders.Orders) and told.began and told.exact
    }


def _figures(found: Sequence[stats.StatsRow], *, as_json: bool) -> None:
    if as_json:
        say_json({"stats": [asdict(row) for row in found]})
        return
    table = Table("healed incidents", "count", "median", "p90", "worst", "by hand", box=None, pad_edge=False)
    for row in found:
        times = [stats.format_duration(seconds) for seconds in (row.median, row.p90, row.worst)]
        table.add_row(row.name, str(row.count), *times, stats.format_duration(row.by_hand) if row.by_hand else "-")
    stdout_console().print(table if found else "no incident was healed yet")
    if found:
        stdout_console().print("by hand: on 2025-04-08; to notice: from the first failed order in the shop's metric")
