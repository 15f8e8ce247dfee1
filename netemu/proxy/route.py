"""From a Service port to its endpoints: written when the snapshot changes, read at each accept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from netemu.clock import Clock
from netemu.model.service import Protocol
from netemu.proxy.affinity import AffinityTable
from netemu.proxy.choose import Address, choose
from netemu.proxy.limits import TALLIES
from netemu.proxy.policy import NOWHERE, Door, Place, Reach
from netemu.proxy.site import Backend

if TYPE_CHECKING:
    from netemu.proxy.weighing import Weigher, Weights

ROUNDS = 4
"""How often one connection may come back to an endpoint; the dial ladder has as many steps."""
ANY_DOOR: Final = Door()

PlaceOf = Callable[[Address, Protocol], Place]
"""Where the client with an address and port stands."""


@dataclass(slots=True)
class Tally:
    """What one endpoint of a Service port has served."""

    connections: int = 0
    """Connections and flows that were led there."""
    open: int = 0
    received: int = 0
    """Bytes from clients, of those that have ended."""
    sent: int = 0
    broken: int = 0
    """Those that ended by a reset or a refusal."""
    redialed: int = 0
    """Dials that failed, after which another endpoint was tried."""


def _anywhere(_client: Address, _protocol: Protocol) -> Place:
    return NOWHERE


class Route:
    """The endpoints of one Service port, with its affinity and counters."""

    def __init__(self, backend: Backend, clock: Clock, rng: Random) -> None:
        self.backend = backend
        self.reach = Reach()
        self.connections = 0
        """Connections that clients opened."""
        self.failed = 0
        """Those for which no endpoint could be reached."""
        self.tallies: dict[Address, Tally] = {}
        """By endpoint, those that are gone included."""
        self.affinity: AffinityTable | None = None
        self.weigher: Weigher | None = None
        """Chooses by weights, where there are some."""
        self._seconds = 0
        self._clock = clock
        self._rng = rng

    @property
    def endpoints(self) -> tuple[Address, ...]:
        """The endpoints, wherever a client stands."""
        return self.reach.everywhere

    @property
    def affinity_seconds(self) -> int | None:
        """How long a client sticks to an endpoint; None: it doesn't."""
        return None if self.affinity is None else self._seconds

    def update(
        self, reach: Reach, affinity_seconds: int | None, weights: "Weights | None" = None
    ) -> None:
        """Take what the snapshot says now; connections that exist are left alone."""
        self._weigh(weights)
        if affinity_seconds is None:
            self.affinity = None
        else:
            if self.affinity is None:
                self.affinity = AffinityTable(self._clock)
            self._seconds = affinity_seconds
        if reach != self.reach:
            self.reach = reach
            if self.affinity is not None:
                local = (each for here in reach.by_node.values() for each in here)
                self.affinity.keep({*reach.everywhere, *local})

    def _weigh(self, weights: "Weights | None") -> None:
        if weights is None:
            self.weigher = None
        elif self.weigher is not None:
            self.weigher.update(weights)
        else:
            from netemu.proxy.weighing import Weigher  # late: few Services have weights

            self.weigher = Weigher(weights)

    def candidates(
        self, peer: Address, door: Door = ANY_DOOR, place_of: PlaceOf = _anywhere
    ) -> Iterator[Address]:
        """Endpoints for one new connection, in the order in which to dial them.

        To ask for another one means that the last could not be reached. Each dial looks at the
        endpoints there are by then, so one that came meanwhile is found.
        """
        self.connections += 1
        client = peer[0]
        place = place_of(peer, self.backend.protocol)
        for _ in range(ROUNDS):
            tried: set[Address] = set()
            while (endpoint := self._next(client, door, place, tried)) is not None:
                yield endpoint
                tried.add(endpoint)
                self.tally(endpoint).redialed += 1
                if self.affinity is not None:
                    self.affinity.forget(client)
        self.failed += 1

    def opened(self, endpoint: Address) -> Tally:
        """A client is joined with an endpoint; where that is counted."""
        tally = self.tally(endpoint)
        tally.connections += 1
        tally.open += 1
        if self.weigher is not None:
            self.weigher.note(endpoint)
        return tally

    def tally(self, endpoint: Address) -> Tally:
        """What an endpoint has served."""
        found = self.tallies.get(endpoint)
        if found is None:
            if len(self.tallies) >= TALLIES:
                self._forget()
            found = self.tallies[endpoint] = Tally()
        return found

    def _forget(self) -> None:
        idle = (each for each, tally in self.tallies.items() if not tally.open)
        gone = next((each for each in idle if each not in self.endpoints), None)
        if gone is not None:
            del self.tallies[gone]

    def _next(self, client: str, door: Door, place: Place, tried: set[Address]) -> Address | None:
        affinity, endpoints = self.affinity, self.reach.of(door, place)
        sticky = None if affinity is None else affinity.find(client, self._seconds)
        if self.weigher is None:
            endpoint = choose(endpoints, self._rng, tried=tried, sticky=sticky)
        else:
            endpoint = self.weigher.choose(endpoints, tried=tried, sticky=sticky)
        if affinity is not None and endpoint is not None:
            affinity.remember(client, endpoint)
        return endpoint


class Path:
    """One way in to a Service port: its route, by a door (a `Way`)."""

    __slots__ = ("door", "outside", "place_of", "relayed", "route")

    def __init__(
        self,
        route: Route,
        door: Door,
        place_of: PlaceOf,
        *,
        outside: str = "",
        relayed: bool = False,
    ) -> None:
        """`outside`: the family of endpoints that the host's network has; `relayed`: in the auto
        mode the kernel leaves it alone.
        """
        self.relayed = relayed
        self.route = route
        self.door = door
        self.place_of = place_of
        self.outside = outside

    def __call__(self, peer: Address) -> Iterator[Address]:
        """The endpoints for a client, in the order in which to dial them."""
        return self.route.candidates(peer, self.door, self.place_of)

    def serves(self, peer: Address, endpoint: Address) -> bool:
        """Whether the endpoint is (still) for that client."""
        place = self.place_of(peer, self.route.backend.protocol)
        return endpoint in self.route.reach.of(self.door, place)
