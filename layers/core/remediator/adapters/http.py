"""HTTP: the shop and the factory. Whatever goes wrong on the way becomes a sample's fault; no text of an exception
is passed on, since requests and urllib3 put URLs into theirs.
"""

import socket
import time
from collections.abc import Callable
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3.exceptions

from remediator.adapters.secrets import DinerSecret
from remediator.report_link import ReportLink
from remediator.sample import Deadline, Fault, Sample
from remediator.settings import SECONDS_FOR_LOGIN, Settings

SECONDS_TO_CONNECT = 3.0
SECONDS_FOR_REPORT = 10.0
SECONDS_FOR_LOGOUT = 2.0
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


def system_resolver(name: str, port: int) -> tuple[str, ...]:
    """The addresses of a name, as the system knows them. Raises OSError where it knows none."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[4][0]) for address in found))


class TooLarge(Exception):
    """The answer is larger than the limit."""


def new_session(ca: str) -> requests.Session:
    """A session that takes nothing from the environment and keeps no cookies. `ca`: a file to trust, or nothing."""
    session = requests.Session()
    session.trust_env = False
    session.verify = ca or True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["User-Agent"] = "pizza-remediator"
    session.headers["Accept-Encoding"] = "identity"
    return session


class Caller:
    """One session, asked for samples. `clock` tells UTC."""

    def __init__(self, session: requests.Session, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._clock = clock

    def ask(self, method: str, url: str, deadline: Deadline, at_most: float, **content: Any) -> Sample:
        """One request, without redirects, its answer read up to the limit within `at_most` seconds."""
        began, start = self._clock(), time.monotonic()
        allowed = deadline.allow(at_most)
        if not allowed:
            return Sample(began, 0.0, fault=Fault.TIMEOUT)
        try:
            with self._session.request(
                method,
                url,
                timeout=(min(SECONDS_TO_CONNECT, allowed), allowed),
                allow_redirects=False,
                stream=True,
                **content,
            ) as answer:
                body = _read(answer, start + allowed)
        except TooLarge:
            return Sample(began, time.monotonic() - start, fault=Fault.TOO_LARGE)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Sample(began, time.monotonic() - start, fault=_fault(error))
        return Sample(began, time.monotonic() - start, answer.status_code, body)


class HttpShop:
    """The shop's service."""

    def __init__(self, caller: Caller, settings: Settings, secret: DinerSecret) -> None:
        self._caller = caller
        self._url = str(settings.shop_url).rstrip("/")
        self._order = settings.order
        self._order_seconds = settings.order_seconds
        self._secret = secret

    def login(self, deadline: Deadline) -> Sample:
        credentials = self._secret.read()
        answer = self._caller.ask(
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
        return self._caller.ask(
            "POST",
            f"{self._url}/api/order",
            deadline,
            self._order_seconds,
            json=self._order,
            headers={"Authorization": f"Bearer {token}"},
        )

    def logout(self, token: str, deadline: Deadline) -> None:
        self._caller.ask(
            "DELETE",
            f"{self._url}/api/auth",
            deadline,
            SECONDS_FOR_LOGOUT,
            headers={"Authorization": f"Bearer {token}"},
        )


class HttpFactory:
    """The factory behind the report links."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def call(self, link: ReportLink, deadline: Deadline) -> Sample:
        return self._caller.ask("GET", link.reveal(), deadline, SECONDS_FOR_REPORT)


def _read(answer: requests.Response, until: float) -> bytes:
    body = bytearray()
    for chunk in answer.iter_content(16 * 1024):
        body += chunk
        if len(body) > LIMIT:
            raise TooLarge
        if time.monotonic() > until:
            raise requests.exceptions.ReadTimeout
    return bytes(body)


def _fault(error: Exception) -> Fault:
    refused = isinstance(error, requests.exceptions.ConnectionError) and any(
        isinstance(getattr(cause, "reason", None), urllib3.exceptions.NewConnectionError) for cause in error.args
    )
    if refused:
        return Fault.REFUSED
    return next(fault for kind, fault in FAULTS if isinstance(error, kind))
