"""Where sockets are born: in the cluster's network or in the host's.

A socket belongs for life to the network namespace of the thread that made it, so whoever needs
one on the host side asks for it. Both calls return quickly: nothing in them waits for the
network.
"""

import socket
from collections.abc import Callable
from typing import Protocol, TypeAlias

Connector: TypeAlias = Callable[[socket.SocketKind, socket.AddressFamily], socket.socket]
"""Makes an unconnected, unbound, non-blocking socket of that kind, as `Sockets.connector` does."""


class Sockets(Protocol):
    """Makes non-blocking sockets in one network."""

    def listen(self, address: str, port: int) -> socket.socket:
        """A listening TCP socket (port 0: any). Raises OSError."""

    def bind_udp(self, address: str, port: int) -> socket.socket:
        """A bound UDP socket (port 0: any). Raises OSError."""

    def connector(
        self, kind: socket.SocketKind, family: socket.AddressFamily = socket.AF_INET
    ) -> socket.socket:
        """An unconnected, unbound socket of that kind. Raises OSError."""


class Owners(Protocol):
    """Tells on which node a process of the cluster's own network stands."""

    def __bool__(self) -> bool:
        """Whether there are such processes that one could tell apart."""

    def of(self, client: tuple[str, int], *, datagrams: bool = False) -> str:
        """The address of the node of a client, by the client's own; "" when that can't be told."""
