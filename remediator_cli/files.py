"""Files of a command: what a person hands to it, up to a bound, and what it writes for a person."""

import os
import stat
import sys
from pathlib import Path

import click

from remediator_cli.terminal import say

LARGEST = 2 * 1024 * 1024  # bytes; Lambda hands over an event of 1 MB at most


def read_input(name: str, largest: int = LARGEST) -> bytes:
    """The content of the file of that name, of standard input if it is `-`. Raises click.UsageError."""
    try:
        if name == "-" and sys.stdin is None:
            raise click.UsageError("standard input is closed: name a FILE")
        if name == "-":
            content = sys.stdin.buffer.read(largest + 1)
        elif not stat.S_ISREG(os.stat(name).st_mode):
            raise click.UsageError(f"{name} is no regular file; `-` is standard input")
        else:  # nothing waits, whatever took the file's place since
            with open(name, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as file:
                content = file.read(largest + 1)
    except OSError as error:
        raise click.UsageError(f"{name} can't be read: {error.strerror}") from None
    if len(content) > largest:
        raise click.UsageError(f"{name} is larger than {largest} bytes")
    return content


def write_output(file: Path, text: str) -> None:
    """Write it there. Raises click.UsageError."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{file} can't be written: {error.strerror}") from None
    say(f"written to {file}", err=True)
