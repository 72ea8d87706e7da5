"""AWS clients: short time-outs, standard retries."""

from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(
    connect_timeout=1,
    read_timeout=1.5,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
)
_MAKING = Lock()  # a session isn't made for two threads; its clients are


def new_client(service: str, endpoint: str | None = None) -> Any:
    """A client of one AWS service, in the function's own region. `endpoint`: a local AWS, on game days only."""
    with _MAKING:
        return _session().client(service, endpoint_url=endpoint, config=CONFIG)


class LateClient:
    """A client that is made when it's first used, so that it can be made while something else is waited for."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._made = lru_cache(maxsize=1)(make)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)


@lru_cache
def _session() -> Any:
    """One for all clients: each reads botocore's data anew."""
    return boto3.Session()
