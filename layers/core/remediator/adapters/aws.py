"""AWS: clients with short time-outs and standard retries, and what its errors are called."""

from functools import lru_cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

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


def error_code(error: Exception) -> str:
    """An AWS error by its code, or by its kind: its text may hold what was sent."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response['Error']['Code']}"
    return type(error).__name__


@lru_cache
def _session() -> Any:
    """One for all clients: each reads botocore's data anew."""
    return boto3.Session()
