"""The command line, `remediator`: what a person runs."""

import json
import signal
import sys
from typing import Any, NoReturn

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="pizza-remediator")
def main() -> None:
    """Heal the pizza shop's failed orders, and answer for it."""
    signal.signal(signal.SIGTERM, _stop)


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@main.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--iam", is_flag=True, help="Hold everybody to their IAM roles, and print what was needed.")
@click.option("--emulator", is_flag=True, help="Run the function in AWS's runtime emulator.")
@click.option("--copies", default=0, help="Copies of the alarm sent at once.", show_default=True)
@click.option("--again", default=0, help="Copies sent one after the other when it is over.", show_default=True)
def gameday(**options: Any) -> None:
    """Play the game day NAME on this machine: deploy, break the shop, watch it heal.

    Needs no cloud account. Exit code 0 only if it ended as it should, with the log whole.

    \b
    Example: remediator gameday fail
    """
    from console.gameday.days import DAYS
    from console.gameday.play import Way, play
    from console.gameday.screen import Steps, show

    day = DAYS.get(options["name"])
    if day is None:
        raise click.UsageError(f"there is no game day {options['name']}; there are {', '.join(DAYS)}")
    way = Way(
        enforce=options["iam"],
        emulator=options["emulator"],
        copies=options["copies"],
        again=options["again"],
    )
    with Steps() as steps:
        result = play(day, way, steps.next)
    if options["as_json"]:
        click.echo(json.dumps(result.plain()))
    else:
        show(result)
    sys.exit(0 if result.passed else 1)


if __name__ == "__main__":
    main()
