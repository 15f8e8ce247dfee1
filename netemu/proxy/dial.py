"""Finding an endpoint that answers for a client that has been accepted.

The client isn't read before that, so it never notices an endpoint that failed.
"""

import errno
import logging
import select
import socket
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from netemu.proxy.choose import Address

DIAL_LADDER: Final = (0.25, 0.5, 1.0, 2.0)
"""Seconds an endpoint may take to answer, dial after dial (kube-proxy's userspace mode). One that
refuses takes no time and costs no step."""

log = logging.getLogger(__name__)

_IN_PROGRESS: Final = errno.EINPROGRESS
_ALREADY: Final = errno.EALREADY
_TCP: Final = socket.IPPROTO_TCP
_NODELAY: Final = socket.TCP_NODELAY
_FAILED: Final = select.EPOLLERR | select.EPOLLHUP


class Dialer(Protocol):
    """What a dial asks of its relay."""

    def connector(self) -> socket.socket:
        """A socket to connect from. Raises OSError."""

    def dialing(self, dial: "Dial", seconds: float) -> None:
        """Report the readiness of `dial.sock`, and `timed_out` after that time."""

    def hung_up(self, dial: "Dial") -> None:
        """Close `dial.sock`, which led nowhere."""

    def answered(self, dial: "Dial") -> None:
        """Report no more."""

    def connected(self, dial: "Dial") -> None:
        """Join the client and `dial.sock`, which isn't watched."""

    def given_up(self, dial: "Dial") -> None:
        """No endpoint answered: reset the client."""


_BIND_ADDRESS_NO_PORT: Final = 24  # <linux/in.h>; for IPv6 sockets, too
_IPV6_TRANSPARENT: Final = 75  # <linux/in6.h>


def speak_for(sock: socket.socket, address: str) -> None:
    """Make an unconnected socket connect from an address that isn't ours. Raises OSError."""
    if ":" in address:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_TRANSPARENT, 1)
    else:
        sock.setsockopt(socket.SOL_IP, socket.IP_TRANSPARENT, 1)
    # The port is chosen when the endpoint is known, so as many are free as for each of them.
    sock.setsockopt(socket.SOL_IP, _BIND_ADDRESS_NO_PORT, 1)
    sock.bind((address, 0))


class Dial:
    """One client's search."""

    __slots__ = (
        "_candidates",
        "_refused",
        "_relay",
        "_step",
        "client",
        "fd",
        "near",
        "origin",
        "sock",
        "source",
        "target",
    )

    def __init__(
        self,
        relay: Dialer,
        client: socket.SocketType,
        candidates: Iterator[Address],
        origin: tuple[object, Address],
    ) -> None:
        """`origin`: the way by which the client came, and its address."""
        self.client = client
        self.sock: socket.socket
        self.fd = -1
        self.source: str | None = None
        """The address to connect from; None: the one the network chooses."""
        self.near: Callable[[str], bool] | None = None
        """Tells endpoints that must see an address of the node's whatever `source` is."""
        self._relay = relay
        self._candidates = candidates
        self._refused: set[Address] = set()
        self._step = 0
        self.origin = origin
        self.target: Address
        """The endpoint that is dialed."""

    def advance(self) -> None:
        """Dial the next endpoint that hasn't refused before."""
        try:
            for target in self._candidates:
                self.target = target
                if target not in self._refused and self._dial():
                    return
        except Exception:
            log.exception("relay: no way to choose an endpoint")
        self._relay.given_up(self)

    def _may_speak_for(self, client: str) -> bool:
        address = self.target[0]
        return client != address and not (self.near is not None and self.near(address))

    def _dial(self) -> bool:
        try:
            self.sock = self._relay.connector()
        except OSError:
            return False
        self.fd = self.sock.fileno()
        try:
            outcome = self._connect()
        except OSError:
            outcome = errno.EADDRNOTAVAIL
        if not outcome:
            self._relay.connected(self)
        elif outcome == _ALREADY:
            self._relay.dialing(self, DIAL_LADDER[self._step])
        else:
            self._refused.add(self.target)
            self.sock.close()
            return False
        return True

    def _connect(self) -> int:
        """0 if it is connected, EALREADY if it connects, else what went wrong. Raises OSError."""
        sock = self.sock
        sock.setsockopt(_TCP, _NODELAY, 1)
        if self.source is not None and self._may_speak_for(self.source):
            # Nobody talks to itself: a client that is its own endpoint sees the node instead, as
            # kube-proxy masquerades such connections.
            speak_for(sock, self.source)
        outcome = sock.connect_ex(self.target)
        # An endpoint on this machine answers before the call returns, which says otherwise.
        return sock.connect_ex(self.target) if outcome == _IN_PROGRESS else outcome

    def event(self, mask: int) -> None:
        """The endpoint answered, one way or the other."""
        if mask & _FAILED and self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._refused.add(self.target)
            self._relay.hung_up(self)
            self.advance()
        elif mask & select.EPOLLOUT:
            self._relay.answered(self)
            self._relay.connected(self)

    def timed_out(self) -> None:
        """The endpoint did not answer in time."""
        self._relay.hung_up(self)
        self._step += 1
        if self._step < len(DIAL_LADDER):
            self.advance()
        else:
            self._relay.given_up(self)
