"""HTTP: the shop and the factory. Whatever goes wrong on the way becomes a sample's fault; no text of an exception
is passed on, since requests and urllib3 put URLs into theirs.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from queue import Empty, LifoQueue
from typing import Any

import requests
import urllib3.exceptions

from remediator.adapters.pinned import Transport, open_session
from remediator.adapters.secrets import Credentials, DinerSecret
from remediator.deadline import Deadline
from remediator.jwt import Keys, read_keys
from remediator.masking import Mask
from remediator.report_link import ReportLink
from remediator.sample import Fault, Sample, read_retry_after
from remediator.settings import SECONDS_FOR_LOGIN, ShopSettings

SECONDS_TO_CONNECT = 3.0
SECONDS_FOR_REPORT = 10.0
SECONDS_FOR_LOGOUT = 2.0
SECONDS_FOR_KEYS = 3.0
SECONDS_FOR_PROBE = 3.0  # a menu took 0.002 s
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})  # a login twice leaves at most a token behind
LIMIT = 1024 * 1024  # bytes of an answer; an order's is about 1,300

# What requests raises, the narrowest first.
FAULTS: tuple[tuple[type[Exception], Fault], ...] = (
    (requests.exceptions.SSLError, Fault.TLS),
    (requests.exceptions.Timeout, Fault.TIMEOUT),
    (urllib3.exceptions.TimeoutError, Fault.TIMEOUT),
    (requests.exceptions.ChunkedEncodingError, Fault.RESET),
    (requests.exceptions.ContentDecodingError, Fault.GARBLED),
    (requests.exceptions.ConnectionError, Fault.RESET),
    (requests.exceptions.RequestException, Fault.GARBLED),
    (urllib3.exceptions.HTTPError, Fault.RESET),
    (OSError, Fault.RESET),
)


class TooLarge(Exception):
    """The answer is larger than the limit."""


class HttpClient:
    """Asks one host, over connections that are kept; as many at once as there are callers. `clock` tells UTC."""

    def __init__(self, clock: Callable[[], datetime], ca: bytes | None = None) -> None:
        self._clock = clock
        self._ca = ca
        self._free: LifoQueue[Connection] = LifoQueue()  # the last one used is the one still connected

    def ask(self, method: str, url: str, deadline: Deadline, at_most: float, **content: Any) -> Sample:
        """One request, without redirects, its answer read up to the limit within `at_most` seconds.

        If a kept connection turns out closed, what may be repeated is asked again; an order may not.
        """
        answer = self._ask(method, url, deadline, at_most, content)
        if answer.fault is Fault.RESET and method in REPEATABLE:
            answer = self._ask(method, url, deadline, at_most, content)
        return answer

    def call(self, link: ReportLink, deadline: Deadline, at_most: float) -> Sample:
        """A GET of the link, once, over a connection to an address that was judged."""
        with self._connection() as connection, connection.transport.pinned(link):
            return connection.ask("GET", link.reveal(), deadline.allow(at_most), {})

    def _ask(self, method: str, url: str, deadline: Deadline, at_most: float, content: Mapping[str, Any]) -> Sample:
        with self._connection() as connection:
            return connection.ask(method, url, deadline.allow(at_most), content)

    @contextmanager
    def _connection(self) -> Iterator["Connection"]:
        try:
            connection = self._free.get_nowait()
        except Empty:
            connection = Connection(self._clock, self._ca)
        try:
            yield connection
        finally:
            self._free.put(connection)


class Connection:
    """One connection's transport, and the session over it."""

    def __init__(self, clock: Callable[[], datetime], ca: bytes | None) -> None:
        self._clock = clock
        self.transport = Transport(ca)
        self._session = open_session(self.transport)

    def ask(self, method: str, url: str, seconds: float, content: Mapping[str, Any]) -> Sample:
        """One request, without redirects, cut off after so many seconds."""
        began, start = self._clock(), time.monotonic()
        if seconds <= 0:
            return Sample(began, 0.0, fault=Fault.TIMEOUT)
        timeout = (min(SECONDS_TO_CONNECT, seconds), seconds)
        try:
            with (
                self.transport.deadline(seconds),
                self._session.request(method, url, timeout=timeout, stream=True, **content) as answer,
            ):
                body = _read(answer)
        except TooLarge:
            return Sample(began, time.monotonic() - start, fault=Fault.TOO_LARGE)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Sample(began, time.monotonic() - start, fault=_fault(error))
        rest = read_retry_after(answer.headers.get("Retry-After", ""), self._clock())
        limits = {name.lower(): text for name, text in answer.headers.items() if "ratelimit" in name.lower()}
        return Sample(began, time.monotonic() - start, answer.status_code, body, retry_after=rest, limits=limits)


class HttpShop:
    """The shop's service."""

    def __init__(self, client: HttpClient, settings: ShopSettings, secret: DinerSecret, mask: Mask) -> None:
        self._client = client
        self._url = str(settings.shop_url).rstrip("/")
        self._order = settings.order
        self._order_seconds = settings.order_seconds
        self._secret = secret
        self._mask = mask

    def read_secret(self) -> Credentials:
        """The credentials, which the mask knows from now on. Raises SecretError."""
        found = self._secret.read()
        for value in found.values:
            self._mask.add(value)
        return found

    def login(self, deadline: Deadline) -> Sample:
        return self._login(self.read_secret(), deadline)

    def login_as_canary(self, deadline: Deadline) -> Sample:
        return self._login(self.read_secret().of_canary, deadline)

    def _login(self, credentials: Credentials, deadline: Deadline) -> Sample:
        answer = self._client.ask(
            "PUT",
            f"{self._url}/api/auth",
            deadline,
            SECONDS_FOR_LOGIN,
            json={"email": credentials.email, "password": credentials.password.get_secret_value()},
        )
        if answer.status != 200:
            self._secret.forget()
        return answer

    def order(self, token: str, deadline: Deadline) -> Sample:
        return self._client.ask(
            "POST",
            f"{self._url}/api/order",
            deadline,
            self._order_seconds,
            json=self._order,
            headers={"Authorization": f"Bearer {token}"},
        )

    def probe(self, path: str, token: str | None, deadline: Deadline) -> Sample:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._client.ask("GET", f"{self._url}{path}", deadline, SECONDS_FOR_PROBE, headers=headers)

    def logout(self, token: str, deadline: Deadline) -> None:
        self._client.ask(
            "DELETE",
            f"{self._url}/api/auth",
            deadline,
            SECONDS_FOR_LOGOUT,
            headers={"Authorization": f"Bearer {token}"},
        )


class HttpFactory:
    """The factory behind the report links. `host` is where its key set is, the first template's."""

    def __init__(self, client: HttpClient, host: str) -> None:
        self._client = client
        self._keys = f"https://{host}/.well-known/jwks.json"

    def keys(self, deadline: Deadline) -> Keys:
        answer = self._client.ask("GET", self._keys, deadline, SECONDS_FOR_KEYS)
        return read_keys(answer.body) if answer.status == 200 else {}

    def call(self, link: ReportLink, deadline: Deadline) -> Sample:
        return self._client.call(link, deadline, SECONDS_FOR_REPORT)


def _read(answer: requests.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_content(16 * 1024):
        body += chunk
        if len(body) > LIMIT:
            raise TooLarge
    return bytes(body)


def _fault(error: Exception) -> Fault:
    """The fault by what was raised, or by what requests wrapped: it hides a refusal and a late body in one kind."""
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return Fault.REFUSED
    if isinstance(reason, urllib3.exceptions.TimeoutError):
        return Fault.TIMEOUT
    return next(fault for kind, fault in FAULTS if isinstance(error, kind))
