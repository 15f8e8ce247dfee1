"""Listening sockets and the accepting of clients, which stops rather than fails.

When descriptors run out or too many connections are open, clients wait in the kernel's backlogs.
The listeners have an epoll of their own, so that stopping costs one call however many there are.
"""

import errno
import logging
import select
import socket
from collections.abc import Callable, Iterator
from typing import Final, Protocol, TypeAlias

from netemu.clock import Clock, Timer
from netemu.proxy.choose import Address

LISTENERS_PER_TURN: Final = 8
"""Listeners served in a row; epoll reports the others next."""
ACCEPTS_PER_TURN: Final = 4
"""Clients accepted from one listener in a row; others wait for bytes of theirs to be moved."""
PAUSE_SECONDS: Final = 0.1
"""Until accepting is tried again, should no connection end before."""
KEEPALIVE_SECONDS: Final = 15
"""Idle time before the kernel probes a client, so that one whose network is gone doesn't stay."""

Candidates: TypeAlias = Callable[[Address], Iterator[Address]]
"""From a client's address to the endpoints for it, in the order in which to dial them."""


class Way(Protocol):
    """Where clients that come in somewhere are led; callable as `Candidates`."""

    @property
    def outside(self) -> str:
        """The address family of endpoints that are reached from the host's network; "": they are
        the cluster's own.
        """

    def __call__(self, peer: Address, /) -> Iterator[Address]:
        """The endpoints for a client, in the order in which to dial them."""

    def serves(self, peer: Address, endpoint: Address) -> bool:
        """Whether the endpoint is (still) for that client."""


Find: TypeAlias = Callable[[socket.SocketType], Candidates]
"""From an accepted socket to where its client is led."""
Serve: TypeAlias = Callable[[socket.SocketType, Address, Candidates], None]

_STREAM: Final = int(socket.SOCK_STREAM)
_CLIENT_GONE: Final = frozenset(
    {
        errno.ECONNABORTED,
        errno.EPROTO,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
    }
)
"""What accept(2) says of the connection it would have returned, not of the listener."""

log = logging.getLogger(__name__)


class Entrance:
    """A listening socket; `route` may be exchanged at any time and acts on the next client."""

    __slots__ = ("family", "find", "route", "sock")

    def __init__(self, sock: socket.socket, route: Candidates, find: Find | None = None) -> None:
        self.sock = sock
        self.family = int(sock.family)
        self.route = route
        self.find = find
        """Asked in place of `route` where a socket listens for many addresses."""


class Entrances:
    """All listening sockets of a relay."""

    def __init__(
        self,
        watch: select.epoll,
        connector: Callable[[], socket.socket],
        clock: Clock,
        *,
        full: Callable[[], bool],
        serve: Serve,
    ) -> None:
        """`watch` reports `fileno` when somebody wants in; `accept` answers that."""
        self.pauses = 0
        """How often accepting had to stop."""
        self._watch = watch
        self._connector = connector
        self._clock = clock
        self._full = full
        self._serve = serve
        self._spare: socket.socket | None = None
        self._open: dict[int, Entrance] = {}
        self._paused: Timer | None = None
        self._epoll = select.epoll()
        self.fileno = self._epoll.fileno()
        watch.register(self.fileno, select.EPOLLIN)

    def listen(self, sock: socket.socket, route: Candidates, find: Find | None = None) -> Entrance:
        """Accept from a socket that listens."""
        # Accepted sockets inherit these.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
        entrance = Entrance(sock, route, find)
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        self._open[sock.fileno()] = entrance
        return entrance

    def unlisten(self, entrance: Entrance) -> None:
        """Close the socket; clients that were not accepted yet are reset by the kernel."""
        if self._open.pop(entrance.sock.fileno(), None) is not None:
            entrance.sock.close()

    def unlisten_all(self) -> None:
        """Close every socket."""
        for entrance in tuple(self._open.values()):
            self.unlisten(entrance)

    def connector(self) -> socket.socket:
        """A socket to connect from. Raises OSError."""
        sock, self._spare = self._spare, None
        return sock or self._connector()

    def accept(self) -> None:
        """Accept a few clients from each listener that has some."""
        for fd, _ in self._epoll.poll(0, LISTENERS_PER_TURN):
            entrance = self._open.get(fd)
            if entrance is not None and not self._accept_from(entrance):
                return

    def _accept_from(self, entrance: Entrance) -> bool:
        for _ in range(ACCEPTS_PER_TURN):
            if self._full():
                self._pause("the limit of open connections is reached")
                return False
            try:
                # First the socket towards the endpoint: a client that was accepted has one.
                self._spare = self._spare or self._connector()
                # What `accept` calls, which then asks the kernel for what is known here.
                fd, peer = entrance.sock._accept()  # type: ignore[attr-defined]  # not public
            except BlockingIOError:
                return True
            except OSError as error:
                if error.errno in _CLIENT_GONE:
                    continue
                self._pause(error.strerror or str(error))
                return False
            client = socket.SocketType(entrance.family, _STREAM, 0, fd)
            client.setblocking(False)
            find = entrance.find
            self._serve(client, peer, entrance.route if find is None else find(client))
        return True

    def _pause(self, reason: str) -> None:
        if not self.pauses:
            log.warning("relay: %s; new connections wait", reason)
        self.pauses += 1
        self._watch.unregister(self.fileno)
        self._paused = self._clock.call_later(PAUSE_SECONDS, self.resume)

    def resume(self) -> None:
        """Accept again if that had stopped: there may be room now."""
        if self._paused is not None:
            self._paused.cancel()
            self._paused = None
            self._watch.register(self.fileno, select.EPOLLIN)

    def close(self) -> None:
        """Close everything."""
        if self._paused is not None:
            self._paused.cancel()
        self.unlisten_all()
        if self._spare is not None:
            self._spare.close()
        self._epoll.close()
