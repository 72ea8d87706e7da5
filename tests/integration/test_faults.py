"""Faults over real sockets: each ends in the right outcome, in little memory. Two of them never end by themselves."""

import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from socketserver import BaseRequestHandler, TCPServer

import pytest

from remediator.adapters.http import HttpClient
from remediator.deadline import Deadline
from remediator.diagnosis import Symptom, diagnose
from remediator.sample import Fault, Sample

SECONDS = 30.0  # more than any answer takes that comes at all
SHORT = 0.5  # for those that never end
MEGABYTE = 1024 * 1024
NO_GZIP = b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"
HEAD = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
ZEROS = gzip.compress(bytes(100 * MEGABYTE))
BOMB = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(ZEROS)}\r\n\r\n".encode() + ZEROS


def asked(url: str, method: str = "POST", seconds: float = SECONDS) -> Sample:
    return HttpClient(lambda: datetime.now(UTC)).ask(method, url, Deadline.after(SECONDS), seconds)


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Answers each connection by `answer`, then closes it."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client has gone, which is what it was tested for
                self.request.recv(65536)
                answer(self.request)

    with TCPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}/"
        finally:
            listening.shutdown()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


def drip(what: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(what)
        while True:  # until the client has gone: one that didn't cut it off would read for ever
            connection.sendall(b"x")
            time.sleep(0.05)

    return answer


def large(connection: socket.socket) -> None:
    connection.sendall(HEAD + f"Content-Length: {10 * MEGABYTE}\r\n\r\n".encode())
    for _ in range(160):
        connection.sendall(b"x" * 65536)


def until_closed(connection: socket.socket) -> None:
    """Say nothing until the client has gone: one that didn't cut it off would wait for ever."""
    while connection.recv(65536):
        pass


def half(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 4000\r\n\r\n" + b'{"message":')
    connection.shutdown(socket.SHUT_WR)
    until_closed(connection)


def text(whole: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(whole)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        pytest.param(reset, Fault.RESET, id="reset"),
        pytest.param(lambda _: None, Fault.RESET, id="closed without an answer"),
        pytest.param(until_closed, Fault.TIMEOUT, id="silence"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nX: "), Fault.TIMEOUT, id="header drip"),
        pytest.param(drip(HEAD + b"Content-Length: 4000\r\n\r\n"), Fault.TIMEOUT, id="body drip"),
        pytest.param(large, Fault.TOO_LARGE, id="10 MB"),
        pytest.param(text(BOMB), Fault.TOO_LARGE, id="gzip bomb"),
        pytest.param(half, Fault.RESET, id="half-closed, truncated"),
        pytest.param(text(HEAD + NO_GZIP), Fault.GARBLED, id="no gzip"),
        pytest.param(text(b"\x00\x01\x02 what\r\n\r\n"), Fault.RESET, id="no HTTP"),
    ],
)
def test_fault_is_named_and_takes_little_memory(answer: Callable[[socket.socket], None], fault: Fault) -> None:
    with server(answer) as url:
        tracemalloc.start()
        sample = asked(url, seconds=SHORT if fault is Fault.TIMEOUT else SECONDS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert sample.fault is fault
    assert peak < 100 * MEGABYTE
    assert diagnose([sample], {}).symptom is Symptom.UNREACHABLE


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html></html>\n", id="HTML"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9\r\nContent-Length: 0\r\n\r\n", id="302"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"order\":", id="JSON cut off"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", id="nothing"),
    ],
)  # fmt: skip
def test_answer_that_is_not_the_shops_is_unreachable_and_no_redirect_followed(whole: bytes) -> None:
    with server(text(whole)) as url:
        assert diagnose([asked(url)], {}).symptom is Symptom.UNREACHABLE


def test_kept_connection_that_was_closed_is_opened_anew() -> None:
    client, whole = HttpClient(lambda: datetime.now(UTC)), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    with server(text(whole)) as url:
        answers = [client.ask("GET", url, Deadline.after(SECONDS), SECONDS) for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize(("method", "hits"), [("GET", 2), ("PUT", 2), ("POST", 1)])
def test_only_what_may_be_repeated_is_asked_again_after_a_reset(method: str, hits: int) -> None:
    seen: list[int] = []

    def count(connection: socket.socket) -> None:
        seen.append(1)
        reset(connection)

    with server(count) as url:
        assert asked(url, method).fault is Fault.RESET

    assert len(seen) == hits
