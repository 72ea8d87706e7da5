"""Work is counted, since seconds depend on what else the computer does."""

import re
import sys
from collections.abc import Callable
from functools import partial
from types import CodeType

TOOL = 4  # free of sys.monitoring's six; 1 is coverage's, 2 a profiler's
OURS = re.compile(r"/remediator(_cli)?/")


def steps(work: Callable[[], object]) -> int:
    """How many instructions of the remediator's byte code run while `work` does.

    Counting lines would miss a loop within one. What a regular expression does isn't counted.
    """
    count = 0

    def seen(code: CodeType, _offset: int) -> object:
        nonlocal count
        if not OURS.search(code.co_filename):
            return sys.monitoring.DISABLE
        count += 1
        return None

    events = sys.monitoring.events
    sys.monitoring.use_tool_id(TOOL, "steps")
    sys.monitoring.register_callback(TOOL, events.INSTRUCTION, seen)
    sys.monitoring.set_events(TOOL, events.INSTRUCTION)
    try:
        work()
    finally:
        sys.monitoring.set_events(TOOL, events.NO_EVENTS)
        sys.monitoring.register_callback(TOOL, events.INSTRUCTION, None)
        sys.monitoring.free_tool_id(TOOL)
    return count


def growth(read: Callable[[str], object], start: str, repeated: str) -> float:
    """How many times the steps eight times as much text takes: 8, or less, if the work grows with the length alone."""
    short, long = (steps(partial(read, (start + repeated * size)[:size])) for size in (4 << 10, 32 << 10))
    return long / max(short, 1000)
