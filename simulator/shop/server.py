"""Runs the stand-in shop: service, factory and control on three ports, in one thread."""

import asyncio
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import trustme
from aiohttp import web

from simulator.listening import LOOPBACK, listen, serving
from simulator.shop.conditions import CONDITIONS, REPORT, ActiveCondition
from simulator.shop.express import BODY, AnswerError, Json, Record, answer, express, recorder
from simulator.shop.factory import KINDS, StandInFactory, new_code
from simulator.shop.limits import Limit
from simulator.shop.service import StandInService
from simulator.shop.word import Word

_KEEPALIVE_SECONDS = 5.0  # the service's, observed: a socket reused later is reset
_STOP_SECONDS = 0.1  # what a pending order is given before it is dropped


class StandInShop:
    """A shop on loopback while the `with` block lasts; several run side by side.

    `slow_seconds` is how long a throttled order, or one of 0 or more than 20 items, takes.
    `factory_name` is the name in the factory's certificate and links. A link carries the
    factory's port, which the real one never does, unless `link_port` is false.
    `address` is where service and factory can be reached besides loopback, under the same ports:
    an IPv4 address, or a name that leads to this computer's loopback. Orders placed there get
    links that lead there.
    `report` is the path, and the query, of the factory's report links, whose keys are `key_length` long: 32 hex digits,
    or else letters and digits. `limits` are the service's limits of rates, applied in that order.
    `word`: to whom it tells failed orders, if to anybody.
    `ca_file` is a PEM that verifies the factory; it is gone after the block.
    """

    def __init__(
        self,
        *,
        slow_seconds: float = 32.0,
        service_port: int = 0,
        factory_port: int = 0,
        factory_name: str = LOOPBACK,
        link_port: bool = True,
        address: str = LOOPBACK,
        report: str = REPORT,
        key_length: int = 32,
        limits: Sequence[Limit] = (),
        word: Word | None = None,
    ) -> None:
        self.requests: list[Record] = []
        self._slow_seconds, self._address = slow_seconds, address
        self._ports = (service_port, factory_port, 0)
        self._factory_name, self._link_port = factory_name, link_port
        self._report, self._key_length, self._limits, self._word = report, key_length, limits, word

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(TemporaryDirectory(prefix="stand-in-shop-"))
            sockets = []
            for port, address in zip(self._ports, (self._address, self._address, LOOPBACK), strict=True):
                sockets.append([stack.enter_context(each) for each in listen(address, port)])
            self._set_up([each[0].getsockname()[1] for each in sockets])
            self._start(sockets, self._certificate(Path(folder) / "ca.pem"))
            self._held = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._held.close()

    def chaos(self, kind: str) -> None:
        """Start "fail", "badjwt" or "throttle" now, without the next day's wait; or "off"."""
        if kind not in (*KINDS, "off"):
            raise ValueError(f"chaos is one of {', '.join(KINDS)} or off, not {kind}")
        self._on_loop(lambda: self._set_chaos(kind))

    def condition(self, name: str | None) -> None:
        """Take on a condition of CONDITIONS; None ends it. A running chaos goes on beneath."""
        if name is not None and name not in CONDITIONS:
            raise ValueError(f"a condition is one of {', '.join(CONDITIONS)}, not {name}")
        self._on_loop(lambda: self._active.set(name))

    @property
    def secrets(self) -> set[str]:
        """All that nobody may find written anywhere: the diner's password, each token, the vendor's key."""
        return {self.password, self.vendor_token, *self._service.issued}

    def close_connections(self) -> None:
        """Close every connection, as the service does with one that is idle for 5 s. Nothing may be under way."""

        def close() -> None:
            for runner in self._runners:
                for connection in runner.server.connections if runner.server else []:
                    connection.force_close()

        self._on_loop(close)

    @property
    def orders_failed(self) -> int:
        """Orders answered with a 5xx, or with a report link whatever the status."""
        return sum(order.link or order.status >= 500 for order in self._orders())

    @property
    def orders_good(self) -> int:
        return sum(order.status == 200 and not order.link for order in self._orders())

    @property
    def slow_orders(self) -> int:
        """How many orders took the slow time, or are taking it."""
        return self._factory.slow_orders

    @property
    def report_calls(self) -> dict[str, int]:
        """How often a report link was called, by the two methods that have an effect."""
        calls = [
            record.method
            for record in self.requests.copy()
            if record.server == "factory" and record.path == self._report.partition("?")[0]
        ]
        return {method: calls.count(method) for method in ("GET", "HEAD")}

    def state(self) -> Json:
        """What GET /_control answers."""
        chaos = self._factory.running()
        return {
            "chaos": chaos.kind if chaos else "off",
            "condition": self._active.name,
            "orders_failed": self.orders_failed,
            "orders_good": self.orders_good,
            "report_calls": self.report_calls,
        }

    def _orders(self) -> list[Record]:
        placed = ("service", "POST", "/api/order")
        return [r for r in self.requests.copy() if (r.server, r.method, r.path) == placed]

    def _set_chaos(self, kind: str) -> None:
        if kind == "off":
            self._factory.end()
        else:
            self._factory.initiate(kind, datetime.now(UTC))

    def _on_loop(self, change: Callable[[], None]) -> None:
        """All state is changed in the servers' own thread, so no lock is needed."""

        async def changed() -> None:
            change()

        asyncio.run_coroutine_threadsafe(changed(), self._loop).result()

    def _set_up(self, ports: list[int]) -> None:
        service_port, factory_port, control_port = ports
        self.url = f"http://{LOOPBACK}:{service_port}"
        self.control_url = f"http://{LOOPBACK}:{control_port}"
        self.factory_url = f"https://{self._factory_name}:{factory_port}"
        shown = self._link_port and factory_port != 443
        self.factory_host = self._factory_name + (f":{factory_port}" if shown else "")
        self._active = ActiveCondition()
        beside = {} if self._address == LOOPBACK else {self._address: f"https://{self._address}:{factory_port}"}
        origin = f"https://{self.factory_host}"
        self.report_links = origin + self._report
        key = secrets.token_hex(16) if self._key_length == 32 else new_code(self._key_length)
        self._factory = StandInFactory(self._active, self._slow_seconds, origin, beside, self._report, key)
        self._service = StandInService(self._factory, self._active, self._limits, self._word)
        self.email, self.password = self._service.email, self._service.password
        self.vendor_token = self._factory.api_key

    def _certificate(self, ca_file: Path) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(ca_file))
        self.ca_file = str(ca_file)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(self._factory_name, LOOPBACK, self._address).configure_cert(context)
        return context

    def _start(self, sockets: list[list[socket.socket]], encryption: ssl.SSLContext) -> None:
        started: Future[None] = Future()
        serving = self._serve(sockets, (None, encryption, None), started)
        self._thread = threading.Thread(target=asyncio.run, args=(serving,), name="stand-in shop")
        self._thread.start()
        started.result()

    async def _serve(
        self,
        sockets: list[list[socket.socket]],
        encryption: tuple[ssl.SSLContext | None, ...],
        started: Future[None],
    ) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._runners = [_runner(app) for app in self._applications()]
        async with AsyncExitStack() as stack:
            for runner, each, context in zip(self._runners, sockets, encryption, strict=True):
                await stack.enter_async_context(serving(runner, each, context))
            started.set_result(None)
            await self._stopping.wait()

    def _applications(self) -> Iterator[web.Application]:
        for name, side in (("service", self._service), ("factory", self._factory)):
            app = web.Application(middlewares=[recorder(name, self.requests), side.outage, express])
            app.add_routes(side.routes())
            yield app
        control = web.Application(middlewares=[express])
        shown = web.get("/_control", self._show), web.get("/_control/requests", self._list)
        control.add_routes([*shown, web.post("/_control", self._change)])
        yield control

    async def _show(self, _: web.Request) -> web.Response:
        return answer(200, self.state())

    async def _list(self, _: web.Request) -> web.Response:
        return answer(200, [asdict(record) for record in self.requests])

    async def _change(self, request: web.Request) -> web.Response:
        """Takes {"chaos": kind} or {"condition": name or null}."""
        wanted = request[BODY]
        if wanted.get("chaos") in (*KINDS, "off"):
            self._set_chaos(wanted["chaos"])
        elif "condition" in wanted and wanted["condition"] in (None, *CONDITIONS):
            self._active.set(wanted["condition"])
        else:
            raise AnswerError(400, {"chaos": [*KINDS, "off"], "condition": [None, *CONDITIONS]})
        return answer(200, self.state())


def _runner(app: web.Application) -> web.AppRunner:
    return web.AppRunner(app, keepalive_timeout=_KEEPALIVE_SECONDS, shutdown_timeout=_STOP_SECONDS, access_log=None)
