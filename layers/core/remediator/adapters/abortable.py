"""Sockets that another thread can abort, in the handshake too, and that don't hide it."""

import socket
import ssl
import threading
from contextlib import suppress
from typing import Any, ClassVar
from weakref import WeakSet


class AbortableSocket(socket.socket):
    """After an abort, the end of the data is a time-out: else half an answer would look whole."""

    is_aborted = False

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        try:
            count = super().recv_into(*args, **kwargs)
        except OSError as error:
            raise self.explain(error) from None
        if count == 0 and self.is_aborted:
            raise self.explain(OSError())
        return count

    def explain(self, error: OSError) -> OSError:
        return TimeoutError("aborted at the deadline") if self.is_aborted else error


class OpenSockets:
    """The open sockets of one transport; those that are closed and gone drop out by themselves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: WeakSet[AbortableSocket] = WeakSet()

    def add(self, sock: AbortableSocket) -> None:
        with self._lock:
            self._open.add(sock)

    @property
    def peers(self) -> set[str]:
        """The addresses at the other ends."""
        found = set()
        with self._lock:
            for sock in self._open:
                with suppress(OSError):  # closed, or not yet connected
                    found.add(str(sock.getpeername()[0]))
        return found

    def abort(self) -> None:
        with self._lock:
            for sock in self._open:
                sock.is_aborted = True
                with suppress(OSError):  # closed, or not yet connected
                    # Not SSLSocket's own, which would make a reader take the rest for plain text.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


class AbortableTlsSocket(AbortableSocket, ssl.SSLSocket):
    sockets: ClassVar[OpenSockets]

    def do_handshake(self, block: bool = False) -> None:
        self.sockets.add(self)  # already here, for a handshake can drip too
        try:
            super().do_handshake(block)
        except OSError as error:
            raise self.explain(error) from None
