"""HTTP connections that go only where they were judged to go, and end when told to.

`Transport` is mounted on a requests session, best by `open_session`. While it is pinned to a `ReportLink`,
it sends one thing, a GET of that very link, to one of its judged addresses, while TLS still checks the
name. It looks nothing up again, so a name that changes its address after the check changes nothing. A
connection that it keeps is used only where its other end is a judged address too.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import Any, ClassVar

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

from remediator.adapters.abortable import AbortableSocket, AbortableTlsSocket, OpenSockets
from remediator.report_link import ReportLink

_CONNECT_S = 10.0  # for a caller that names no time-out
_AGAIN_S = 0.05


def system_resolver(name: str, port: int) -> tuple[str, ...]:
    """The addresses the system knows for `name`, each once. Raises OSError when it knows none."""
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except UnicodeError as error:  # a label that is empty or too long
        raise OSError("not a name") from error
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class _Dialled(HTTPConnection):
    transport: ClassVar["Transport"]

    def _new_conn(self) -> socket.socket:
        try:
            return self.transport.dial(self.host, self.port, self.timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} didn't answer in time") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection to {self.host}: {error}") from error


class Transport(HTTPAdapter):
    """A requests adapter: no proxies, no retries, certificates always checked, sockets on a list.

    Failures are the exceptions of requests, without the link in their words.
    """

    def __init__(self, ca: bytes | None = None) -> None:
        self._link: ReportLink | None = None
        self._ca = ca
        self._sockets = OpenSockets()
        own: dict[str, Any] = {"transport": self}
        self._connections = {
            "http": type("Http", (_Dialled,), own),
            "https": type("Https", (_Dialled, HTTPSConnection), own),
        }
        super().__init__(max_retries=0)

    @contextmanager
    def pinned(self, link: ReportLink) -> Iterator[None]:
        """Within the block any request but a GET of the link raises ValueError, as does a link without addresses."""
        if not link.addresses:
            raise ValueError("The link was not looked up: there is no address to connect to.")
        if not self._sockets.peers <= set(link.addresses):
            self.poolmanager.clear()
        self._link = link
        try:
            yield
        finally:
            self._link = None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        context = create_urllib3_context()
        if self._ca:
            context.load_verify_locations(cadata=self._ca)
        context.check_hostname = True  # also makes verify=False an error instead of a hole
        context.sslsocket_class = type("Tls", (AbortableTlsSocket,), {"sockets": self._sockets})
        super().init_poolmanager(*args, **kwargs, ssl_context=context)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = self._connections[pool.scheme]
        return pool

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if self._link and (request.method, request.url) != ("GET", self._link.reveal()):
            raise ValueError("This transport sends a GET of its report link and nothing else.")
        kwargs["proxies"] = None
        return super().send(request, *args, **kwargs)

    def dial(self, host: str, port: int, timeout: object) -> socket.socket:
        """A connection to the first address that takes it, within `timeout` seconds over all."""
        addresses = self._addresses(host, port)
        ends = time.monotonic() + (timeout if isinstance(timeout, int | float) else _CONNECT_S)
        failure: OSError = OSError("no address")
        for number, address in enumerate(addresses):
            share = (ends - time.monotonic()) / (len(addresses) - number)
            try:
                return self._connect(address, port, max(share, 0.001))
            except OSError as error:
                failure = error
        raise failure

    def _connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        sock = AbortableSocket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self._sockets.add(sock)
        try:
            sock.settimeout(timeout_s)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect((address, port))
        except OSError as error:
            sock.close()
            raise sock.explain(error) from None
        return sock

    def abort(self) -> None:
        """Shut down every open socket: who waits on one gets a time-out at once."""
        self._sockets.abort()

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Cut, from `seconds` on until the block is left, whatever this transport has open.

        It holds for the whole transport, so that calls side by side need one transport each. What
        it can't end is a look-up of a name, which is the system's.
        """
        left = threading.Event()

        def watch() -> None:
            wait = seconds
            while not left.wait(wait):  # again and again: a socket may be opened after the first
                self.abort()
                wait = _AGAIN_S

        watcher = threading.Thread(target=watch, name="deadline", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            left.set()
            watcher.join()

    def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        if self._link is None:
            return system_resolver(host, port)
        if (host, port) != (self._link.host, self._link.port):
            raise OSError("this transport is pinned to another host")
        return self._link.addresses


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect is followed, whatever the call says."""


def open_session(transport: Transport) -> requests.Session:
    """A session over `transport` alone: no proxies or netrc of the environment, no redirects, no cookies.

    It asks for answers uncompressed, so that a limit on what is read is a limit on what there is.
    """
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one run's cookies are no other's
    session.headers["Accept-Encoding"] = "identity"
    session.adapters.clear()
    session.mount("https://", transport)
    session.mount("http://", transport)
    return session
