"""An HTTP server in a thread of its own, which passes requests on: recorder and emulator pool are two."""

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import Self

import aiohttp
from aiohttp import web

from simulator.listening import LOOPBACK, listen, serving

NOT_PASSED_ON = {"Transfer-Encoding", "Content-Encoding", "Content-Length", "Connection"}
LIMIT = 16 * 1024 * 1024  # bytes of a request


class Proxy:
    """Listens while the `with` block lasts; `url` is where on loopback, `address` where else, under the same port.

    What is passed on, and where to, a subclass says.
    """

    url: str
    address = LOOPBACK

    async def pass_on(self, request: web.Request) -> web.Response:
        raise NotImplementedError

    async def forward(self, request: web.Request, url: str) -> web.Response:
        """Send the request to another address as it came, and return its answer as it came."""
        sending = self._session.request(request.method, url, headers=request.headers, data=await request.read())
        async with sending as answer:
            kept = {k: v for k, v in answer.headers.items() if k not in NOT_PASSED_ON}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    def __enter__(self) -> Self:
        sockets = listen(self.address)
        self.url = f"http://{LOOPBACK}:{sockets[0].getsockname()[1]}"
        started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(sockets, started)))
        self._thread.start()
        started.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self, sockets: list[socket.socket], started: "Future[None]") -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(auto_decompress=False, timeout=timeout) as self._session:
            application = web.Application(client_max_size=LIMIT)
            application.router.add_route("*", "/{path:.*}", self.pass_on)
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
            async with serving(runner, sockets):
                started.set_result(None)
                await self._stopping.wait()
