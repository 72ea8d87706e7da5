"""`remediator gameday` and `remediator chaos`."""

import json
import sys
import urllib.request
from pathlib import Path
from typing import Any

import click

from console.gameday.days import DAYS
from console.terminal import as_json

FAST_SECONDS = 2.0


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
@click.option("--email", help="A diner of that shop.")
@click.option("--password", help="The diner's password.")
def gameday(**options: Any) -> None:
    """Play the game day NAME on this machine.

    Deploy, break the shop, watch it heal. Needs no cloud account. Exit code 0 only if it ended as it should, with the
    log whole.

    \b
    Examples: remediator gameday fail
              remediator gameday --list
    """
    from console.gameday import screen  # noqa: PLC0415 - boto3 is slow to import, and --list needs none
    from console.gameday.play import Way, play  # noqa: PLC0415 - as above

    if options["listed"] or not options["name"]:
        screen.list_days(as_json=options["as_json"])
        return
    day = DAYS.get(options["name"])
    if day is None:
        raise click.UsageError(f"there is no game day {options['name']}; there are {', '.join(DAYS)}")
    way = Way(
        enforce=options["iam"],
        emulator=options["emulator"],
        copies=options["copies"],
        again=options["again"],
        slow_seconds=FAST_SECONDS if options["fast"] else 32.0,
        elsewhere=_elsewhere(options),
        html=options["html"],
    )
    if way.elsewhere and not day.diners:
        raise click.UsageError(f"{day.name} needs a shop of its own: the canary is run when that breaks")
    with screen.Steps() as steps:
        result = play(day, way, steps.next)
    if options["as_json"]:
        click.echo(json.dumps(result.plain()))
    else:
        screen.show(result)
    sys.exit(0 if result.passed else 1)


def _elsewhere(options: dict[str, Any]) -> Any:
    from console.gameday.scene import Elsewhere  # noqa: PLC0415 - as above

    names = ("shop", "factory", "ca", "email", "password")
    given = [options[name] for name in names]
    if not any(given):
        return None
    if not all(given):
        raise click.UsageError("a shop that runs already needs all of --" + " --".join(names))
    return Elsewhere.at(*given)


@click.command()
@click.argument("kind", type=click.Choice(["fail", "badjwt", "throttle", "off"]))
@as_json
def chaos(kind: str, *, as_json: bool) -> None:
    """Start or end chaos at the shop that `make local` keeps up.

    \b
    Example: remediator chaos fail
    """
    from console.stack import standing  # noqa: PLC0415 - boto3 is slow to import

    up = standing()
    if up is None:
        raise click.ClickException("there is no shop to break: run `make local` in another terminal")
    url = up["shop_control"] + "/_control"
    body = json.dumps({"chaos": kind}).encode()
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - as above
        now = {"chaos": json.loads(answer.read())["chaos"]}
    click.echo(json.dumps(now) if as_json else f"chaos: {now['chaos']}")
