"""A few hundred worlds of the protocol's model, and worlds that it has to condemn; `make model` plays 40,000."""

from dataclasses import replace
from datetime import datetime

import pytest

from remediator.state import Change, State
from tests.protocol.model import play
from tests.support.fakes import MemoryStore

WORLDS = 400
CHUNKS = 4


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_world_keeps_every_promise(chunk: int) -> None:
    unhealed = sum(bool(play(seed).failing) for seed in range(chunk, WORLDS, CHUNKS))

    assert unhealed  # else nothing was asked about the alarms that a failing shop is left with


class DeafStore(MemoryStore):
    """Says that it noted an alarm, and doesn't."""

    def join(self, holder: str, sent: datetime) -> bool:
        return self.current.check is not None and self.current.check.lease.holder == holder


class HastyStore(MemoryStore):
    """Writes a finish also if an alarm has come."""

    def commit(self, seen: State, change: Change) -> State | None:
        return super().commit(seen, replace(change, unless_triggered_after=None))


class UnfencedStore(MemoryStore):
    """Lets a run write over what another has written."""

    def commit(self, seen: State, change: Change) -> State | None:
        return super().commit(self.current, change)


@pytest.mark.parametrize(
    ("faulty", "promise"),
    [(DeafStore, "alarm of .* is lost"), (HastyStore, "alarm of .* is lost"), (UnfencedStore, "follows entry")],
)
def test_model_condemns_a_store_that_breaks_its_promise(faulty: type[MemoryStore], promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        _ = [play(seed, faulty()) for seed in range(WORLDS)]
