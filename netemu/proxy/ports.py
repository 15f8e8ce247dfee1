"""Which sockets the Services ask for: a pure function of the snapshot and the addresses.

A Service port without a usable endpoint asks for none: its address is closed, so clients are
refused as kube-proxy's REJECT rules would refuse them.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from netemu.model.addressing import family_of
from netemu.model.service import (
    NodePlace,
    PodAddress,
    Protocol,
    Service,
    ServicePort,
    ServiceType,
    TrafficPolicy,
)
from netemu.model.snapshot import ServiceEntry
from netemu.proxy.choose import Address
from netemu.proxy.gate import OPEN, Gate, gate_of, gate_of_ranges
from netemu.proxy.health import HealthCheck
from netemu.proxy.policy import Door, Place, Reach, reach, ready_on
from netemu.proxy.site import Backend, Listener, Network, Site

if TYPE_CHECKING:
    from netemu.proxy.weighing import Weights

RELAYED: Final = frozenset({Protocol.TCP, Protocol.UDP})
"""Transports there is a relay for; SCTP is kept and shown, as without the kernel's module."""

NODE_PORT_TYPES: Final = frozenset({ServiceType.NODE_PORT, ServiceType.LOAD_BALANCER})


class Plan(Struct, frozen=True):
    """What one Service asks for."""

    listeners: Mapping[Listener, Backend]
    reach: Mapping[Backend, Reach]
    """Of every port that is relayed; empty while nothing can serve it."""
    doors: Mapping[Listener, Door] = field(default_factory=dict)
    """How traffic comes in at each listener; those that aren't here are like a clusterIP."""
    gates: Mapping[Listener, Gate] = field(default_factory=dict)
    """Whom listeners let in; those that aren't here let in everybody."""
    health: HealthCheck | None = None
    affinity_seconds: int | None = None
    closed: frozenset[Listener] = frozenset()
    """Those that would be there if anything could serve them: clients are to be refused."""
    outside: str = ""
    """The address family of the endpoints, if they are hosts outside the cluster."""
    relayed: bool = False
    """Something is asked of its connections that the kernel can't do."""
    weights: "Weights | None" = None
    """How connections are shared among the endpoints; None: each has the same chance."""

    @property
    def endpoints(self) -> Mapping[Backend, tuple[Address, ...]]:
        """The endpoints of each port, wherever the client is."""
        return {backend: reach.everywhere for backend, reach in self.reach.items()}


NOTHING: Final = Plan({}, {})
_INTERNAL: Final = Door()


def plan(
    entry: ServiceEntry,
    site: Site,
    nodes: Mapping[str, NodePlace] | None = None,
    outside: Mapping[str, tuple[str, ...]] | None = None,
    pods: Mapping[str, PodAddress] | None = None,
) -> Plan:
    """The listeners of one Service and the endpoints behind them.

    `outside` has the addresses of external names that were found, `pods` has who holds which.
    """
    service, nodes = entry.service, nodes or {}
    if service.headless or not service.proxied:
        return NOTHING
    if service.type is ServiceType.EXTERNAL_NAME:
        return _outside_plan(service, site, (outside or {}).get(service.external_name, ()))
    entry, weights = _weighed(entry, pods or {})
    draft = _Draft(service, site, nodes)
    families = site.serves(service)
    for port in service.ports:
        if port.protocol in RELAYED:
            for family in families:
                draft.add(port, entry, family)
    return Plan(
        draft.listeners,
        draft.reach,
        draft.doors,
        draft.gates,
        _health_check(service, entry),
        service.affinity_seconds,
        frozenset(draft.closed),
        relayed=service.observed or weights is not None,
        weights=weights,
    )


def _weighed(
    entry: ServiceEntry, pods: Mapping[str, PodAddress]
) -> "tuple[ServiceEntry, Weights | None]":
    """The endpoints that may get a connection, and how these are shared."""
    if not entry.service.weights:
        return entry, None
    from netemu.proxy.weighing import weighed, weights_of  # late: few Services have weights

    weights = weights_of(entry.service, entry.slices, pods)
    if weights is not None:
        entry = ServiceEntry(entry.service, weighed(entry.slices, weights))
    return entry, weights


def _outside_plan(service: Service, site: Site, addresses: tuple[str, ...]) -> Plan:
    """A virtual IP whose ports lead to the same ports of a host outside."""
    listeners: dict[Listener, Backend] = {}
    reached: dict[Backend, Reach] = {}
    outside = family_of(addresses[0]) if addresses else "IPv4"
    for port in service.ports if service.virtual_ip else ():
        if port.protocol not in RELAYED:
            continue
        family = family_of(service.virtual_ip)
        backend = Backend(service.key, port.name, port.protocol, family)
        reached[backend] = Reach(tuple((address, port.port) for address in addresses))
        for network, address in _virtual_addresses(service.virtual_ip, site) if addresses else ():
            listeners[Listener(network, address, port.port, port.protocol)] = backend
    return Plan(listeners, reached, affinity_seconds=service.affinity_seconds, outside=outside)


def _virtual_addresses(address: str, site: Site) -> Iterator[tuple[Network, str]]:
    if site.binds(address):
        yield Network.CLUSTER, address
    mirror = site.mirror(address)
    if mirror is not None:
        yield Network.HOST, mirror


def _health_check(service: Service, entry: ServiceEntry) -> HealthCheck | None:
    local = service.external_policy is TrafficPolicy.LOCAL
    if service.type is not ServiceType.LOAD_BALANCER or not local:
        return None
    port = service.health_check_port
    return HealthCheck(port, ready_on(entry.slices, service.families[0])) if port else None


class _Draft:
    """A Service's plan in the making."""

    def __init__(self, service: Service, site: Site, nodes: Mapping[str, NodePlace]) -> None:
        self.listeners: dict[Listener, Backend] = {}
        self.reach: dict[Backend, Reach] = {}
        self.doors: dict[Listener, Door] = {}
        self.gates: dict[Listener, Gate] = {}
        self.closed: set[Listener] = set()
        self._service = service
        self._site = site
        self._nodes = nodes
        self._local = TrafficPolicy.LOCAL in (service.internal_policy, service.external_policy)

    def add(self, port: ServicePort, entry: ServiceEntry, family: str) -> None:
        backend = Backend(self._service.key, port.name, port.protocol, family)
        found = reach(entry.slices, port.name, port.protocol, local=self._local, family=family)
        self.reach[backend] = found
        # With endpoints that nobody may use, a port stays open and its packets vanish (rule 35).
        six = family == "IPv6"
        for listener, door in _doors(self._service, port, self._site, self._nodes):
            if (":" in listener.address) is not six:
                continue  # nothing is translated from one family to the other
            if not found.everywhere:
                self.closed.add(listener)
            elif listener not in self.listeners:
                self.listeners[listener] = backend
                self._admit(listener, door, found)

    def _admit(self, listener: Listener, door: Door, found: Reach) -> None:
        if door != _INTERNAL:
            self.doors[listener] = door
        service = self._service
        gate = gate_of(door, found, self._nodes.values(), family_of(listener.address))
        if gate == OPEN and listener.address in service.load_balancer_ips:
            gate = gate_of_ranges(service.source_ranges, listener.address, self._nodes.values())
        if gate != OPEN:
            self.gates[listener] = gate


def _doors(
    service: Service, port: ServicePort, site: Site, nodes: Mapping[str, NodePlace]
) -> Iterator[tuple[Listener, Door]]:
    internal = Door(service.internal_policy)
    external = Door(service.external_policy, external=True)
    for address in service.cluster_ips:
        if site.binds(address):
            yield Listener(Network.CLUSTER, address, port.port, port.protocol), internal
        mirror = site.mirror(address)
        if mirror is not None:
            yield Listener(Network.HOST, mirror, port.port, port.protocol), internal
    balanced = service.load_balancer_ips if service.type is ServiceType.LOAD_BALANCER else ()
    for address in (*service.external_ips, *balanced):
        if site.binds(address):
            yield Listener(Network.CLUSTER, address, port.port, port.protocol), external
    if port.node_port is not None and service.type in NODE_PORT_TYPES:
        at = {
            address: Place(name, node.zone)
            for name, node in nodes.items()
            for address in node.addresses
        }
        for network, address in site.node_port_places:
            door = external._replace(place=at.get(address, external.place))
            yield Listener(network, address, port.node_port, port.protocol), door
