"""Where sockets are born: in the cluster's network or in the host's.

A socket belongs for life to the network namespace of the thread that made it, so whoever needs
one on the host side asks for it. Both calls return quickly: nothing in them waits for the
network.
"""

import socket
from typing import Protocol


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
