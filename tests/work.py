"""Work counted, where seconds would depend on what else the machine does."""

import sys
from collections.abc import Callable
from functools import partial
from types import CodeType

TOOL = 4  # free of sys.monitoring's six; 1 is coverage's, 2 a profiler's
OURS = "/remediator/"


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of the remediator run while `work` does. What a regular expression does isn't seen."""
    count = 0

    def seen(code: CodeType, _line: int) -> object:
        nonlocal count
        if OURS not in code.co_filename:
            return sys.monitoring.DISABLE
        count += 1
        return None

    events = sys.monitoring.events
    sys.monitoring.use_tool_id(TOOL, "lines_run")
    sys.monitoring.register_callback(TOOL, events.LINE, seen)
    sys.monitoring.set_events(TOOL, events.LINE)
    try:
        work()
    finally:
        sys.monitoring.set_events(TOOL, events.NO_EVENTS)
        sys.monitoring.register_callback(TOOL, events.LINE, None)
        sys.monitoring.free_tool_id(TOOL)
    return count


def growth(read: Callable[[str], object], start: str, repeated: str) -> float:
    """How much more lines are run for eight times as much text: 8, or less, if the work grows with the length alone."""
    short, long = (lines_run(partial(read, (start + repeated * size)[:size])) for size in (8 << 10, 64 << 10))
    return long / max(short, 100)
