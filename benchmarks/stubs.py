"""The shop, its factory and AWS as stubs: each answers a set delay after a request is whole, and notes when.

`python -m benchmarks.stubs` prints their addresses as one line of JSON and serves until it is ended. It knows one
incident, and of DynamoDB what the remediator's state needs. Times are of time.monotonic, one clock on a machine.
"""

import asyncio
import json
import math
import secrets
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs

import click
import trustme
from joserfc import jws
from joserfc.jwk import RSAKey

from simulator.interrupts import end
from simulator.paths import ROOT

KEY_ID = "bench"
WRITES = ("TransactWriteItems", "PutItem", "UpdateItem")
SECONDS_TO_USE = 0.005  # a connection that is used later was opened ahead of need
LOGGED_IN = {"user": {"id": 2, "email": "bench@example.com", "roles": [{"role": "diner"}]}, "token": "bench-token"}
HANDED_OVER = {"SecretString": json.dumps({"email": "bench@example.com", "password": "bench-password"})}
PUBLISHED = (
    '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId>'
    "</PublishResult></PublishResponse>"
)

type Answer = tuple[int, object]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request: when its first byte came, when its answer was written.

    `fresh`: it waited for its connection, which was opened just before it. `units`: DynamoDB's write units.
    """

    server: str
    what: str
    status: int
    fresh: bool
    began: float
    ended: float
    units: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def taken(cls, buffer: bytearray) -> Self | None:
        """The first request of the buffer, taken out of it, or None where it isn't whole yet."""
        end_of_head = buffer.find(b"\r\n\r\n")
        if end_of_head < 0:
            return None
        first, *lines = buffer[:end_of_head].decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        whole = end_of_head + 4 + int(headers.get("content-length", 0))
        if len(buffer) < whole:
            return None
        body = bytes(buffer[end_of_head + 4 : whole])
        del buffer[:whole]
        method, path, _ = first.split(" ")
        return cls(method, path, headers, body)

    @property
    def what(self) -> str:
        """AWS's name of the operation, or method and path in short."""
        if target := self.headers.get("x-amz-target"):
            return target.partition(".")[2]
        if "x-www-form-urlencoded" in self.headers.get("content-type", ""):
            return parse_qs(self.body.decode())["Action"][0]
        return f"{self.method} {'report' if '/report/' in self.path else self.path.rpartition('/')[2]}"


@dataclass(slots=True)
class World:
    """What the stubs share: the chaos, the states by partition, and what was asked since the chaos began."""

    link: str = ""
    chaos: bool = True
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: list[RequestRecord] = field(default_factory=list)
    first_byte: float | None = None
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048))
    jwt: str = ""

    def __post_init__(self) -> None:
        payload = json.dumps({"vendor": {"id": "bench"}, "diner": {"id": 2}, "order": {"id": 1}})
        self.jwt = jws.serialize_compact({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}, payload, self.key)

    def shop(self, request: Request) -> Answer:
        if request.path == "/api/auth":
            return 200, LOGGED_IN if request.method == "PUT" else {"message": "logout successful"}
        if request.method == "GET":  # what the canary asks
            return 200, []
        if self.chaos:
            return 500, {"message": "Failed to fulfill order at factory", "followLinkToEndChaos": self.link}
        return 200, {"order": json.loads(request.body) | {"id": 1}, "jwt": self.jwt}

    def factory(self, request: Request) -> Answer:
        if request.path.endswith("/jwks.json"):
            return 200, {"keys": [self.key.as_dict(private=False) | {"kid": KEY_ID}]}
        self.chaos = False
        return 200, {"message": "Problem resolved. Pizza is back on the menu!"}

    def aws(self, request: Request) -> Answer:
        asked = {} if request.what == "Publish" else json.loads(request.body)
        match request.what:
            case "Publish":
                return 200, PUBLISHED
            case "GetSecretValue":
                return 200, HANDED_OVER
            case "GetItem":
                state = self.states.get(asked["Key"]["pk"]["S"])
                return 200, {"Item": state} if state else {}
            case "TransactWriteItems":
                updates = [item["Update"] for item in asked["TransactItems"] if "Update" in item]
                return _refused("TransactionCanceled") if not all(map(self.written, updates)) else (200, {})
            case "UpdateItem":
                return (200, {}) if self.written(asked) else _refused("ConditionalCheckFailed")
        return 200, {}

    def control(self, request: Request) -> Answer:
        """`/chaos` breaks the shop anew, `/well` mends it; both forget what was asked. Anything else shows it."""
        if request.path in ("/chaos", "/well"):
            self.chaos, self.records, self.first_byte = request.path == "/chaos", [], None
        return 200, {"first_byte": self.first_byte, "records": [asdict(record) for record in self.records]}

    def written(self, update: dict[str, Any]) -> bool:
        """Write a state if it is as seen, `v = :seen` or none at all; False if it isn't."""
        state = self.states.get(update["Key"]["pk"]["S"])
        values, names = update["ExpressionAttributeValues"], update.get("ExpressionAttributeNames", {})
        if ":seen" in values and (state is None or state["v"] != values[":seen"]):
            return False
        if state is not None and update.get("ConditionExpression", "").startswith("attribute_not_exists(pk)"):
            return False
        sets, _, removed = update["UpdateExpression"].removeprefix("SET ").partition(" REMOVE ")
        new = {**(state or update["Key"])}
        for name, value in (pair.split(" = ") for pair in sets.split(", ")):
            new[names.get(name, name)] = values[value]
        new.pop(names.get(removed, removed), None)
        self.states[update["Key"]["pk"]["S"]] = new
        return True


def write_units(operation: str, asked: Mapping[str, Any]) -> int:
    """DynamoDB's write units of one request: one for each begun kilobyte of an item, two in a transaction.

    An update is billed by the item it leaves; what this one sets is the whole state.
    """
    if operation == "TransactWriteItems":
        return sum(2 * _kilobytes(part) for item in asked["TransactItems"] for part in item.values())
    return _kilobytes(asked)


def _kilobytes(part: Mapping[str, Any]) -> int:
    """By the values that are written; their names and braces count for the attributes' names."""
    written = part.get("Item") or part.get("ExpressionAttributeValues") or {}
    return max(1, math.ceil(len(str(written)) / 1024))


def _refused(why: str) -> Answer:
    return 400, {"__type": f"com.amazonaws.dynamodb.v20120810#{why}Exception", "message": "the state isn't as seen"}


class StubConnection(asyncio.Protocol):
    """One connection, kept until the other side closes it. asyncio sets TCP_NODELAY on it."""

    def __init__(self, server: str, world: World, delay: float) -> None:
        self._server, self._world, self._delay = server, world, delay
        self._route: Callable[[Request], Answer] = getattr(world, server)
        self._buffer, self._began, self._opened = bytearray(), 0.0, 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport, self._opened = transport, time.monotonic()

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if not self._buffer:
            self._began = now
        if self._server == "shop" and self._world.first_byte is None:
            self._world.first_byte = now
        self._buffer += data
        if request := Request.taken(self._buffer):
            asyncio.get_running_loop().call_later(self._delay, self._answer, request, self._began)

    def _answer(self, request: Request, began: float) -> None:
        status, told = self._route(request)
        text, kind = (told, "text/xml") if isinstance(told, str) else (json.dumps(told), "application/json")
        body = text.encode()
        head = f"HTTP/1.1 {status} Stub\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._transport.write(head.encode() + body)
        if self._server != "control":
            fresh = began - self._opened < SECONDS_TO_USE
            ended = time.monotonic()
            units = write_units(request.what, json.loads(request.body)) if request.what in WRITES else 0
            self._world.records.append(RequestRecord(self._server, request.what, status, fresh, began, ended, units))


@click.command()
@click.option("--shop-ms", default=50.0, show_default=True, help="Shop's and factory's delay.")
@click.option("--aws-ms", default=5.0, show_default=True, help="AWS's delay.")
def serve(shop_ms: float, aws_ms: float) -> None:
    """Serve until ended; the addresses are the only line printed."""
    asyncio.run(_serve({"shop": shop_ms / 1000, "factory": shop_ms / 1000, "aws": aws_ms / 1000, "control": 0.0}))


async def _serve(delays: dict[str, float]) -> None:
    world, authority, loop = World(), trustme.CA(), asyncio.get_running_loop()
    encryption = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(encryption)
    ports = {}
    for name, delay in delays.items():
        tls = encryption if name == "factory" else None

        def connection(name: str = name, delay: float = delay) -> StubConnection:
            return StubConnection(name, world, delay)

        server = await loop.create_server(connection, "127.0.0.1", 0, ssl=tls)
        ports[name] = server.sockets[0].getsockname()[1]
    world.link = (
        f"https://127.0.0.1:{ports['factory']}/api/support/{secrets.token_hex(16)}/report/{secrets.token_hex(4)}"
    )
    click.echo(json.dumps({"ports": ports, "ca": authority.cert_pem.bytes().decode()}))
    await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Stubs:
    """The stubs as others see them. `ca`: the PEM that verifies the factory."""

    ports: dict[str, int]
    ca: str

    def url(self, server: str) -> str:
        return f"http://127.0.0.1:{self.ports[server]}"

    def break_shop(self) -> None:
        """Begin the chaos; what was asked until now is forgotten."""
        self._ask("/chaos")

    def mend_shop(self) -> None:
        """End the chaos; what was asked until now is forgotten."""
        self._ask("/well")

    def asked(self) -> tuple[float | None, list[RequestRecord]]:
        """When the shop got its first byte, and all requests by their begin, since the chaos began."""
        told = self._ask("/")
        records = sorted((RequestRecord(**each) for each in told["records"]), key=lambda record: record.began)
        return told["first_byte"], records

    def _ask(self, path: str) -> Any:
        with urllib.request.urlopen(self.url("control") + path, timeout=10) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read())


@contextmanager
def stubs(shop_ms: float = 50, aws_ms: float = 5) -> Iterator[Stubs]:
    """Stubs in a process of their own, on loopback, while the block lasts."""
    words = [sys.executable, "-m", "benchmarks.stubs", "--shop-ms", str(shop_ms), "--aws-ms", str(aws_ms)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True) as process:
        try:
            yield Stubs(**json.loads(process.stdout.readline() if process.stdout else b""))
        finally:
            end(process)


if __name__ == "__main__":
    serve()
