"""Connections over real TLS on loopback: to which address they go, and what they send."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
import requests
import trustme
from requests.exceptions import SSLError

from remediator.adapters.pinned import Transport, open_session, system_resolver
from remediator.link_template import read_templates
from remediator.report_link import LinkPolicy, ReportLink, guard

KEY = "9f0c41d87ab6e2359f0c41d87ab6e235"
SHAPE = "https://{}/api/support/{{key}}/report/{{code}}"
PATH = f"/api/support/{KEY}/report/q7w8e9r1"
NAME = "factory.test"  # no name system knows it
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
AUTHORITY = trustme.CA()
CA = ssl.PEM_cert_to_DER_cert(AUTHORITY.cert_pem.bytes().decode())

Answer = Callable[[socket.socket], None]


class Server(ThreadingTCPServer):
    """A TLS server on one loopback address that keeps count of what it saw."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: Answer, address: str, port: int, names: tuple[str, ...]) -> None:
        super().__init__((address, port), Handler)
        self.answer = answer
        self.port: int = self.server_address[1]
        self.connections = 0
        self.heads: list[bytes] = []
        self.server_names: list[str | None] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.sni_callback = lambda _sock, name, _context: self.server_names.append(name)
        AUTHORITY.issue_cert(*names).configure_cert(self._context)

    def get_request(self) -> tuple[socket.socket, Any]:
        sock, client = super().get_request()
        self.connections += 1
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), client

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or doesn't take the certificate, is what some tests are for."""


class Handler(StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        while head := b"".join(takewhile(b"\r\n".__ne__, self.rfile)):
            self.server.heads.append(head)
            self.server.answer(self.connection)


@contextmanager
def serving(
    answer: Answer = lambda sock: sock.sendall(OK),
    address: str = "127.0.0.1",
    port: int = 0,
    names: tuple[str, ...] = (NAME, "localhost"),
) -> Iterator[Server]:
    with Server(answer, address, port, names) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def link_to(port: int, *addresses: str, name: str = NAME) -> ReportLink:
    policy = LinkPolicy(read_templates(SHAPE.format(f"{name}:{port}")), allow_private=True)
    link = guard(f"https://{name}:{port}{PATH}", policy, lambda _name, _port: addresses)
    assert isinstance(link, ReportLink)
    return link


@contextmanager
def pinned(link: ReportLink, ca: bytes | None = CA) -> Iterator[requests.Session]:
    """A session that is pinned to the link."""
    transport = Transport(ca)
    with transport.pinned(link), open_session(transport) as session:
        yield session


def call(link: ReportLink) -> requests.Response:
    with pinned(link) as session:
        return session.get(link.reveal(), timeout=60)


def test_a_judged_address_is_reached_under_the_name_of_the_link() -> None:
    with serving() as server:
        assert call(link_to(server.port, "127.0.0.1")).text == "ok"
    assert server.server_names == [NAME]
    assert server.heads[0].startswith(f"GET {PATH} HTTP/1.1\r\n".encode())
    assert f"Host: {NAME}:{server.port}\r\n".encode() in server.heads[0]
    assert b"Accept-Encoding: identity\r\n" in server.heads[0]


def test_a_name_that_leads_elsewhere_after_the_check_is_called_at_its_judged_address_or_not_at_all() -> None:
    with serving() as other:
        assert "127.0.0.1" in system_resolver("localhost", other.port)
        link = link_to(other.port, "127.0.0.2", name="localhost")
        with serving(address="127.0.0.2", port=other.port) as judged:
            assert call(link).status_code == 200
        assert (judged.connections, other.connections) == (1, 0)
        with pytest.raises(requests.ConnectionError):  # and not the other one, now it is gone
            call(link)
        assert other.connections == 0


def test_a_connection_is_kept_and_a_new_one_goes_to_the_judged_address_again() -> None:
    closed = threading.Semaphore(0)

    def close(sock: socket.socket) -> None:
        sock.sendall(OK)
        sock.shutdown(socket.SHUT_RDWR)
        closed.release()

    with serving() as other:
        link = link_to(other.port, "127.0.0.2", name="localhost")
        with pinned(link) as session:
            with serving(address="127.0.0.2", port=other.port) as judged:
                for _ in range(3):
                    session.get(link.reveal(), timeout=60)
                assert judged.connections == 1
                judged.answer = close
                for _ in range(3):
                    session.get(link.reveal(), timeout=60)
                    assert closed.acquire(timeout=60)
                assert judged.connections == 3
            with pytest.raises(requests.ConnectionError):
                session.get(link.reveal(), timeout=60)
        assert other.connections == 0


@pytest.mark.parametrize(("judged", "seen"), [(("127.0.0.9", "127.0.0.1"), (1, 0)), (("127.0.0.2",), (1, 1))])
def test_an_earlier_connection_is_used_if_it_leads_to_a_judged_address_and_given_up_if_elsewhere(
    judged: tuple[str, ...], seen: tuple[int, int]
) -> None:
    transport = Transport(CA)
    with serving() as first, serving(address="127.0.0.2", port=first.port) as second:
        link = link_to(first.port, *judged, name="localhost")
        with open_session(transport) as session:
            session.get(f"https://localhost:{first.port}/.well-known/jwks.json", timeout=60)
            with transport.pinned(link):
                session.get(link.reveal(), timeout=60)
        assert (first.connections, second.connections) == seen


def test_a_pin_ends_with_its_block() -> None:
    transport = Transport(CA)
    with serving() as server, open_session(transport) as session:
        with transport.pinned(link_to(server.port, "127.0.0.1", name="localhost")):
            pass
        assert session.get(f"https://localhost:{server.port}/x", timeout=60).status_code == 200


def test_cookies_are_not_kept() -> None:
    def set_one(sock: socket.socket) -> None:
        sock.sendall(OK.replace(b"\r\n", b"\r\nSet-Cookie: who=us\r\n", 1))

    with serving(set_one) as server, open_session(Transport(CA)) as session:
        for _ in range(2):
            session.get(f"https://localhost:{server.port}/", timeout=60)
        assert not [head for head in server.heads if b"cookie" in head.lower()]


def test_the_next_judged_address_is_tried_if_one_refuses() -> None:
    with serving() as server:
        assert call(link_to(server.port, "127.0.0.3", "::1", "127.0.0.1")).status_code == 200


@pytest.mark.parametrize(
    ("served", "name", "ca", "why"),
    [
        pytest.param(("evil.test", "127.0.0.1"), NAME, CA, r"factory\.test", id="another name"),
        pytest.param(("localhost",), "127.0.0.1", CA, r"127\.0\.0\.1", id="another name than a literal address"),
        pytest.param((NAME,), NAME, None, "local issuer", id="an unknown authority"),
    ],
)
def test_a_certificate_of_another_name_or_an_unknown_authority_is_refused(
    served: tuple[str, ...], name: str, ca: bytes | None, why: str
) -> None:
    with serving(names=served) as server:
        link = link_to(server.port, "127.0.0.1", name=name)
        with pinned(link, ca) as session, pytest.raises(SSLError, match=f"certificate verify failed.*{why}"):
            session.get(link.reveal(), timeout=60)
        assert server.heads == []


def test_no_caller_can_have_certificates_go_unchecked() -> None:
    with serving() as server:
        link = link_to(server.port, "127.0.0.1")
        with pinned(link) as session, pytest.raises(ValueError, match="check_hostname"):
            session.get(link.reveal(), timeout=60, verify=False)
        assert server.heads == []


def test_a_certificate_of_a_literal_address_is_accepted() -> None:
    with serving(names=("127.0.0.1",)) as server:
        assert call(link_to(server.port, name="127.0.0.1")).status_code == 200


def test_a_redirect_is_not_followed() -> None:
    def redirect(sock: socket.socket) -> None:
        there = f"https://localhost:{server.port}/x"
        sock.sendall(f"HTTP/1.1 302 Found\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode())

    with serving(redirect) as server:
        assert call(link_to(server.port, "127.0.0.1")).status_code == 302
    assert len(server.heads) == 1


def test_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server, serving() as proxy:
        there = f"http://127.0.0.1:{proxy.port}"
        monkeypatch.setenv("HTTPS_PROXY", there)
        monkeypatch.setenv("ALL_PROXY", there)
        link = link_to(server.port, "127.0.0.1")
        with pinned(link) as session:
            session.get(link.reveal(), timeout=60)
            session.get(link.reveal(), timeout=60, proxies={"https": there})
        assert (len(server.heads), proxy.connections) == (2, 0)


@pytest.mark.parametrize(
    ("method", "old", "new"),
    [
        *((method, "", "") for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS")),
        *(("GET", "q7w8e9r1", other) for other in ("other", "q7w8e9r1?x")),
        *(("GET", PATH, "/"), ("GET", "https", "http")),
    ],
)
def test_a_pinned_transport_sends_a_get_of_its_link_and_nothing_else(method: str, old: str, new: str) -> None:
    with serving() as server:
        link = link_to(server.port, "127.0.0.1")
        with pinned(link) as session, pytest.raises(ValueError, match="nothing else") as caught:
            session.request(method, link.reveal().replace(old, new), timeout=60)
        assert KEY not in str(caught.value)
        assert server.connections == 0


def test_a_link_that_was_not_looked_up_is_not_called() -> None:
    link = guard(f"https://{NAME}{PATH}", LinkPolicy(read_templates(SHAPE.format(NAME))), None)
    assert isinstance(link, ReportLink)
    with pytest.raises(ValueError, match="not looked up"), pinned(link):
        pass
