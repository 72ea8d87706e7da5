"""Between the functions and the local AWS: passes each call on as it came, and notes which permission it needs."""

import json
from urllib.parse import parse_qs

from aiohttp import web

from simulator.listening import LOOPBACK
from simulator.proxy import Proxy

# A transaction needs the permissions of what is in it (DynamoDB developer guide, "IAM and transactions").
IN_A_TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


class Recorder(Proxy):
    """`target`: the address of the local AWS. `actions`: the IAM actions that the calls needed."""

    def __init__(self, address: str = LOOPBACK) -> None:
        self.address = address
        self.actions: set[str] = set()
        self.target = ""

    async def pass_on(self, request: web.Request) -> web.Response:
        self.actions |= needed(dict(request.headers), await request.read())
        return await self.forward(request, self.target + request.path_qs)


def needed(headers: dict[str, str], body: bytes) -> set[str]:
    """The IAM actions of one signed AWS request."""
    signed = headers.get("Authorization", "").partition("Credential=")[2].split("/")
    service = signed[3] if len(signed) > 3 else "unknown"
    target = headers.get("X-Amz-Target", "").rpartition(".")[2]
    operation = target or parse_qs(body.decode("utf-8", "replace")).get("Action", ["unknown"])[0]
    if operation == "TransactWriteItems":
        items = json.loads(body)["TransactItems"]
        return {f"dynamodb:{IN_A_TRANSACTION[kind]}" for item in items for kind in item}
    return {f"{service}:{operation}"}
