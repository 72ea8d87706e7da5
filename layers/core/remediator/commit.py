"""The optimistic write: decide on the state as last seen, commit, and decide again if somebody else was first."""

import random
from collections.abc import Callable
from datetime import datetime
from itertools import count

from remediator.deadline import Deadline
from remediator.decisions import Unchanged
from remediator.errors import DeadlineOver
from remediator.ports import Store
from remediator.state import Change, State

SECONDS_BETWEEN_TRIES = 1.0  # at most
type Decide = Callable[[State, datetime], Change | Unchanged]


def commit(
    store: Store,
    state: State,
    decide: Decide,
    clock: Callable[[], datetime],
    deadline: Deadline,
    sleep: Callable[[float], None],
) -> tuple[State, Change | Unchanged]:
    """The state as last seen afterwards, and what was written, or the decision that asks for no change.

    Raises StateError; DeadlineOver if others were first until the time was up.
    """
    for tries in count(1):
        decided = decide(state, clock())
        if not isinstance(decided, Change):
            return state, decided
        written = store.commit(state, decided)
        if written is not None:
            return written, decided
        if not deadline.left:
            break
        longest = min(SECONDS_BETWEEN_TRIES, 0.05 * tries)
        sleep(deadline.allow(random.uniform(0.005, longest)))  # noqa: S311 - jitter keeps no secret
        state = store.state()
    raise DeadlineOver("the state couldn't be written until the time was up")
