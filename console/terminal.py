"""What the commands print on: a terminal as wide as it is, or a pipe whose lines are as long as they need be."""

import sys

import click
from rich.console import Console

PIPED_WIDTH = 10_000  # characters; a table is no wider than what stands in it

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
always_json = click.option("--json", is_flag=True, expose_value=False, help="What it prints is always JSON.")


def paper() -> Console:
    """Standard output, in colour on a terminal alone (rich heeds NO_COLOR), never wrapped in a pipe."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
