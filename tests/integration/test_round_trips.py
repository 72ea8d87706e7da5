"""How many round trips a warm heal waits for, one after the other. Counted, never timed."""

import json
import time
from collections.abc import Iterator

import pytest

from benchmarks.figures import chain, shown
from benchmarks.measure import SECONDS_BETWEEN_LOOKS
from benchmarks.sides import EVENT, our_variables
from benchmarks.stubs import Stubs, stubs
from console.gameday.invoke import sent_now
from remediator.bootstrap import bootstrap, settings
from remediator.outcome import Outcome
from remediator.sample import Deadline

MOST = 6  # claim, login, order, intent, report, order: what no design can do without
HEALS = 20
EVEN_MS = 60  # one delay for all, long beside the machine's own, so that what runs side by side is seen to


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubs]:
    """Stubs, and the environment of a function that is deployed before them."""
    with stubs(EVEN_MS, EVEN_MS) as running:
        for name, value in our_variables(running, "counted").items():
            monkeypatch.setenv(name, value)
        for made in (settings, bootstrap):
            made.cache_clear()
        yield running
        for made in (settings, bootstrap):
            made.cache_clear()


def heal(shop: Stubs, request_id: str) -> Outcome:
    shop.break_shop()
    event = sent_now(json.loads(EVENT.read_text()))
    (ending,) = bootstrap().handle(event, request_id, Deadline.after(60))
    return ending.outcome


def test_a_warm_heal_waits_for_as_many_round_trips_as_are_counted_here(shop: Stubs) -> None:
    """The shortest of some heals: a busy machine may part what runs side by side, and never joins what doesn't."""
    assert heal(shop, "cold") is Outcome.HEALED
    found = []
    for number in range(HEALS):
        time.sleep(SECONDS_BETWEEN_LOOKS)
        assert heal(shop, f"warm {number}") is Outcome.HEALED
        found.append(chain(shop.asked()[1]))
        if len(found[-1]) <= MOST:
            break

    shortest = min(found, key=len)
    assert len(shortest) == MOST, shown(shortest)
