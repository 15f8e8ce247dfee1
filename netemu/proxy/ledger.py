"""What became of every connection and flow: those that are open, and sums of those that were.

Sums belong to the route (a Service port) and live as long as it does, by endpoint; what endpoints
that are gone had served is kept together. The relays count bytes as they move them; they are added
to the sums when the connection ends.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from netemu.clock import Clock
from netemu.model.service import PodAddress
from netemu.proxy.choose import Address, written
from netemu.proxy.route import Path, Tally
from netemu.proxy.site import Backend

Row: TypeAlias = dict[str, object]


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
    tally: Tally = field(repr=False)
    """Where it is counted."""


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
        tally = way.route.opened(endpoint)
        link = Link(way, peer, endpoint, self._clock.monotonic(), count, tally)
        self._open[link] = None
        return link

    def closed(self, link: Link, *, broken: bool) -> None:
        """It ended; `broken`: by a reset or a refusal."""
        del self._open[link]
        tally = link.tally
        received, sent = link.bytes()
        tally.open -= 1
        tally.received += received
        tally.sent += sent
        tally.broken += broken

    def rows(self) -> Iterator[Row]:
        """What is open, as ``netemu connections`` shows it."""
        now = self._clock.monotonic()
        for link in self._open:
            backend = link.path.route.backend
            yield row(backend, link.peer, link.endpoint, now - link.since, *link.bytes())


def row(
    backend: Backend, client: Address, endpoint: Address, seconds: float, received: int, sent: int
) -> Row:
    """A connection as ``netemu connections`` shows it."""
    return {
        "protocol": str(backend.protocol),
        "client": written(client),
        "namespace": backend.service[0],
        "service": backend.service[1],
        "port": backend.port,
        "endpoint": written(endpoint),
        "seconds": round(seconds, 3),
        "received": received,
        "sent": sent,
    }


def stuck(
    backend: Backend,
    client: str,
    endpoint: Address,
    seconds_left: float,
    pods: Mapping[str, PodAddress],
) -> Row:
    """A client that sticks to an endpoint as ``netemu affinity`` shows it."""
    pod = pods.get(endpoint[0])
    return {
        "namespace": backend.service[0],
        "service": backend.service[1],
        "port": backend.port,
        "protocol": str(backend.protocol),
        "client": client,
        "endpoint": written(endpoint),
        "pod": "" if pod is None else f"{pod.namespace}/{pod.name}",
        "secondsLeft": round(seconds_left, 1),
    }
