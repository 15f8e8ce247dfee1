"""Makes sockets: in the network of the calling thread, or in the host's.

A network namespace belongs to a thread. While the daemon's main thread lives in the cluster's, one
thread that was started before the move stays in the host's for good and makes the sockets that
must exist there. It does nothing else, so handing it a job and waiting takes microseconds.
"""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

BACKLOG = 1024
"""Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn (4096)."""

HANDOFF_SECONDS = 5.0
"""Longest wait for the host-side thread, whose calls never block: past it, something is broken."""

TRANSPARENT: Final = {
    socket.AF_INET: (socket.SOL_IP, socket.IP_TRANSPARENT),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 75),  # IPV6_TRANSPARENT, <linux/in6.h>
}
"""The socket option, by family."""

T = TypeVar("T")


class LocalSockets:
    """Makes sockets in the network of the thread that calls."""

    def listen(self, address: str, port: int, *, transparent: bool = False) -> socket.socket:
        """A listening TCP socket (port 0: any). Raises OSError.

        `transparent`: rules may redirect to it what is addressed to others (ip(7)).
        """
        listener = _socket(address, socket.SOCK_STREAM)
        try:
            if transparent:
                listener.setsockopt(*TRANSPARENT[listener.family], 1)
            # A port whose last connections linger in TIME_WAIT must be free for the next `up`.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Accepted connections inherit it: small answers must not wait for an ACK.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            listener.bind((address, port))
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener

    def bind_udp(self, address: str, port: int) -> socket.socket:
        """A bound UDP socket (port 0: any). Raises OSError."""
        bound = _socket(address, socket.SOCK_DGRAM)
        try:
            bound.bind((address, port))
        except OSError:
            bound.close()
            raise
        return bound

    def connector(
        self, kind: socket.SocketKind, family: socket.AddressFamily = socket.AF_INET
    ) -> socket.socket:
        """An unconnected, unbound socket of that kind. Raises OSError."""
        return socket.socket(family, kind | socket.SOCK_NONBLOCK)

    async def resolve(self, name: str) -> list[str]:
        """The addresses of a name, of one family, as the host finds them. Raises OSError."""
        import asyncio  # late: commands that only ask don't need it

        return await asyncio.to_thread(_addresses_of, name)

    def close(self) -> None:
        """Nothing to end."""


class HostSockets:
    """Makes sockets in the network its maker was in when it was made."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="host-sockets")
        self._sockets = LocalSockets()
        # The pool starts its thread with the first job: that must be now, before anybody moves.
        self._call(lambda: None)
        # Resolving takes seconds at times, in which nobody may wait for a socket.
        self._resolver = ThreadPoolExecutor(max_workers=1, thread_name_prefix="host-names")
        self._resolver.submit(lambda: None).result(HANDOFF_SECONDS)

    def listen(self, address: str, port: int) -> socket.socket:
        """A listening TCP socket (port 0: any). Raises OSError."""
        return self._call(lambda: self._sockets.listen(address, port))

    def bind_udp(self, address: str, port: int) -> socket.socket:
        """A bound UDP socket (port 0: any). Raises OSError."""
        return self._call(lambda: self._sockets.bind_udp(address, port))

    def connector(
        self, kind: socket.SocketKind, family: socket.AddressFamily = socket.AF_INET
    ) -> socket.socket:
        """An unconnected, unbound socket of that kind. Raises OSError."""
        return self._call(lambda: self._sockets.connector(kind, family))

    async def resolve(self, name: str) -> list[str]:
        """The addresses of a name, of one family, as the host finds them. Raises OSError."""
        import asyncio

        return await asyncio.wrap_future(self._resolver.submit(_addresses_of, name))

    def close(self) -> None:
        """End the threads; sockets they made live on."""
        self._thread.shutdown()
        self._resolver.shutdown(wait=False)

    def _call(self, job: Callable[[], T]) -> T:
        return self._thread.submit(job).result(HANDOFF_SECONDS)


def _addresses_of(name: str) -> list[str]:
    found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    return of_one_family([str(place[0]) for _, _, _, _, place in found], _has_route)


def of_one_family(addresses: Sequence[str], has_route: Callable[[str], bool]) -> list[str]:
    """IPv4 where one of them has a route, else IPv6; if none has, those of IPv4 again, so that
    clients are told what comes of it.
    """
    four, six = ([a for a in addresses if (":" in a) == colon] for colon in (False, True))
    for some in (four, six):
        routed = [address for address in some if has_route(address)]
        if routed:
            return routed
    return four or six


def _has_route(address: str) -> bool:
    with _socket(address, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((address, 9))  # sends nothing
        except OSError:
            return False
    return True


def _socket(address: str, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    if family == socket.AF_INET6:
        # [::] must leave 0.0.0.0 alone: both are asked for where both are wanted.
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made
