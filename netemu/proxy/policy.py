"""Which endpoints are for whom: traffic policies, topology hints and source ranges. Pure.

kube-proxy decides on the node a packet comes to. Here one proxy stands for all nodes, so it asks
which node that would have been: that of the address for a node port, else that of the client, told
by its address or, where a process is in the nodes' network, by its socket. A client of which nobody
can tell where it stands counts as on the node that serves it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from msgspec import Struct, field

from netemu.model.service import Endpoint, EndpointSlice, NodePlace, Protocol, TrafficPolicy
from netemu.model.snapshot import ServiceEntry
from netemu.proxy.choose import Address, behind


class Place(NamedTuple):
    """Where a client stands, or where traffic comes to; "" for unknown."""

    node: str = ""
    zone: str = ""


NOWHERE: Final = Place()


class Door(NamedTuple):
    """A way to a Service port."""

    policy: TrafficPolicy = TrafficPolicy.CLUSTER
    external: bool = False
    place: Place = NOWHERE
    """The node whose address it is; NOWHERE for addresses that every node answers."""


class Reach(Struct, frozen=True):
    """The endpoints of a Service port, as they are for everybody and as they are for some."""

    everywhere: tuple[Address, ...] = ()
    by_node: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    """Those on each node; known if the Service has a Local policy."""
    near_nodes: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    """Those hinted for a node; empty unless every endpoint has such a hint (rule 39)."""
    near_zones: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)

    def of(self, door: Door, client: Place) -> tuple[Address, ...]:
        """The endpoints for a client that comes by a door; none: its packets are dropped."""
        if door.policy is TrafficPolicy.CLUSTER:
            return self._near(door.place if door.place.node else client)
        if not door.external:
            return self.by_node.get(client.node, ()) if client.node else self.everywhere
        if door.place.node in ("", client.node):
            # From the node itself or a pod on it, external traffic is as internal (rule 36).
            return self._near(client)
        return self.by_node.get(door.place.node, ())

    def _near(self, place: Place) -> tuple[Address, ...]:
        return self.near_nodes.get(place.node) or self.near_zones.get(place.zone) or self.everywhere


def reach(
    slices: Iterable[EndpointSlice],
    port: str,
    protocol: Protocol,
    *,
    local: bool = False,
    family: str = "IPv4",
) -> Reach:
    """Sort the endpoints of a Service port in one address family; `local`: some policy asks for
    those of each node.
    """
    found = list(behind(slices, port, protocol, family))
    ready = [each for each in found if each[0].ready]
    everywhere = _addresses(ready) or _addresses(_draining(found))
    return Reach(
        everywhere,
        _by_node(found) if local else {},
        _hinted(ready, lambda endpoint: endpoint.for_nodes),
        _hinted(ready, lambda endpoint: endpoint.for_zones),
    )


def lacking(entry: ServiceEntry, node: str) -> tuple[int, int]:
    """How many ports of a Service others serve and nobody on this node, where its policy is Local:
    for traffic from inside, and from outside (what kube-proxy counts as no local endpoints).
    """
    service = entry.service
    policies = service.internal_policy, service.external_policy
    if TrafficPolicy.LOCAL not in policies:
        return 0, 0
    found = (
        reach(entry.slices, port.name, port.protocol, local=True, family=family)
        for port in service.ports
        for family in service.families
    )
    count = sum(bool(each.everywhere) and node not in each.by_node for each in found)
    inside, outside = (count if each is TrafficPolicy.LOCAL else 0 for each in policies)
    return inside, outside


Found = tuple[Endpoint, Address]


def _addresses(found: Iterable[Found]) -> tuple[Address, ...]:
    return tuple(sorted({address for _, address in found}))


def _draining(found: Iterable[Found]) -> Iterable[Found]:
    return (each for each in found if each[0].serving and each[0].terminating)


def _by_node(found: Iterable[Found]) -> dict[str, tuple[Address, ...]]:
    """Each node's ready ones; where there are none, those that serve while they terminate."""
    nodes: dict[str, list[Found]] = {}
    for each in found:
        if each[0].node:
            nodes.setdefault(each[0].node, []).append(each)
    usable = {
        node: _addresses(each for each in here if each[0].ready) or _addresses(_draining(here))
        for node, here in nodes.items()
    }
    return {node: addresses for node, addresses in usable.items() if addresses}


def _hinted(
    ready: Iterable[Found], hints: Callable[[Endpoint], tuple[str, ...]]
) -> dict[str, tuple[Address, ...]]:
    """By hint; nothing if a ready endpoint has none, for then hints are not (yet) to be trusted."""
    near: dict[str, set[Address]] = {}
    for endpoint, address in ready:
        names = hints(endpoint)
        if not names:
            return {}
        for name in names:
            near.setdefault(name, set()).add(address)
    return {name: tuple(sorted(addresses)) for name, addresses in near.items()}


class Places:
    """Tells where a client stands by its address."""

    def __init__(
        self, nodes: Mapping[str, NodePlace], node_of_pod: Callable[[str], str | None]
    ) -> None:
        """`node_of_pod` is the name of the node of the pod with an address."""
        self._nodes = {name: Place(name, node.zone) for name, node in nodes.items()}
        self._by_address = {
            address: self._nodes[name] for name, node in nodes.items() for address in node.addresses
        }
        self._node_of_pod = node_of_pod

    def of(self, address: str) -> Place:
        """The place of a client, NOWHERE if it is on no node that one could tell."""
        node = self._node_of_pod(address)
        if node is not None:
            return self._nodes.get(node, NOWHERE)
        return self._by_address.get(address, NOWHERE)

    def at(self, address: str) -> Place:
        """The place of a node's own address."""
        return self._by_address.get(address, NOWHERE)


def ready_on(slices: Iterable[EndpointSlice], family: str = "IPv4") -> dict[str, int]:
    """How many ready endpoints of a family each node has; one that terminates doesn't count
    (rule 38).
    """
    ready = {
        (endpoint.node, endpoint.address)
        for part in slices
        if part.family == family
        for endpoint in part.endpoints
        if endpoint.ready and not endpoint.terminating
    }
    return dict(Counter(node for node, _ in ready))
