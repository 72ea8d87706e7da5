"""Ctrl-C, a termination and the end of the window: the first ends what runs here, none splits a start or the end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SECONDS_TO_STOP = 10.0


_came: list[int] = []
_terminals: list[int] = []  # of standard input, output and error


@contextmanager
def first_ends() -> Iterator[None]:
    """Let each of them raise KeyboardInterrupt, unless one before is ending things. A nohup's SIGHUP raises nothing."""
    _came.clear()
    _terminals[:] = filter(os.isatty, range(3))
    with _handled(_interrupt):
        yield


def _interrupt(number: int, _: object) -> None:
    _came.append(number)
    under_way = sys.exception()
    while under_way:
        if isinstance(under_way, KeyboardInterrupt):
            return
        under_way = under_way.__context__
    raise KeyboardInterrupt(number)


def heed() -> None:
    """Raise KeyboardInterrupt if one was lost, or the window is gone.

    Python drops an exception in a finalizer, and so do some libraries. And if the window was make's own, make alone is
    told of its end, and waits.
    """
    if not all(map(os.isatty, _terminals)):
        _came.append(signal.SIGHUP)
    if _came:
        raise KeyboardInterrupt(_came[0])


def ignore() -> None:
    """Let none of them do anything from now on, until `first_ends` is over."""
    for number in ENDINGS:
        signal.signal(number, lambda *_: None)  # SIG_IGN would be handed down to processes


@contextmanager
def undivided() -> Iterator[None]:
    """Put them off until the block is over, so that nothing is started that nobody ends."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # they come in the main thread alone
        yield
        return
    with _handled(lambda number, _: came.append(number)):
        yield
    for number in came[:1]:
        signal.raise_signal(number)


def enter[T](stack: ExitStack, context: AbstractContextManager[T]) -> T:
    """Enter it as a whole, since it starts threads that nobody else would end."""
    with undivided():
        return stack.enter_context(context)


@contextmanager
def _handled(handler: Callable[[int, Any], None]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDINGS}
    if before[signal.SIGHUP] is signal.SIG_IGN:  # as nohup wants it
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


@contextmanager
def started(words: Sequence[str], **how: Any) -> Iterator["subprocess.Popen[Any]"]:
    """A process in a session of its own, which ends with the block, and with it those that it started."""
    with ExitStack() as stack:
        with undivided():
            process = subprocess.Popen(words, start_new_session=True, **how)
            stack.callback(end, process)
        yield process


def end(process: "subprocess.Popen[Any]") -> None:
    """End a process that leads a session, with those it started, politely first."""
    if process.poll() is not None:
        return
    with undivided():
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_STOP)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # those that are left, and itself if it heard nothing
        process.wait()
