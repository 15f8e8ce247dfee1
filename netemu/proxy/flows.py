"""What the UDP relay moves: flows, and the fronts at which they arrive.

A flow is a client's address and port at one front (a bound socket). Its backend socket is connected
to one endpoint for as long as the flow lives.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from os import read, write
from typing import Final, Protocol

from netemu.mmsg import Peer, peer_at
from netemu.proxy.choose import Address
from netemu.proxy.entrance import Way
from netemu.proxy.inbox import Inbox
from netemu.proxy.ledger import Link

DATAGRAM: Final = 65_535
"""Bytes of the largest datagram there is."""


class Relay(Protocol):
    """What these ask of their relay."""

    now: float
    """The time of this turn, by the monotonic clock."""
    touch: "Callable[[Flow], None]"
    """A datagram passes."""

    def open(self, front: "Front", name: bytes) -> "Flow | None":
        """A flow for a new client, if somebody serves it."""

    def redial(self, flow: "Flow") -> bool:
        """Lead a flow to the next endpoint, if there is one."""


class Front:
    """A bound socket at which clients arrive; `way` may be exchanged at any time."""

    __slots__ = ("_fd", "_inbox", "_relay", "flows", "sock", "way")

    def __init__(self, relay: Relay, sock: socket.socket, way: Way, inbox: Inbox) -> None:
        self._relay = relay
        self._inbox = inbox
        self._fd = sock.fileno()
        self.sock = sock
        self.way = way
        self.flows: dict[bytes, Flow] = {}
        """By their clients' socket addresses."""

    def readable(self) -> None:
        """Send on what clients sent; if there is more, epoll tells."""
        relay, flows, inbox = self._relay, self.flows, self._inbox
        for slot, size in enumerate(inbox.receive(self._fd)):
            name = inbox.name(slot)
            flow = flows.get(name) or relay.open(self, name)
            if flow is not None:
                flow.forward(inbox.datagram(slot, size))


class Flow:
    """One client's datagrams to one endpoint and back."""

    __slots__ = (
        "_answer",
        "_fd",
        "_peer",
        "_relay",
        "candidates",
        "client",
        "endpoint",
        "front",
        "link",
        "name",
        "received",
        "seen",
        "sent",
        "since",
        "sock",
    )

    def __init__(self, relay: Relay, front: Front, name: bytes) -> None:
        self._relay = relay
        self.front = front
        self.name = name
        self._peer = peer_at(name, 0)
        self.client: Address = self._peer[:2]
        self.candidates: Iterator[Address] = front.way(self.client)
        self.endpoint: Address
        self.sock: socket.socket
        self._fd = -1
        self._answer: Callable[[bytes, Peer], int] = front.sock.sendto
        self.since = self.seen = relay.now
        """When it began, and when the last datagram passed, by the monotonic clock."""
        self.received = self.sent = 0
        """Bytes from the client to this endpoint and back."""
        self.link: Link | None = None

    def counted(self) -> tuple[int, int]:
        """From the client and to it."""
        return self.received, self.sent

    def join(self, endpoint: Address, sock: socket.socket) -> None:
        """Go to an endpoint from now on."""
        self.endpoint, self.sock = endpoint, sock
        self._fd = sock.fileno()
        self.received = self.sent = 0

    def forward(self, datagram: bytes) -> None:
        """Send a client's datagram to the endpoint."""
        relay = self._relay
        self.seen = relay.now
        relay.touch(self)
        try:
            self.received += write(self._fd, datagram)
        except BlockingIOError:
            pass  # UDP promises nothing
        except OSError:
            # The endpoint refused an earlier datagram; this one may still find another.
            if relay.redial(self):
                with suppress(OSError):
                    self.received += write(self._fd, datagram)

    def readable(self) -> None:
        """Send the client what the endpoint answers: one datagram, as mostly there is but one, and
        whether there are more epoll tells for less than a call in vain.
        """
        relay = self._relay
        try:
            datagram = read(self._fd, DATAGRAM)
        except BlockingIOError:
            return
        except OSError:
            relay.redial(self)
            return
        self.seen = relay.now
        try:  # noqa: SIM105  # a context manager costs as much as all the rest
            self.sent += self._answer(datagram, self._peer)
        except OSError:
            pass  # no room, or the client is gone: UDP promises nothing
