"""How many round trips a warm heal waits for, one after the other. Counted, never timed."""

import json
import time
from collections.abc import Iterator

import pytest

from benchmarks.figures import chain, shown
from benchmarks.sides import EVENT, our_variables
from benchmarks.stubs import Stubs, stubs
from remediator.bootstrap.remediate import remediator, settings
from remediator.deadline import Deadline
from remediator.outcome import Outcome
from remediator.run import SECONDS_BETWEEN_CHECKS
from simulator.invoke import sent_now

MOST = 7  # read, claim, login, order, intent, report, order: what no design but a remembered state can do without
HEALS = 20
EVEN_MS = 60  # one delay for all, long beside the computer's own, so that what runs side by side is seen to


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubs]:
    """Stubs, and the environment of a function that is deployed before them."""
    with stubs(EVEN_MS, EVEN_MS) as running:
        for name, value in our_variables(running, "counted").items():
            monkeypatch.setenv(name, value)
        for made in (settings, remediator):
            made.cache_clear()
        yield running
        for made in (settings, remediator):
            made.cache_clear()


def heal(shop: Stubs, request_id: str) -> int:
    """Heal the broken shop; the number of round trips it took."""
    shop.break_shop()
    (result,) = remediator().handle(sent_now(json.loads(EVENT.read_text())), request_id, Deadline.after(60))
    assert result.outcome is Outcome.HEALED
    return len(chain(shop.asked()[1]))


def test_a_warm_heal_waits_for_no_more_than_seven_round_trips(shop: Stubs) -> None:
    """The shortest of some heals: a busy computer may part what runs side by side, and never joins what doesn't."""
    heal(shop, "cold")
    for number in range(HEALS):
        time.sleep(SECONDS_BETWEEN_CHECKS)
        if heal(shop, f"warm {number}") <= MOST:
            return

    pytest.fail(shown(chain(shop.asked()[1])))
