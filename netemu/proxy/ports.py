"""Which sockets the Services ask for: a pure function of the snapshot and the addresses.

A Service port without a usable endpoint asks for none: its address is closed, so clients are
refused as kube-proxy's REJECT rules would refuse them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Address
from typing import Final, NamedTuple

from netemu.model.addressing import Addressing
from netemu.model.meta import Key
from netemu.model.service import Protocol, Service, ServicePort, ServiceType
from netemu.model.snapshot import ServiceEntry, Snapshot
from netemu.proxy.choose import Address, usable

LOOPBACK: Final = "127.0.0.1"
"""Answers node ports too, as kube-proxy's default mode has it (route_localnet)."""

RELAYED: Final = frozenset({Protocol.TCP})
"""Transports there is a relay for."""

NODE_PORT_TYPES: Final = frozenset({ServiceType.NODE_PORT, ServiceType.LOAD_BALANCER})


class Network(StrEnum):
    """On which side of the fabric a socket listens."""

    CLUSTER = "cluster"
    HOST = "host"


class Listener(NamedTuple):
    """A socket that should listen."""

    network: Network
    address: str
    port: int
    protocol: Protocol


class Backend(NamedTuple):
    """The Service port behind a listener (kube-proxy's ServicePortName)."""

    service: Key
    port: str
    protocol: Protocol


@dataclass(frozen=True)
class Site:
    """Where a Service may listen; replaced whole when nodes come and go."""

    addressing: Addressing
    nodes: int
    """How many nodes there are."""
    loopback: bool
    """The cluster's network is the host's own loopback: there is no other side."""
    silent: frozenset[str] = frozenset()
    """Addresses of nodes that are stopped: nobody answers there."""

    @cached_property
    def node_port_places(self) -> tuple[tuple[Network, str], ...]:
        """Every address at which a node port answers."""
        nodes = (self.addressing.node(number) for number in range(1, self.nodes + 1))
        heard = (address for address in nodes if address not in self.silent)
        inside = tuple((Network.CLUSTER, address) for address in (*heard, LOOPBACK))
        return inside if self.loopback else (*inside, (Network.HOST, LOOPBACK))

    def binds(self, address: str) -> bool:
        """Whether the address lies in a range of this instance's own.

        Any other would be one of the machine's real addresses or none at all.
        """
        try:
            ip = IPv4Address(address)
        except ValueError:
            return False
        first, last = self.addressing.load_balancers
        return ip in self.addressing.services or ip in self.addressing.nodes or first <= ip <= last

    def mirror(self, address: str) -> str | None:
        """Where the host reaches a virtual IP, when it can't reach the address itself."""
        if self.loopback or not self.addressing.mirrored:
            return None
        return self.addressing.mirror(address)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one Service asks for."""

    listeners: Mapping[Listener, Backend]
    endpoints: Mapping[Backend, tuple[Address, ...]]
    """Of every port that is relayed; empty while nothing can serve it."""


NOTHING: Final = Plan({}, {})


def plan(entry: ServiceEntry, site: Site) -> Plan:
    """The listeners of one Service and the endpoints behind them."""
    service = entry.service
    if service.headless or service.type is ServiceType.EXTERNAL_NAME or not service.proxied:
        return NOTHING
    listeners: dict[Listener, Backend] = {}
    endpoints: dict[Backend, tuple[Address, ...]] = {}
    for port in service.ports:
        if port.protocol not in RELAYED:
            continue
        backend = Backend(service.key, port.name, port.protocol)
        endpoints[backend] = usable(entry.slices, port.name, port.protocol)
        if endpoints[backend]:
            for listener in _listeners(service, port, site):
                listeners.setdefault(listener, backend)
    return Plan(listeners, endpoints)


def _listeners(service: Service, port: ServicePort, site: Site) -> Iterator[Listener]:
    for address in (*service.cluster_ips, *service.external_ips, *service.load_balancer_ips):
        if site.binds(address):
            yield Listener(Network.CLUSTER, address, port.port, port.protocol)
    for address in service.cluster_ips:
        mirror = site.mirror(address)
        if mirror is not None:
            yield Listener(Network.HOST, mirror, port.port, port.protocol)
    if port.node_port is not None and service.type in NODE_PORT_TYPES:
        for network, address in site.node_port_places:
            yield Listener(network, address, port.node_port, port.protocol)


def wanted(
    snapshot: Snapshot, addressing: Addressing, nodes: int, loopback: bool
) -> Mapping[Listener, Backend]:
    """Every listener the snapshot asks for.

    When several Services claim one (they share an external IP and a port, say), it goes to the
    first by namespace and name.
    """
    site = Site(addressing, nodes, loopback)
    listeners: dict[Listener, Backend] = {}
    for key in sorted(snapshot.services):
        for listener, backend in plan(snapshot.services[key], site).listeners.items():
            listeners.setdefault(listener, backend)
    return listeners
