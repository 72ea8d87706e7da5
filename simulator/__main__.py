"""`python -m simulator`: what make starts in a checkout, with the errors, signals and masks of the command line."""

import signal
from importlib import import_module

import click

from remediator_cli.main import CommandTable
from simulator.interrupts import ENDINGS, first_ends

COMMANDS = ("local", "invoke", "pictures")


class Started(CommandTable):
    """The commands that aren't part of `remediator`, since they belong to make."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        found: click.Command | None = None
        if cmd_name in COMMANDS:
            found = getattr(import_module(f"simulator.{cmd_name}"), cmd_name)
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as above
        return [*COMMANDS]

    format_commands = click.Group.format_commands


@click.group(cls=Started, add_help_option=False)
@click.option("--debug", is_flag=True)
def main(*, debug: bool) -> None:
    """Start one of them."""


if __name__ == "__main__":
    try:
        with first_ends():
            main(prog_name="simulator")
    finally:
        for number in ENDINGS:  # nothing is left to end, and Python would take a late one for a reason to fail
            signal.signal(number, signal.SIG_IGN)
