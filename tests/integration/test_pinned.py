"""Connections over real TLS on loopback: to which address they go, and what they send."""

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import trustme

from remediator.adapters.pinned import Transport, open_session, system_resolver
from remediator.report_link import LinkPolicy, ReportLink, guard

KEY = "9f0c41d87ab6e2359f0c41d87ab6e235"
PATH = f"/api/support/{KEY}/report/q7w8e9r1"
NAME = "factory.test"  # no name system knows it
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Answer = Callable[[socket.socket], None]


def answer_ok(sock: socket.socket) -> None:
    sock.sendall(OK)


@dataclass
class Server:
    """A TLS server on one loopback address that keeps count of what it saw."""

    authority: trustme.CA
    answer: Answer = answer_ok
    address: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = (NAME, "localhost")
    tls: bool = True
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    server_names: list[str | None] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator["Server"]:
        with socket.create_server((self.address, self.port)) as listener:
            self.port = listener.getsockname()[1]
            accepting = threading.Thread(target=self._accept, args=(listener,), daemon=True)
            accepting.start()
            try:
                yield self
            finally:
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                accepting.join(60)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError), sock, self._wrapped(sock) as wrapped:
            while head := self._head(wrapped):
                self.heads.append(head)
                self.answer(wrapped)

    def _wrapped(self, sock: socket.socket) -> socket.socket:
        if not self.tls:
            return sock
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*self.names).configure_cert(context)
        context.sni_callback = lambda _sock, name, _context: self.server_names.append(name)
        return context.wrap_socket(sock, server_side=True)

    @staticmethod
    def _head(sock: socket.socket) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = sock.recv(4096)
            if not piece:
                return b""
            head += piece
        return head


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def link_to(port: int, *addresses: str, name: str = NAME, code: str = "q7w8e9r1") -> ReportLink:
    policy = LinkPolicy(frozenset({f"{name}:{port}"}), allow_private=True)
    url = f"https://{name}:{port}/api/support/{KEY}/report/{code}"
    link = guard(url, policy, lambda _name, _port: addresses)
    assert isinstance(link, ReportLink)
    return link


@contextmanager
def pinned(link: ReportLink) -> Iterator[requests.Session]:
    """A session that is pinned to the link."""
    transport = Transport()
    with transport.pinned(link), open_session(transport) as session:
        yield session


def call(link: ReportLink, trusted: str, timeout: float = 60.0) -> requests.Response:
    with pinned(link) as session:
        return session.get(link.reveal(), verify=trusted, timeout=timeout)


# --- to which address they go


def test_a_judged_address_is_reached_under_the_name_of_the_link(authority: trustme.CA, trusted: str) -> None:
    with Server(authority).running() as server:
        assert call(link_to(server.port, "127.0.0.1"), trusted).text == "ok"
    assert server.server_names == [NAME]
    assert server.heads[0].startswith(f"GET {PATH} HTTP/1.1\r\n".encode())
    assert f"Host: {NAME}:{server.port}\r\n".encode() in server.heads[0]
    assert b"Accept-Encoding: identity\r\n" in server.heads[0]


@contextmanager
def nothing_leaves_loopback() -> Iterator[list[object]]:
    """Stops each connection to elsewhere before a packet is sent, and lists its address."""
    stopped: list[object] = []
    active = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if active and event == "socket.connect":
            address = arguments[1]
            if isinstance(address, tuple) and not str(address[0]).startswith("127."):
                stopped.append(address)
                raise ConnectionRefusedError("not loopback")

    sys.addaudithook(hook)  # for good: no hook can be taken off, so it is switched off instead
    try:
        yield stopped
    finally:
        active.clear()


def test_a_name_that_turns_from_public_to_loopback_between_check_and_connection_is_not_reached(
    authority: trustme.CA, trusted: str
) -> None:
    with Server(authority).running() as server, nothing_leaves_loopback() as stopped:
        policy = LinkPolicy(frozenset({f"localhost:{server.port}"}))
        url = f"https://localhost:{server.port}{PATH}"
        link = guard(url, policy, lambda _name, _port: ("93.184.216.34",))
        assert isinstance(link, ReportLink)
        assert "127.0.0.1" in system_resolver("localhost", server.port)
        with pytest.raises(requests.ConnectionError):
            call(link, trusted)
        assert server.connections == 0
        assert stopped == [("93.184.216.34", server.port)]


def test_only_the_judged_one_of_two_servers_of_the_same_name_is_reached(authority: trustme.CA, trusted: str) -> None:
    with Server(authority).running() as other:
        with Server(authority, address="127.0.0.2", port=other.port).running() as judged:
            link = link_to(other.port, "127.0.0.2", name="localhost")
            assert call(link, trusted).status_code == 200
        assert (judged.connections, other.connections) == (1, 0)
        with pytest.raises(requests.ConnectionError):  # and not the other one, now it is gone
            call(link, trusted)
        assert other.connections == 0


def test_a_connection_is_kept_and_a_new_one_goes_to_the_judged_address_again(
    authority: trustme.CA, trusted: str
) -> None:
    with Server(authority).running() as other:
        judged = Server(authority, address="127.0.0.2", port=other.port)
        link = link_to(other.port, "127.0.0.2", name="localhost")
        with pinned(link) as session:
            with judged.running():
                for _ in range(3):
                    session.get(link.reveal(), verify=trusted, timeout=60)
                assert judged.connections == 1

                def close(sock: socket.socket) -> None:
                    sock.sendall(OK)
                    sock.shutdown(socket.SHUT_RDWR)
                    closed.release()

                judged.answer, closed = close, threading.Semaphore(0)
                for _ in range(3):
                    session.get(link.reveal(), verify=trusted, timeout=60)
                    assert closed.acquire(timeout=60)
                assert judged.connections == 3
            with pytest.raises(requests.ConnectionError):
                session.get(link.reveal(), verify=trusted, timeout=60)
        assert other.connections == 0


def test_an_earlier_connection_is_used_if_it_leads_to_a_judged_address(authority: trustme.CA, trusted: str) -> None:
    with Server(authority).running() as server:
        transport = Transport()
        with open_session(transport) as session:
            session.get(f"https://localhost:{server.port}/.well-known/jwks.json", verify=trusted, timeout=60)
            link = link_to(server.port, "127.0.0.9", "127.0.0.1", name="localhost")
            with transport.pinned(link):
                session.get(link.reveal(), verify=trusted, timeout=60)
        assert server.connections == 1


def test_an_earlier_connection_is_given_up_if_it_leads_elsewhere(authority: trustme.CA, trusted: str) -> None:
    with (
        Server(authority).running() as other,
        Server(authority, address="127.0.0.2", port=other.port).running() as judged,
    ):
        transport = Transport()
        with open_session(transport) as session:
            session.get(f"https://localhost:{other.port}/.well-known/jwks.json", verify=trusted, timeout=60)
            link = link_to(other.port, "127.0.0.2", name="localhost")
            with transport.pinned(link):
                session.get(link.reveal(), verify=trusted, timeout=60)
        assert [len(server.heads) for server in (other, judged)] == [1, 1]


def test_a_pin_ends_with_its_block(authority: trustme.CA, trusted: str) -> None:
    with Server(authority).running() as server:
        transport = Transport()
        with open_session(transport) as session:
            with transport.pinned(link_to(server.port, "127.0.0.1", name="localhost")):
                pass
            assert session.get(f"https://localhost:{server.port}/x", verify=trusted, timeout=60).status_code == 200


def test_cookies_are_not_kept(authority: trustme.CA, trusted: str) -> None:
    def set_one(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: who=us\r\nContent-Length: 2\r\n\r\nok")

    with Server(authority, set_one).running() as server, open_session(Transport()) as session:
        for _ in range(2):
            session.get(f"https://localhost:{server.port}/", verify=trusted, timeout=60)
        assert not [head for head in server.heads if b"cookie" in head.lower()]


def test_the_next_judged_address_is_tried_if_one_refuses(authority: trustme.CA, trusted: str) -> None:
    with Server(authority).running() as server:
        link = link_to(server.port, "127.0.0.3", "::1", "127.0.0.1")
        assert call(link, trusted).status_code == 200


def test_a_certificate_of_another_name_is_refused(authority: trustme.CA, trusted: str) -> None:
    with Server(authority, names=("evil.test", "127.0.0.1")).running() as server:
        with pytest.raises(requests.exceptions.SSLError, match=r"factory\.test"):
            call(link_to(server.port, "127.0.0.1"), trusted)
        assert server.heads == []


def test_a_certificate_of_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    with Server(authority).running() as server:
        link = link_to(server.port, "127.0.0.1")
        with pinned(link) as session:
            with pytest.raises(requests.exceptions.SSLError):
                session.get(link.reveal(), timeout=60)
            with pytest.raises(ValueError, match="check_hostname"):
                session.get(link.reveal(), timeout=60, verify=False)
        assert server.heads == []


def test_a_certificate_of_a_literal_address_is_checked_too(authority: trustme.CA, trusted: str) -> None:
    with Server(authority, names=("127.0.0.1",)).running() as server:
        assert call(link_to(server.port, name="127.0.0.1"), trusted).status_code == 200
    with Server(authority).running() as server, pytest.raises(requests.exceptions.SSLError):
        call(link_to(server.port, name="127.0.0.1"), trusted)


def test_a_redirect_is_not_followed(authority: trustme.CA, trusted: str) -> None:
    def redirect(sock: socket.socket) -> None:
        sock.sendall(
            f"HTTP/1.1 302 Found\r\nLocation: https://localhost:{server.port}/x\r\nContent-Length: 0\r\n\r\n".encode()
        )

    server = Server(authority, redirect)
    with server.running():
        assert call(link_to(server.port, "127.0.0.1"), trusted).status_code == 302
    assert len(server.heads) == 1


def test_proxies_are_ignored(authority: trustme.CA, trusted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(authority).running() as server, Server(authority).running() as proxy:
        there = f"http://127.0.0.1:{proxy.port}"
        monkeypatch.setenv("HTTPS_PROXY", there)
        monkeypatch.setenv("ALL_PROXY", there)
        link = link_to(server.port, "127.0.0.1")
        with pinned(link) as session:
            session.get(link.reveal(), verify=trusted, timeout=60)
            session.get(link.reveal(), verify=trusted, timeout=60, proxies={"https": there})
        assert (len(server.heads), proxy.connections) == (2, 0)


# --- what they send


@pytest.mark.parametrize(
    ("method", "change"),
    [
        *((method, "") for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS")),
        *(("GET", change) for change in ("another code", "?x", "another path", "http")),
    ],
)
def test_a_pinned_transport_sends_a_get_of_its_link_and_nothing_else(
    authority: trustme.CA, trusted: str, method: str, change: str
) -> None:
    with Server(authority).running() as server:
        link = link_to(server.port, "127.0.0.1")
        url = {
            "": link.reveal(),
            "?x": f"{link.reveal()}?x",
            "another code": link_to(server.port, "127.0.0.1", code="other").reveal(),
            "another path": f"https://{NAME}:{server.port}/",
            "http": link.reveal().replace("https", "http"),
        }[change]
        with pinned(link) as session, pytest.raises(ValueError, match="nothing else") as caught:
            session.request(method, url, verify=trusted, timeout=60)
        assert KEY not in str(caught.value)
        assert server.connections == 0


def test_a_link_that_was_not_looked_up_is_not_called() -> None:
    link = guard(f"https://{NAME}{PATH}", LinkPolicy(frozenset({NAME})), None)
    assert isinstance(link, ReportLink)
    with pytest.raises(ValueError, match="not looked up"), pinned(link):
        pass
