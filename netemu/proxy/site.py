"""Where Services may listen: sockets as values, and the addresses that this cluster has."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_address
from typing import Final, NamedTuple

from netemu.model.addressing import Addressing, IpAddress, family_of
from netemu.model.meta import Key
from netemu.model.service import Protocol, Service

LOOPBACK: Final = "127.0.0.1"
"""Answers node ports too, as kube-proxy's default mode has it (route_localnet)."""


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
    family: str = "IPv4"
    """Of the endpoints: each address family has its own."""


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
        nodes = (
            ranges.node(number)
            for ranges in self.addressing.families
            for number in range(1, self.nodes + 1)
        )
        heard = (address for address in nodes if address not in self.silent)
        inside = tuple((Network.CLUSTER, address) for address in (*heard, LOOPBACK))
        return inside if self.loopback else (*inside, (Network.HOST, LOOPBACK))

    def binds(self, address: str) -> bool:
        """Whether it can be listened at the address: in a namespace of its own, at any but a pod's;
        else any other than this instance's would be one of the machine's real addresses, or none.
        """
        ranges = self._by_family.get(family_of(address))
        if ranges is None:
            return False
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        return self.owns(ip) if self.loopback else ip not in ranges.pods

    def owns(self, ip: IpAddress) -> bool:
        """Whether the address lies in a range of this instance's own."""
        ranges = self._by_family.get(f"IPv{ip.version}")
        if ranges is None:
            return False
        first, last = map(int, ranges.load_balancers)
        return ip in ranges.services or ip in ranges.nodes or first <= int(ip) <= last

    def mirror(self, address: str) -> str | None:
        """Where the host reaches a virtual IP, when it can't reach the address itself."""
        if self.loopback or not self._mirrors:
            return None
        return self.addressing.mirror(address)

    def serves(self, service: Service) -> tuple[str, ...]:
        """The address families of a Service that the cluster has."""
        families, known = service.families, self._by_family
        if len(families) == 1:
            return families if families[0] in known else ()
        return tuple(each for each in families if each in known)

    @cached_property
    def _by_family(self) -> dict[str, Addressing]:
        return {ranges.family: ranges for ranges in self.addressing.families}

    @cached_property
    def _mirrors(self) -> bool:
        ranges = self.addressing.of("IPv4")
        return ranges is not None and ranges.mirrored
