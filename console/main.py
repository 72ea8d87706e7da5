"""The command line, `remediator`: what a person runs. Each command is a row, loaded when it is called."""

import importlib
import signal
from typing import Any, NoReturn

import click

COMMANDS = {
    "heal": "console.heal",
    "doctor": "console.doctor.command",
    "incidents": "console.incidents",
    "show": "console.incidents",
    "report": "console.report.command",
    "status": "console.brakes",
    "pause": "console.brakes",
    "resume": "console.brakes",
    "mode": "console.brakes",
    "verify": "console.verify",
    "redrive": "console.redrive",
    "diagnose": "console.diagnose",
    "link": "console.link",
    "alarm": "console.alarm",
    "gameday": "console.gameday.command",
    "chaos": "console.gameday.command",
}


class Rows(click.Group):
    """A group whose commands are functions of their own name in the modules of the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name]), cmd_name)
        return found


EXIT_CODES = """\b
Exit codes:
  0  as it should be
  1  it isn't, or it couldn't be done, or it was interrupted
  2  the words of the command are wrong; `alarm`: the file is refused
  3  `link`: the link is refused
"""


@click.group(
    cls=Rows, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="pizza-remediator")
def main() -> None:
    """Heal the pizza shop's failed orders, and answer for it."""
    interruptible()


def interruptible() -> None:
    """Let an interrupt and a termination end a command the same way, with all that it started."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)


def _stop(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
