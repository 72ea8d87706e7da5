"""One `make local` in a checkout: whoever runs holds its folder, and writes there what a second terminal needs."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from remediator.audit import format_timestamp
from remediator_cli.waiting import poll

STACK_FILE = "stack.json"  # for `make invoke` and the command line in another terminal
ENVIRONMENT = "env.json"  # the function's variables in a container: `sam local invoke --env-vars`
EVENT = "event.json"  # an alarm that is sent now, whenever it is read
SECONDS_BETWEEN_LOOKS, SECONDS_TO_WRITE = 0.02, 10.0


class Held:
    """The folder of the `make local` that runs here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.who = {"pid": os.getpid(), "since": format_timestamp(datetime.now(UTC))}

    def write(self, name: str, value: Any) -> None:
        """Write a file as JSON; whoever reads it finds a whole one. Raises click.ClickException."""
        file, new = self.folder / name, self.folder / f"{name}.new"
        try:
            new.write_text(json.dumps(value, indent=2))
            new.replace(file)
        except OSError as error:
            raise _unwritable(file, error) from None

    def clear(self) -> None:
        """Remove what was written."""
        for name in (STACK_FILE, ENVIRONMENT, EVENT):
            for file in (self.folder / name, self.folder / f"{name}.new"):
                file.unlink(missing_ok=True)


@contextmanager
def hold(folder: Path) -> Iterator[Held]:
    """Hold the folder while the block lasts. Raises click.ClickException, which says who holds it already.

    By a lock on the folder itself: the system takes it back with the process, however that ends.
    """
    try:
        folder.mkdir(exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(folder, error) from None
    held = Held(folder)
    try:
        if not _is_locked(lock):
            raise click.ClickException(f"`make local` is up already in this checkout: {_who(folder)}")
        try:
            held.clear()
            held.write(STACK_FILE, held.who)
            yield held
        finally:
            held.clear()
    finally:
        os.close(lock)


def _is_locked(lock: int) -> bool:
    """Whether it is ours now. Who only looks whether it is up shares the lock for a moment, and is waited for."""
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(lock, fcntl.LOCK_UN)
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _who(folder: Path) -> str:
    """Which process it is, since when, and where it can be reached, as far as its file says so."""
    for _ in poll(SECONDS_TO_WRITE, every=SECONDS_BETWEEN_LOOKS):  # who has just begun is about to write it
        if (folder / STACK_FILE).exists():
            break
    try:
        found = json.loads((folder / STACK_FILE).read_text())
        where = f"shop {found['shop']}, local AWS {found['endpoint']}" if "endpoint" in found else "still starting"
        return f"process {found['pid']}, since {found['since']}, {where}.\nkill {found['pid']} ends it."
    except (OSError, ValueError, TypeError, LookupError):
        return f"{folder / STACK_FILE} doesn't say by which process."


def _unwritable(file: Path, error: OSError) -> click.ClickException:
    return click.ClickException(f"{file} can't be written: {error.strerror}")
