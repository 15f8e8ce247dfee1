"""From a Service port to its endpoints: written when the snapshot changes, read at each accept."""

from collections.abc import Iterator
from random import Random

from netemu.clock import Clock
from netemu.proxy.affinity import AffinityTable
from netemu.proxy.choose import Address, choose
from netemu.proxy.ports import Backend

ROUNDS = 4
"""How often one connection may come back to an endpoint; the dial ladder has as many steps."""


class Route:
    """The endpoints of one Service port, with its affinity and counters."""

    def __init__(self, backend: Backend, clock: Clock, rng: Random) -> None:
        self.backend = backend
        self.endpoints: tuple[Address, ...] = ()
        self.connections = 0
        """Connections that clients opened."""
        self.failed = 0
        """Those for which no endpoint could be reached."""
        self._affinity: AffinityTable | None = None
        self._seconds = 0
        self._clock = clock
        self._rng = rng

    def update(self, endpoints: tuple[Address, ...], affinity_seconds: int | None) -> None:
        """Take what the snapshot says now; connections that exist are left alone."""
        if affinity_seconds is None:
            self._affinity = None
        else:
            if self._affinity is None:
                self._affinity = AffinityTable(self._clock)
            self._seconds = affinity_seconds
        if endpoints != self.endpoints:
            self.endpoints = endpoints
            if self._affinity is not None:
                self._affinity.keep(endpoints)

    def candidates(self, peer: Address) -> Iterator[Address]:
        """Endpoints for one new connection, in the order in which to dial them.

        To ask for another one means that the last could not be reached. Each dial looks at the
        endpoints there are by then, so one that came meanwhile is found.
        """
        self.connections += 1
        client = peer[0]
        for _ in range(ROUNDS):
            tried: set[Address] = set()
            while (endpoint := self._next(client, tried)) is not None:
                yield endpoint
                tried.add(endpoint)
                if self._affinity is not None:
                    self._affinity.forget(client)
        self.failed += 1

    def __call__(self, peer: Address) -> Iterator[Address]:
        """As `candidates`."""
        return self.candidates(peer)

    def serves(self, peer: Address, endpoint: Address) -> bool:
        """Whether the endpoint is (still) for that client."""
        return endpoint in self.endpoints

    def _next(self, client: str, tried: set[Address]) -> Address | None:
        affinity = self._affinity
        if affinity is None:
            return choose(self.endpoints, self._rng, tried=tried)
        sticky = affinity.find(client, self._seconds)
        endpoint = choose(self.endpoints, self._rng, tried=tried, sticky=sticky)
        if endpoint is not None:
            affinity.remember(client, endpoint)
        return endpoint
