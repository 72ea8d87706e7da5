"""Where the stand-ins listen: on loopback, and where a container of this machine can reach them."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from remediator.addresses import is_literal

LOOPBACK = "127.0.0.1"
_IP_FREEBIND = 15  # <linux/in.h>; Python names it from 3.14 on


def listen(address: str = LOOPBACK, port: int = 0) -> list[socket.socket]:
    """Listening sockets on one port, a free one if 0: on loopback, and on `address` if that is another IPv4 address.

    A name gets no socket of its own: it leads to our loopback. Raises OSError.
    """
    sockets = [socket.create_server((LOOPBACK, port))]
    if address == LOOPBACK or not is_literal(address):
        return sockets
    beside = socket.socket()
    sockets.append(beside)
    try:
        beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # An engine's bridge may come with its first container and go with its last, as Podman's does.
        beside.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        beside.bind((address, sockets[0].getsockname()[1]))
        beside.listen()
    except OSError:
        for each in sockets:
            each.close()
        raise
    return sockets


@asynccontextmanager
async def serving(
    runner: web.AppRunner, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None = None
) -> AsyncIterator[None]:
    """Serve an application on these sockets within the block. At its end no connection is left open, in whatever state:

    one that the interpreter finds later would be warned of in whichever test runs then.
    """
    await runner.setup()
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(runner.server, sock=each, ssl=tls) for each in sockets]
    try:
        yield
    finally:
        for server in servers:
            server.close()
            server.abort_clients()  # a TLS connection that is closed politely waits for an idle client
            await server.wait_closed()
        await runner.cleanup()
