"""What clients outside reach: rules for two emulated networks, the VPC and the internet.

A cluster's own addresses mean nothing outside. The VPC is the network nodes stand in: it reaches
them, and balancers, internal ones too. The internet reaches public balancers only. Where pods have
addresses of the VPC itself (`network.vpcNative`), it reaches them too. What can't be reached is
unreachable, at once, so that a test need not wait for a time-out.
"""

import socket
from collections.abc import Iterator
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Final

from netemu.model import nft
from netemu.model.addressing import IpNetwork
from netemu.model.nft import Element, Find, Go, Kind, Load, Read, Verdict
from netemu.model.service import Service, ServiceType
from netemu.model.snapshot import EMPTY, Snapshot, changed_services
from netemu.proxy.kernelrules import GOES_ON
from netemu.proxy.members import Members


class Range(StrEnum):
    """A network outside the cluster."""

    VPC = "vpc"
    INTERNET = "internet"


NETWORKS: Final = {
    Range.VPC: IPv4Network("198.18.0.0/24"),
    Range.INTERNET: IPv4Network("198.19.0.0/24"),
}
"""Their addresses: of a range that is kept for test networks (RFC 2544)."""

RAW: Final = -300
"""Before anything is translated or redirected (netfilter's NF_IP_PRI_RAW)."""

_ADDRESS = (Kind.ADDRESS,)


def client(where: Range) -> str:
    """The address of who stands there."""
    return str(NETWORKS[where][2])


def rules(pods: IpNetwork, *, vpc_native: bool) -> Iterator[nft.Command]:
    """The chains, with sets that `Outside` fills."""
    yield nft.AddSet("public", _ADDRESS)
    yield nft.AddSet("internal", _ADDRESS)
    yield nft.AddSet("node-addresses", _ADDRESS)
    yield nft.AddSet("vpc-pods", _ADDRESS, ranges=True)
    if vpc_native:
        yield nft.AddElements("vpc-pods", [_element(pods)])
    yield nft.AddSet("outside", _ADDRESS, (Kind.VERDICT,), ranges=True)
    reached = {
        Range.VPC: ("public", "internal", "node-addresses", "vpc-pods"),
        Range.INTERNET: ("public",),
    }
    for where, sets in reached.items():
        name = f"from-{where}"
        yield nft.AddChain(name)
        yield nft.AddRule(name, (*GOES_ON, Go(Verdict.ACCEPT)))  # answers to who asked from inside
        for each in sets:
            yield nft.AddRule(name, (Read(Load.DESTINATION), Find(each, 0), Go(Verdict.ACCEPT)))
        yield nft.AddRule(name, (nft.Refuse(reset=False, host=True),))
        element = _element(NETWORKS[where])
        yield nft.AddElements("outside", [element._replace(data=Go(Verdict.GOTO, name))])
    yield nft.AddChain("outside-in", nft.Hook("filter", "prerouting", RAW))
    yield nft.AddRule("outside-in", (Read(Load.SOURCE), Find("outside", 0, decides=True)))


def _element(network: IpNetwork) -> Element:
    return Element(network.network_address.packed, last=network.broadcast_address.packed)


class Outside:
    """Keeps the sets true."""

    def __init__(self, kernel: nft.Rules, pods: IpNetwork, *, vpc_native: bool) -> None:
        """Raises OSError."""
        self._rules = kernel
        self._rules.apply(rules(pods, vpc_native=vpc_native))
        self._sets = {name: Members(name) for name in ("public", "internal", "node-addresses")}
        self._seen = EMPTY

    def follow(self, snapshot: Snapshot) -> None:
        """Make them what `snapshot` says. Raises OSError."""
        before, self._seen = self._seen, snapshot
        if before.nodes == snapshot.nodes and not changed_services(before, snapshot):
            return
        wanted: dict[str, set[str]] = {
            "public": set(),
            "internal": set(),
            "node-addresses": {node.of("IPv4") for node in snapshot.nodes.values()} - {""},
        }
        for entry in snapshot.services.values():
            kind, addresses = _offered(entry.service)
            wanted[kind].update(addresses)
        for name, members in self._sets.items():
            members.clear()
            for address in wanted[name]:
                members.want(socket.inet_aton(address), True)
        self._rules.apply([each for name in self._sets for each in self._sets[name].changes()])


def _offered(service: Service) -> tuple[str, tuple[str, ...]]:
    """What a Service shows outside, and to whom."""
    balanced = service.type is ServiceType.LOAD_BALANCER
    addresses = (*service.external_ips, *(service.load_balancer_ips if balanced else ()))
    return (
        "internal" if service.internal_balancer else "public",
        tuple(address for address in addresses if ":" not in address),
    )
