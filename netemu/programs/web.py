"""A small HTTP server for the built-in programs: one function answers every request.

A connection keeps a thread as long as it lives, because an answer may take its time; a thread whose
connection ended waits for the next, so that a busy server makes none.
"""

import errno
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from netemu.programs import place
from netemu.programs.http1 import BadRequest, Connection, Reply, Request, parameters, text

__all__ = ["Answer", "Reply", "Request", "Server", "overridden", "serve", "text", "wait_for_end"]

SPARE = 8
"""Threads that wait for connections at most."""
LINGER_SECONDS = 0.2
"""How long a server that is asked to end still accepts: proxies need a moment to leave it out, and
the kernel resets whoever waits to be accepted when it closes."""
FINISH_SECONDS = 10.0
"""How long a server that is asked to end waits for answers that are being made."""
CROWDED_SECONDS = 0.05
"""How long a server that may open no more files rests before it accepts again."""

OVER = frozenset({errno.EBADF, errno.EINVAL})
"""What accept(2) says once the socket is shut down."""
Answer = Callable[[Request], Reply]


def overridden(target: str) -> Request:
    """The request that asks for `target` (path and query) and comes from nobody."""
    path, _, query = target.partition("?")
    return Request("GET", path, target, parameters(query), {}, b"", "")


class Server:
    """Serves from a socket that already listens, so nobody is refused once `serve` returned."""

    def __init__(self, sock: socket.socket, answer: Answer, close: bool) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        self.socket = sock
        self._answer = answer
        self._close = close
        self._state = threading.Condition()
        self._waiting = self._busy = 0
        """Threads that wait for a connection, and requests that are being answered."""

    def start(self) -> None:
        """Serve in threads, which end with the program."""
        with self._state:
            self._waiting += 1
        threading.Thread(target=self._work, daemon=True).start()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; what is being answered is finished. The exit code is 0."""
        self.start()
        wait_for_end()
        time.sleep(LINGER_SECONDS)
        self.socket.shutdown(socket.SHUT_RDWR)
        with self._state:
            self._state.wait_for(lambda: self._busy == 0, FINISH_SECONDS)
        return 0

    def _work(self) -> None:
        """Take one connection after the other, as long as threads that wait are few; some thread
        always waits.
        """
        while True:
            try:
                sock, address = self.socket.accept()
            except OSError as error:
                if error.errno in OVER:
                    return
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    time.sleep(CROWDED_SECONDS)
                continue
            with self._state:
                self._waiting -= 1
                alone = not self._waiting
            if alone:
                self.start()
            self._serve(sock, address)
            with self._state:
                if self._waiting >= SPARE:
                    return
                self._waiting += 1

    def _serve(self, sock: socket.socket, address: tuple[object, ...]) -> None:
        """One connection, to its end."""
        with sock:
            try:
                connection = Connection(sock, address)
                while self._exchange(connection):
                    pass
            except OSError:
                pass  # the client is gone
            except Exception as error:
                print(f"{address}: {error!r}", file=sys.stderr, flush=True)

    def _exchange(self, connection: Connection) -> bool:
        """Answer one request; False when the connection is to end."""
        try:
            head = connection.head()
            if head is None:
                return False
            with self._at_work():
                request = connection.request(head)
                close = self._close or head.closes
                connection.send(self._answer(request), head=head, close=close)
        except BadRequest as error:
            connection.refuse(error)
            return False
        return not close

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Count a request that is being answered."""
        with self._state:
            self._busy += 1
        try:
            yield
        finally:
            with self._state:
                self._busy -= 1
                self._state.notify_all()


def serve(answer: Answer, port: int, *, close: bool = False) -> Server:
    """Answer HTTP on `port` of the pod's addresses, in threads; `close` ends each connection."""
    return Server(place.listener(port), answer, close)


def wait_for_end() -> None:
    """Return when the program is asked to end: SIGTERM or SIGINT, blocked since its start."""
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
