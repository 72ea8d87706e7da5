"""Where the commands print: on a terminal in its width, or into a pipe in lines of any length.

All of it passes through here: what others wrote is masked, and no character in it does anything.
"""

import json
import os
import sys
import textwrap
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from remediator.audit import format_timestamp
from remediator.link_template import read_templates
from remediator.masking import Mask
from remediator.plain import readable

PIPED_WIDTH = 10_000  # characters; a table is no wider than what stands in it
MASK = Mask()

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
always_json = click.option("--json", is_flag=True, expose_value=False, help="What it prints is always JSON.")


class PlainConsole(Console):
    """A console on which a text is what it says: `[link=…]` and `:pizza:` are words as others are."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(shown(text), **options)


def stdout_console() -> Console:
    """Standard output, in colour on a terminal alone (rich heeds NO_COLOR), never wrapped in a pipe."""
    width = None if sys.stdout and sys.stdout.isatty() else PIPED_WIDTH
    return PlainConsole(highlight=False, markup=False, emoji=False, width=width)


def stderr_console() -> Console:
    """Standard error, for what is shown while one waits."""
    return PlainConsole(stderr=True, highlight=False, markup=False, emoji=False)


def with_progress[T](items: Iterable[T], what: str) -> Iterable[T]:
    """The items, with a bar on standard error while they are used, if that is a terminal."""
    from rich.progress import track  # noqa: PLC0415 - 50 ms, which no other command needs

    console = stderr_console()
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)


def know_links(templates: str) -> None:
    """Mask links of a stack's own shapes, its `AllowedReportLinks`, besides those that are known."""
    global MASK  # noqa: PLW0603 - one command in a process, one stack for it
    with suppress(ValueError):
        MASK = Mask(read_templates(templates))


def shown(text: str) -> str:
    """`text` as it may be shown: on one line, and without a secret."""
    return readable(MASK.text(text))


def words(text: str) -> str:
    """What a person typed, as it may be kept."""
    return MASK.words(text)


def say(text: str, *, err: bool = False) -> None:
    """Print one line; on a terminal that is narrower, its words on several."""
    stream, line = sys.stderr if err else sys.stdout, shown(text)
    if stream and stream.isatty():
        line = textwrap.fill(line, os.get_terminal_size(stream.fileno()).columns or 80, break_on_hyphens=False)
    click.echo(line, err=err)


def say_json(value: object) -> None:
    """Print one JSON object (docs/json.md). What isn't ASCII, or acts on a terminal, is escaped in it."""
    click.echo(json.dumps(_masked(value)).replace("\x7f", "\\u007f"))


def confirm(question: str, *, yes: bool, as_json: bool = False) -> None:
    """Go on if a person says so, or --yes did. Raises click.Abort, or click.UsageError if nobody can be asked."""
    if yes:
        return
    if as_json or not has_person():
        raise click.UsageError(f"nobody can be asked here: give --yes. The question is: {question}")
    click.confirm(question, abort=True, err=True)


def has_person() -> bool:
    """Whether somebody can be asked, and type."""
    return sys.stdin is not None and sys.stdin.isatty()


def _masked(value: object) -> object:
    """JSON with its texts masked one by one: in the line as a whole a mask could cut an escape in two."""
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, Mapping):
        return {name: _masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [*map(_masked, value)]
    return MASK.text(value) if isinstance(value, str) else value
