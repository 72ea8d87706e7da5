"""`remediator gameday`: play one game day, or list them."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from remediator_cli.files import read_input
from remediator_cli.terminal import as_json, say_json
from remediator_cli.waiting import Steps
from simulator import progress
from simulator.days import DAYS
from simulator.environment import ExistingShop
from simulator.play import Options, play

FAST_SECONDS = 2.0
PASSWORD = "GAMEDAY_PASSWORD"  # noqa: S105 - a name: what stands in a command, every process may read


@click.command()
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the game days and how each has to end.")
@as_json
@click.option("--fast", is_flag=True, help=f"A throttled order takes {FAST_SECONDS:.0f} s in place of 32.")
@click.option("--iam", is_flag=True, help="Hold everybody to their IAM roles, and print what was needed.")
@click.option("--emulator", is_flag=True, help="Run the function in AWS's runtime emulator.")
@click.option("--copies", default=0, help="Copies of the alarm sent at once.")
@click.option("--again", default=0, help="Copies sent one after the other when it is over.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the incident's report there.")
@click.option("--shop", help="Play at a shop that runs already; you start the chaos.")
@click.option("--factory", help="That shop's factory; its links are https://HOST/…, without a port.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False), help="The CA of its certificate, PEM.")
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
    day = DAYS.get(options["name"])
    if day is None:
        raise click.UsageError(f"there is no game day {options['name']}; there are {', '.join(DAYS)}")
    chosen = _chosen(options)
    if chosen.elsewhere and not day.diners:
        raise click.UsageError(f"{day.name} needs a shop of its own: the canary is run when it breaks")
    with Steps() as steps:
        result = play(day, chosen, steps.next)
    if options["as_json"]:
        say_json(result.plain())
    else:
        progress.show(result)
    sys.exit(0 if result.passed else 1)


def _chosen(options: dict[str, Any]) -> Options:
    return Options(
        enforce=options["iam"],
        emulator=options["emulator"],
        copies=options["copies"],
        again=options["again"],
        slow_seconds=FAST_SECONDS if options["fast"] else 32.0,
        elsewhere=_elsewhere(options),
        html=options["html"],
    )


def _elsewhere(options: dict[str, Any]) -> ExistingShop | None:
    names = ("shop", "factory", "ca", "email")
    given = [options[name] for name in names]
    if not any(given):
        return None
    if not all(given):
        raise click.UsageError("a shop that runs already needs all of --" + " --".join(names))
    read_input(options["ca"])
    password = os.environ.get(PASSWORD) or click.prompt("The diner's password", hide_input=True, err=True)
    return ExistingShop.at(*(*given, password))
