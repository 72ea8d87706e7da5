"""A thousand worlds of the protocol's model; `make model` plays 40,000."""

import pytest

from tests.model import play

WORLDS = 1000
CHUNKS = 4


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_world_keeps_every_promise(chunk: int) -> None:
    for seed in range(chunk, WORLDS, CHUNKS):
        play(seed)
