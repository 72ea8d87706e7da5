"""Where the commands print: on a terminal in its width, or into a pipe in lines of any length."""

import sys

import click
from rich.console import Console

PIPED_WIDTH = 10_000  # characters; a table is no wider than what stands in it

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
always_json = click.option("--json", is_flag=True, expose_value=False, help="What it prints is always JSON.")


def stdout_console() -> Console:
    """Standard output, in colour on a terminal alone (rich heeds NO_COLOR), never wrapped in a pipe."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
