"""What became of every connection and flow: those that are open, and sums of those that were.

Sums belong to the route (a Service port) and live as long as it does, by endpoint; what endpoints
that are gone had served is kept together. Bytes of a TCP connection are what its socket knows
(TCP_INFO), read when somebody asks and when it ends, so that moving bytes costs no more.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from netemu.clock import Clock
from netemu.proxy.choose import Address
from netemu.proxy.route import Path

_INFO: Final = struct.Struct("=B127xQ8xI52xQQ")
"""tcpi_state, _bytes_received, _notsent_bytes, _bytes_sent, _bytes_retrans of struct tcp_info
(linux/tcp.h)."""
_FIN_RECEIVED: Final = frozenset({6, 7, 8, 9, 11})
"""TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, CLOSING: the end of file counts as a byte received."""


@dataclass(slots=True, eq=False)
class Link:
    """A connection or flow that is open."""

    path: Path
    peer: Address
    endpoint: Address
    since: float
    """By the monotonic clock."""
    bytes: Callable[[], tuple[int, int]] = field(repr=False)
    """What came from the client and went to it."""


def tcp_bytes(sock: socket.socket) -> tuple[int, int]:
    """Bytes from the client and to it, by the client's socket."""
    with suppress(OSError, struct.error):
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
        state, received, waiting, sent, again = _INFO.unpack(info)
        return max(0, received - (state in _FIN_RECEIVED)), sent - again + waiting
    return 0, 0


class Ledger:
    """Follows what the relays do."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[Link, None] = {}

    @property
    def links(self) -> tuple[Link, ...]:
        """What is open, the oldest first."""
        return tuple(self._open)

    def opened(
        self, way: object, peer: Address, endpoint: Address, count: Callable[[], tuple[int, int]]
    ) -> Link | None:
        """A client is joined with an endpoint; None when its way in is nothing of ours."""
        if not isinstance(way, Path):
            return None
        link = Link(way, peer, endpoint, self._clock.monotonic(), count)
        self._open[link] = None
        way.route.opened(endpoint)
        return link

    def closed(self, link: Link, *, broken: bool) -> None:
        """It ended; `broken`: by a reset or a refusal."""
        del self._open[link]
        tally = link.path.route.tally(link.endpoint)
        received, sent = link.bytes()
        tally.open -= 1
        tally.received += received
        tally.sent += sent
        tally.broken += broken

    def rows(self) -> Iterator[dict[str, object]]:
        """What is open, as ``netemu connections`` shows it."""
        now = self._clock.monotonic()
        for link in self._open:
            backend = link.path.route.backend
            received, sent = link.bytes()
            yield {
                "protocol": str(backend.protocol),
                "client": "{}:{}".format(*link.peer),
                "namespace": backend.service[0],
                "service": backend.service[1],
                "port": backend.port,
                "endpoint": "{}:{}".format(*link.endpoint),
                "seconds": round(now - link.since, 3),
                "received": received,
                "sent": sent,
            }
