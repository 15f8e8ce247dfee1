"""What carries traffic: per address family a relay, one for datagrams, and what opens their doors.

They share the descriptors that the process may have.
"""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import summarize_address_range
from typing import TYPE_CHECKING, NamedTuple, cast

from netemu.clock import Clock
from netemu.model import nft
from netemu.model.addressing import Addressing, IpNetwork
from netemu.model.nft import Interception
from netemu.model.sockets import Owners, Sockets
from netemu.proxy.catchall import CatchAll
from netemu.proxy.choose import Address
from netemu.proxy.datagrams import Datagrams
from netemu.proxy.ledger import Ledger
from netemu.proxy.limits import CONNECTIONS, FLOWS, SHARE
from netemu.proxy.listeners import Listeners
from netemu.proxy.openings import Openings
from netemu.proxy.relay import NodeOf, Relay
from netemu.proxy.site import Network
from netemu.proxy.source import Sources

if TYPE_CHECKING:
    from netemu.proxy.families import Families
    from netemu.proxy.kernel import Kernel


class Lanes(NamedTuple):
    """All of it."""

    relays: Sequence[Relay]
    openings: "Openings | Families"


class Outside:
    """Relays to hosts that only the host's own network reaches, by their address family.

    Made for the first such host. They are few and far, so their share of descriptors is small.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, host: Sockets, clock: Clock, ledger: Ledger
    ) -> None:
        self._loop = loop
        self._host = host
        self._clock = clock
        self._ledger = ledger
        self._made: dict[str, tuple[Relay, Datagrams]] = {}

    def of(self, family: str) -> tuple[Relay, Datagrams]:
        """What relays to hosts of a family."""
        found = self._made.get(family)
        if found is None:
            found = self._made[family] = self._make(nft.FAMILIES[int(family[-1])])
        return found

    def close(self) -> None:
        """Close everything."""
        for relay, datagrams in self._made.values():
            relay.close()
            datagrams.close()

    def _make(self, family: socket.AddressFamily) -> tuple[Relay, Datagrams]:
        few = 16 * SHARE
        kinds = socket.SOCK_STREAM, socket.SOCK_DGRAM
        tcp, udp = (partial(self._host.connector, kind, family) for kind in kinds)
        return (
            Relay(self._loop, tcp, self._clock, _share(few, CONNECTIONS), self._ledger),
            Datagrams(self._loop, udp, self._clock, _share(few, FLOWS), self._ledger),
        )


@asynccontextmanager
async def open_lanes(
    addressing: Addressing,
    cluster: Sockets,
    host: Sockets | None,
    clock: Clock,
    ledger: Ledger,
    means: Mapping[str, Interception | None],
    problem: str,
    owners: Owners | None = None,
) -> AsyncIterator[Lanes]:
    """Lanes for the families of a cluster, until the block is left; then what was read is delivered
    first. `means` has the interception of each family; `owners` tells processes of nodes apart.
    """
    loop = asyncio.get_running_loop()
    networks = {Network.CLUSTER: cluster}
    if host is not None:
        networks[Network.HOST] = host
    outside = Outside(loop, host or cluster, clock, ledger)
    shop = _Workshop(loop, networks, clock, ledger, outside, problem, addressing, owners)
    lanes = {each.family: shop.lane(each, means[each.family]) for each in addressing.families}
    openings = _joined({family: lane.openings for family, lane in lanes.items()})
    relays = [lane.relay for lane in lanes.values()]
    try:
        yield Lanes(relays, openings)
    finally:
        openings.close()
        try:
            for relay in relays:
                await relay.drain()
        finally:
            for lane in lanes.values():
                lane.datagrams.close()
                lane.relay.close()
            outside.close()


class Lane(NamedTuple):
    """What serves one address family."""

    relay: Relay
    datagrams: Datagrams
    openings: Openings


class _Workshop(NamedTuple):
    """What lanes are made with."""

    loop: asyncio.AbstractEventLoop
    networks: Mapping[Network, Sockets]
    clock: Clock
    ledger: Ledger
    outside: Outside
    problem: str
    addressing: Addressing
    """Of all families, whose lanes share the descriptors."""
    owners: Owners | None

    def lane(self, ranges: Addressing, interception: Interception | None) -> Lane:
        """The lane of a family that has those ranges."""
        loop, clock, ledger = self.loop, self.clock, self.ledger
        count = len(self.addressing.families)
        family = nft.FAMILIES[ranges.services.version]
        connector = self.networks[Network.CLUSTER].connector
        sources = _sources(ranges)
        named = None if interception is None else sources.kept
        relay = Relay(
            loop,
            partial(connector, socket.SOCK_STREAM, family),
            clock,
            _share(SHARE * count, CONNECTIONS),
            ledger,
            named,
            sources.near,
            self._node_of(ranges.family, sources, interception, datagrams=False),
        )
        tie = partial(connector, socket.SOCK_DGRAM, family)
        flows = _share(2 * SHARE * count, FLOWS)
        node_of = self._node_of(ranges.family, sources, interception, datagrams=True)
        datagrams = Datagrams(loop, tie, clock, flows, ledger, named, sources.near, node_of)
        openings = Openings(
            Listeners(relay, datagrams, self.networks, clock, loop.call_soon, self.outside.of),
            None if interception is None else CatchAll(relay, interception),
            None if interception is None else partial(_kernel, interception, ranges),
            self.problem,
        )
        return Lane(relay, datagrams, openings)

    def _node_of(
        self, family: str, sources: Sources, interception: Interception | None, *, datagrams: bool
    ) -> NodeOf | None:
        """Tells in whose name connections of the nodes' own processes are made."""
        owners, addressing = self.owners, self.addressing
        if owners is None or interception is None:
            return None

        def node_of(client: Address) -> str:
            asked = bool(owners) and sources.near(client[0])
            node = owners.of(client, datagrams=datagrams) if asked else ""
            return addressing.node_here(node, family) if node else ""

        return node_of


def _kernel(interception: Interception, ranges: Addressing) -> "Kernel":
    from netemu.proxy.kernel import Kernel  # late: most clusters never ask for it

    return Kernel(interception, ranges)


def _joined(openings: Mapping[str, Openings]) -> "Openings | Families":
    if len(openings) == 1:
        return next(iter(openings.values()))
    from netemu.proxy.families import Families  # late: few clusters have two

    return Families(openings)


def _sources(ranges: Addressing) -> Sources:
    pool = cast("list[IpNetwork]", [*summarize_address_range(*ranges.load_balancers)])
    return Sources(ranges.pods, (ranges.services, ranges.nodes, *pool))


def _share(of: int, most: int) -> int:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return most
    return min(most, descriptors // of)
