"""AWS clients: short time-outs, standard retries."""

from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(
    connect_timeout=1,
    read_timeout=1.5,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
)


def new_client(service: str, endpoint: str | None = None) -> Any:
    """A client of one AWS service, in the function's own region. `endpoint`: a local AWS, on game days only."""
    return boto3.session.Session().client(service, endpoint_url=endpoint, config=CONFIG)
