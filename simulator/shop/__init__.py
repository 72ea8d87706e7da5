"""A stand-in JWT Pizza for game days and tests: never part of what is deployed.

Faithful to what was observed on the service of 2025-10-14 and the factory of 2026-03-11, on
loopback, with throw-away keys and passwords that are new at each start.
"""

from simulator.shop.conditions import CONDITIONS
from simulator.shop.limits import Limit, Limiter
from simulator.shop.server import StandInShop as Shop
from simulator.shop.word import Word

__all__ = ["CONDITIONS", "Limit", "Limiter", "Shop", "Word"]
