"""Waiting for something that isn't told."""

import time
from collections.abc import Iterator


def poll(seconds: float, every: float) -> Iterator[None]:
    """Yield now, and again every so many seconds, until the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(every)
