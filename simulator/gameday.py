"""`remediator gameday`: play one game day, or list them."""

import os
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from ssl import PEM_cert_to_DER_cert, create_default_context
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import urlsplit

import click

from remediator_cli.files import read_input, write_output
from remediator_cli.terminal import as_json, say_json
from remediator_cli.waiting import Steps
from simulator import progress
from simulator.days import DAYS, GameDay
from simulator.environment import ExistingShop
from simulator.play import Options, play

FAST_SECONDS = 2.0
PASSWORD = "GAMEDAY_PASSWORD"  # noqa: S105 - a name: what stands in a command, every process may read
COUNT, HTML = click.IntRange(0, 1000), click.Path(dir_okay=False, path_type=Path)


def _writable(_: click.Context, __: click.Parameter, file: Path | None) -> Path | None:
    """Try it before the day is played, and leave what is there as it is."""
    try:
        if file and file.exists():
            file.open("ab").close()
        elif file:
            TemporaryFile(dir=file.parent).close()
    except OSError as error:
        raise click.BadParameter(f"{file} can't be written: {error.strerror}.") from None
    return file


def _url(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    try:
        parts = urlsplit("https://none" if text is None else text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or (text and not re.fullmatch("[!-~]+", text)):
        raise click.BadParameter(f"{text} is no URL like https://shop.example.com.")
    return text


def _certificate(_: click.Context, __: click.Parameter, file: str | None) -> str | None:
    if file:
        try:
            create_default_context(cadata=PEM_cert_to_DER_cert(read_input(file).decode("ascii")))
        except ValueError as error:
            raise click.BadParameter(f"{file} holds no certificate in PEM's form: {error}.") from None
    return file


@click.command()
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the game days and how each has to end.")
@as_json
@click.option("--fast", is_flag=True, help=f"A throttled order takes {FAST_SECONDS:.0f} s in place of 32.")
@click.option("--iam", is_flag=True, help="Hold everybody to their IAM roles, and print what was needed.")
@click.option("--emulator", is_flag=True, help="Run the function in AWS's runtime emulator.")
@click.option("--copies", type=COUNT, default=0, help="Copies of the alarm sent at once.")
@click.option("--again", type=COUNT, default=0, help="Copies sent one after the other when it is over.")
@click.option("--html", type=HTML, callback=_writable, metavar="FILE", help="Write the incident's report there.")
@click.option("--shop", callback=_url, metavar="URL", help="Play at a shop that runs already; you start the chaos.")
@click.option("--factory", callback=_url, metavar="URL", help="That shop's factory; its links have no port.")
@click.option("--ca", callback=_certificate, metavar="FILE", help="The CA of its certificate, PEM.")
@click.option("--email", help=f"A diner of that shop. {PASSWORD} holds the password, or you are asked for it.")
def gameday(**options: Any) -> None:
    """Play a game day on this machine (needs the checkout).

    Deploys, breaks the shop, watches it heal. Needs no cloud account. Exit code 0 only if it ended as it should, with
    the audit log intact.

    \b
    Examples: remediator gameday fail
              remediator gameday --list
    """
    if options["listed"] or not options["name"]:
        progress.list_days(as_json=options["as_json"])
        return
    day = _find(options["name"])
    chosen = _chosen(options)
    if chosen.elsewhere and not day.diners:
        raise click.UsageError(f"{day.name} needs a shop of its own: the canary is run when it breaks")
    try:
        with Steps() as steps:
            result = play(day, chosen, steps.next)
    except click.ClickException as error:
        expected = " or ".join(day.expected)
        raise click.ClickException(f"Game day '{day.name}' failed, expected {expected}: {error.message}") from None
    if options["html"]:
        _write(options["html"], result.report)
    if options["as_json"]:
        say_json(result.plain())
    else:
        progress.show(result)
    sys.exit(0 if result.passed else 1)


def _write(file: Path, report: str | None) -> None:
    if report is None:
        raise click.ClickException("there was no incident, so there is no report")
    write_output(file, report)


def _find(name: str) -> GameDay:
    if name not in DAYS:
        near = get_close_matches(name, DAYS)
        meant = f"did you mean {' or '.join(near)}?" if near else "`remediator gameday --list` lists them"
        raise click.UsageError(f"there is no game day {name}; {meant}")
    return DAYS[name]


def _chosen(options: dict[str, Any]) -> Options:
    return Options(
        enforce=options["iam"],
        emulator=options["emulator"],
        copies=options["copies"],
        again=options["again"],
        slow_seconds=FAST_SECONDS if options["fast"] else 32.0,
        elsewhere=_elsewhere(options),
        report=bool(options["html"]),
    )


def _elsewhere(options: dict[str, Any]) -> ExistingShop | None:
    names = ("shop", "factory", "ca", "email")
    given = [options[name] for name in names]
    if not any(given):
        return None
    if not all(given):
        raise click.UsageError("a shop that runs already needs all of --" + " --".join(names))
    password = os.environ.get(PASSWORD) or click.prompt("The diner's password", hide_input=True, err=True)
    return ExistingShop.at(*(*given, password))
