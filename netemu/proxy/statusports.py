"""Ports that answer every GET with one small document: health checks, modes, metrics.

Requests are answered by a function of the path, at once and one per connection. A client has
`PATIENCE_SECONDS` to ask and `STATUS_CLIENTS` are heard at a time; a port that can't be opened is
tried again from time to time.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Final, NamedTuple, TypeAlias

from netemu.clock import Clock, Timer
from netemu.model.sockets import Sockets
from netemu.proxy.choose import Address
from netemu.proxy.limits import STATUS_CLIENTS

PATIENCE_SECONDS: Final = 5.0
"""From the accept to the end of the request."""
REQUEST_BYTES: Final = 8 * 1024
"""Of a request with its headers; longer ones are not answered."""
RETRY_SECONDS: Final = 2.0
"""Until a port that couldn't be opened is tried again."""

log = logging.getLogger(__name__)


class Page(NamedTuple):
    """What a port answers."""

    status: HTTPStatus
    content_type: str
    body: str
    headers: Mapping[str, str] = {}


Answer: TypeAlias = Callable[[str], Page]
"""From a path to what is there."""

NOT_FOUND: Final = Page(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", "404 page not found\n")


def written(page: Page) -> bytes:
    """The whole response."""
    body = page.body.encode()
    headers = {
        "Content-Type": page.content_type,
        "Content-Length": str(len(body)),
        "Connection": "close",
        **page.headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {page.status} {page.status.phrase}\r\n{head}\r\n".encode() + body


class StatusPorts:
    """Listens at the wanted addresses and answers; lives on one event loop, left by `close`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sockets: Sockets, clock: Clock) -> None:
        self._loop = loop
        self._sockets = sockets
        self._clock = clock
        self._wanted: dict[Address, Answer] = {}
        self._open: dict[Address, socket.socket] = {}
        self._clients: dict[socket.socket, Timer] = {}
        self._retry: Timer | None = None

    def want(self, address: Address, answer: Answer | None) -> None:
        """Answer at an address from now on; None: no longer."""
        if answer is None:
            self._wanted.pop(address, None)
            sock = self._open.pop(address, None)
            if sock is not None:
                self._loop.remove_reader(sock)
                sock.close()
            return
        self._wanted[address] = answer
        if address not in self._open:
            self._try(address)

    def close(self) -> None:
        """Close everything."""
        if self._retry is not None:
            self._retry.cancel()
        for address in tuple(self._wanted):
            self.want(address, None)
        for client in tuple(self._clients):
            self._part(client)

    def _try(self, address: Address) -> None:
        try:
            sock = self._sockets.listen(*address)
        except OSError as error:
            log.debug("proxy: %s:%d: %s", *address, error.strerror)
            if self._retry is None:
                self._retry = self._clock.call_later(RETRY_SECONDS, self._try_again)
            return
        self._open[address] = sock
        self._loop.add_reader(sock, self._accept, sock, address)

    def _try_again(self) -> None:
        self._retry = None
        for address in self._wanted.keys() - self._open.keys():
            self._try(address)

    def _accept(self, sock: socket.socket, address: Address) -> None:
        try:
            client, _ = sock.accept()
        except OSError:
            return
        if len(self._clients) >= STATUS_CLIENTS:
            self._part(next(iter(self._clients)))  # the one that has been slow for longest
        client.setblocking(False)
        self._clients[client] = self._clock.call_later(PATIENCE_SECONDS, lambda: self._part(client))
        self._loop.add_reader(client, self._hear, client, address, bytearray())

    def _hear(self, client: socket.socket, address: Address, heard: bytearray) -> None:
        try:
            more = client.recv(REQUEST_BYTES)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        heard += more
        if b"\r\n\r\n" in heard:
            self._answer(client, address, bytes(heard))
            self._part(client)
        elif not more or len(heard) > REQUEST_BYTES:
            self._part(client)

    def _answer(self, client: socket.socket, address: Address, request: bytes) -> None:
        words = request.split(b"\r\n", 1)[0].split()
        answer = self._wanted.get(address)
        if len(words) != 3 or answer is None:
            return
        response = written(answer(words[1].decode("latin-1").partition("?")[0]))
        if words[0] == b"HEAD":
            response = response[: response.index(b"\r\n\r\n") + 4]
        with suppress(OSError):
            # What the socket's buffer doesn't take gets its time: the kernel sends after close.
            client.setblocking(True)
            client.settimeout(0.2)
            client.sendall(response)

    def _part(self, client: socket.socket) -> None:
        self._clients.pop(client).cancel()
        self._loop.remove_reader(client)
        client.close()
