"""What the UDP relay moves: flows, and the fronts at which they arrive.

A flow is a client's address and port at one front (a bound socket). Its backend socket is connected
to one endpoint for as long as the flow lives.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from os import read, write
from typing import Final, Protocol

from netemu.proxy.choose import Address
from netemu.proxy.entrance import Way
from netemu.proxy.ledger import Link

DATAGRAM: Final = 65_535
"""Bytes of the largest datagram there is."""
DATAGRAMS_PER_TURN: Final = 32
"""Datagrams of one socket in a row before the others get their turn."""


class Relay(Protocol):
    """What these ask of their relay."""

    now: float
    """The time of this turn, by the monotonic clock."""
    touch: "Callable[[Flow], None]"
    """A datagram passes."""

    def open(self, front: "Front", client: Address) -> "Flow | None":
        """A flow for a new client, if somebody serves it."""

    def redial(self, flow: "Flow") -> bool:
        """Lead a flow to the next endpoint, if there is one."""


class Front:
    """A bound socket at which clients arrive; `way` may be exchanged at any time."""

    __slots__ = ("_relay", "flows", "sock", "way")

    def __init__(self, relay: Relay, sock: socket.socket, way: Way) -> None:
        self._relay = relay
        self.sock = sock
        self.way = way
        self.flows: dict[Address, Flow] = {}

    def readable(self) -> None:
        """Send on what clients sent."""
        relay, flows = self._relay, self.flows
        receive = self.sock.recvfrom
        for _ in range(DATAGRAMS_PER_TURN):
            try:
                datagram, client = receive(DATAGRAM)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error for an answer of ours: that client is gone
            flow = flows.get(client) or relay.open(self, client)
            if flow is not None:
                flow.forward(datagram)


class Flow:
    """One client's datagrams to one endpoint and back."""

    __slots__ = (
        "_answer",
        "_fd",
        "_relay",
        "candidates",
        "client",
        "endpoint",
        "front",
        "link",
        "received",
        "seen",
        "sent",
        "since",
        "sock",
    )

    def __init__(self, relay: Relay, front: Front, client: Address) -> None:
        self._relay = relay
        self.front = front
        self.client = client
        self.candidates: Iterator[Address] = front.way(client)
        self.endpoint: Address
        self.sock: socket.socket
        self._fd = -1
        self._answer: Callable[[bytes, Address], int] = front.sock.sendto
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
            self.sent += self._answer(datagram, self.client)
        except OSError:
            pass  # no room, or the client is gone: UDP promises nothing
