"""Real parts: a local AWS, a shop on loopback."""

from collections.abc import Iterator

import pytest

from simulator.local_aws import LocalAws
from simulator.shop import Shop


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as running:
        yield running


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop(slow_seconds=0.2) as open_for_orders:
        yield open_for_orders
