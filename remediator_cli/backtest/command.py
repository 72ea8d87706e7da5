"""`remediator backtest`: what alarm rules would have done."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from remediator_cli.backtest import cloudwatch, page
from remediator_cli.backtest.history import History, incident_of_2025, read_csv, read_log
from remediator_cli.backtest.replay import Backtest, listed, replay
from remediator_cli.backtest.rules import AlarmRule, parse_rule
from remediator_cli.files import read_input, write_output
from remediator_cli.stack import Stack, find, stack_options
from remediator_cli.terminal import as_json, say, say_json, stdout_console, with_progress

LARGEST: Final = 256 * 1024 * 1024  # bytes of a history
LONG: Final = 10_000  # counts; a history as long takes its time
# Of how many characters a table has to be to show which columns.
WIDTHS: Final = ((120, tuple(range(len(page.COLUMNS)))), (76, (0, 1, 3, 4, 5)), (0, (0, 3, 4)))
FILE: Final = click.Path(dir_okay=False, writable=True, path_type=Path)


def read_rules(_context: object, _parameter: object, texts: tuple[str, ...]) -> tuple[AlarmRule, ...]:
    """The rules that were given, or an error that says where one is wrong."""
    try:
        return tuple(dataclasses.replace(parse_rule(text), origin="--rule") for text in texts)
    except ValueError as error:
        raise click.BadParameter(f"{error}. A rule reads like 3 of 18 x 10s, Average >= 0.5") from None


@click.command()
@click.option("--csv", metavar="FILE", help="The history: columns time, orders, failed.")
@click.option("--log", metavar="FILE", help="The history: the shop's JSON log lines.")
@click.option("--metric", metavar="NAMESPACE/NAME", help="The history: a metric, 1 for each failed order, else 0.")
@click.option("--incident", is_flag=True, help="The history: 2025-04-08, built in.")
@click.option("--days", type=click.FloatRange(0, 455, min_open=True), default=14.0, show_default=True,
              help="How many days of the metric.")  # fmt: skip
@click.option("--rule", "rules", callback=read_rules, multiple=True, metavar="RULE",
              help='Such as "3 of 18 x 10s, Average >= 0.5"; may be given several times.')  # fmt: skip
@click.option("--html", type=FILE, metavar="FILE", help="Write it there as one HTML file that loads nothing.")
@stack_options
@as_json
def backtest(
    *, rules: tuple[AlarmRule, ...], html: Path | None, profile: str | None, region: str | None, name: str | None,
    as_json: bool, **source: object,
) -> None:  # fmt: skip
    """Replay alarm rules over a history of orders.

    For each rule: how long after the first failed order of each outage it would have fired, how often for nothing (no
    order failed in the two minutes after), and what that costs. The history is the stack's metric of orders unless one
    is named; without a stack, the incident of 2025-04-08. The rules are those given, the alarms that trigger the stack,
    and a list from which one is proposed. A FILE may be `-`, standard input.

    \b
    Example: remediator backtest --csv orders.csv --rule "3 of 18 x 10s, Average >= 0.5" --html backtest.html
    """
    _check(**source)  # type: ignore[arg-type] # click's types
    stack = _stack(profile, region, name, needed=source["metric"] is not None)
    done = _replayed(stack, rules, **source)  # type: ignore[arg-type] # click's types
    if html:
        write_output(html, page.html(done))
    if as_json:
        say_json(page.plain(done))
    else:
        _print(done, stack)


def _stack(profile: str | None, region: str | None, name: str | None, *, needed: bool) -> Stack | None:
    """The stack; None if none was asked for and none is reachable."""
    try:
        return find(profile, region, name)
    except click.ClickException:
        if needed or profile or region or name:
            raise
        return None


def _check(*, csv: str | None, log: str | None, metric: str | None, incident: bool, days: float) -> None:
    """Raises click.UsageError if no history is named by this, or several are."""
    if sum(each is not None for each in (csv, log, metric, incident or None)) > 1:
        raise click.UsageError("Name one history: --csv, --log, --metric or --incident.")
    if math.isnan(days):
        raise click.UsageError("--days is to be a number.")
    if metric is not None and not all(metric.rpartition("/")):
        raise click.UsageError("--metric reads NAMESPACE/NAME.")


def _replayed(
    stack: Stack | None, given: tuple[AlarmRule, ...], *, csv: str | None, log: str | None, metric: str | None,
    incident: bool, days: float,
) -> Backtest:  # fmt: skip
    metric = metric or (cloudwatch.own_metric(stack) if stack else "")
    try:
        if csv is not None or log is not None:
            history = _read(csv, read_csv) if csv is not None else _read(log or "", read_log)
        elif incident or not stack:
            history = incident_of_2025()
        else:
            history = cloudwatch.read_metric(stack, metric, days)
        alarms, skipped = cloudwatch.read_alarms(stack, metric) if stack else ([], [])
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(f"{error}\nYour credentials may lack that permission.") from None
    rules, outages = [*given, *alarms, *listed()], history.outages()
    shown = with_progress(rules, "replaying") if len(history.counts) >= LONG else rules
    return Backtest(history, outages, [replay(history, rule, outages) for rule in shown], skipped)


def _read(file: str, reader: Callable[[bytes, str], History]) -> History:
    try:
        return reader(read_input(file, LARGEST), file)
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from None


def _print(done: Backtest, stack: Stack | None) -> None:
    console = stdout_console()
    for line in page.sentences(done):
        say(line)
    table = Table(box=None, pad_edge=False)
    columns = next(columns for least, columns in WIDTHS if console.width >= least)
    for at in columns:
        table.add_column(page.COLUMNS[at], overflow="fold", justify="right" if at else "left")
    for row in page.rows(done):
        table.add_row(*(row[at] for at in columns))
    console.print(table)
    if len(columns) < len(page.COLUMNS):
        say(f"Wider than {WIDTHS[0][0] - 1} characters, or with --html, it has all {len(page.COLUMNS)} columns.")
    for line in page.conclusions(done, has_stack=bool(stack)):
        say(line)
