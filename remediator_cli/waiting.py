"""Waiting for something that isn't told, and showing what for."""

import time
from collections.abc import Iterator
from typing import Self

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from remediator_cli.terminal import say, shown, stderr_console


def poll(seconds: float, every: float) -> Iterator[None]:
    """Yield now, and again every so many seconds, until the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(every)


class Steps:
    """Shows each step with its seconds on standard error, so that standard output stays the result's."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="·"),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=stderr_console(),
        )
        self._live = self._progress.console.is_terminal
        self._began = time.monotonic()
        self._newest = ""

    def __enter__(self) -> Self:
        if self._live:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finish()
        if self._live:
            self._progress.stop()

    def next(self, text: str) -> None:
        """The step before is done; this one begins, unless it is the same."""
        if text == self._newest:
            return
        self._finish()
        self._newest = text
        if self._live:
            self._progress.add_task(shown(text), total=1)
        else:
            say(f"{time.monotonic() - self._began:6.1f} s  {text}", err=True)

    def _finish(self) -> None:
        for task in self._progress.tasks:
            self._progress.update(task.id, completed=1)
