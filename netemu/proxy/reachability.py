"""What clients outside reach: rules for two emulated networks, the VPC and the internet.

A cluster's own addresses mean nothing outside. The VPC is the network nodes stand in: it reaches
them, and balancers, internal ones too. The internet reaches public balancers only. Where pods have
addresses of the VPC itself (`network.vpcNative`), it reaches them too. What can't be reached is
unreachable, at once, so that a test need not wait for a time-out.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from netemu.model import nft
from netemu.model.addressing import IpNetwork, family_of
from netemu.model.nft import IPV4, Element, Find, Go, Kind, Read, Stack, Verdict
from netemu.model.service import Service, ServiceType
from netemu.model.snapshot import EMPTY, Snapshot, changed_services
from netemu.proxy.catchall import GOES_ON
from netemu.proxy.members import Members


class Range(StrEnum):
    """A network outside the cluster."""

    VPC = "vpc"
    INTERNET = "internet"


NETWORKS: Final[Mapping[int, Mapping[Range, IpNetwork]]] = {
    4: {
        Range.VPC: IPv4Network("198.18.0.0/24"),
        Range.INTERNET: IPv4Network("198.19.0.0/24"),
    },
    6: {
        Range.VPC: IPv6Network("2001:2:0:18::/64"),
        Range.INTERNET: IPv6Network("2001:2:0:19::/64"),
    },
}
"""Their addresses by IP version: of ranges that are kept for test networks (RFC 2544, RFC 5180)."""

RAW: Final = -300
"""Before anything is translated or redirected (netfilter's NF_IP_PRI_RAW)."""


def client(where: Range, version: int = 4) -> str:
    """The address of who stands there."""
    return str(NETWORKS[version][where][2])


def rules(pods: IpNetwork, *, vpc_native: bool, stack: Stack = IPV4) -> Iterator[nft.Command]:
    """The chains, with sets that `Outside` fills."""
    address = (stack.address,)
    yield nft.AddSet("public", address)
    yield nft.AddSet("internal", address)
    yield nft.AddSet("node-addresses", address)
    yield nft.AddSet("vpc-pods", address, ranges=True)
    if vpc_native:
        yield nft.AddElements("vpc-pods", [_element(pods)])
    yield nft.AddSet("outside", address, (Kind.VERDICT,), ranges=True)
    reached = {
        Range.VPC: ("public", "internal", "node-addresses", "vpc-pods"),
        Range.INTERNET: ("public",),
    }
    for where, sets in reached.items():
        name = f"from-{where}"
        yield nft.AddChain(name)
        yield nft.AddRule(name, (*GOES_ON, Go(Verdict.ACCEPT)))  # answers to who asked from inside
        for each in sets:
            yield nft.AddRule(name, (Read(stack.destination), Find(each, 0), Go(Verdict.ACCEPT)))
        yield nft.AddRule(name, (nft.Refuse(reset=False, host=True, version=stack.version),))
        element = _element(NETWORKS[stack.version][where])
        yield nft.AddElements("outside", [element._replace(data=Go(Verdict.GOTO, name))])
    yield nft.AddChain("outside-in", nft.Hook("filter", "prerouting", RAW))
    yield nft.AddRule("outside-in", (Read(stack.source), Find("outside", 0, decides=True)))


def _element(network: IpNetwork) -> Element:
    return Element(network.network_address.packed, last=network.broadcast_address.packed)


class Outside:
    """Keeps the sets true, in one address family."""

    def __init__(
        self, kernel: nft.Rules, pods: IpNetwork, *, vpc_native: bool, stack: Stack = IPV4
    ) -> None:
        """Raises OSError."""
        self._rules = kernel
        self._stack = stack
        self._family = f"IPv{stack.version}"
        self._rules.apply(rules(pods, vpc_native=vpc_native, stack=stack))
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
            "node-addresses": {node.of(self._family) for node in snapshot.nodes.values()} - {""},
        }
        for entry in snapshot.services.values():
            kind, addresses = _offered(entry.service)
            wanted[kind].update(each for each in addresses if family_of(each) == self._family)
        for name, members in self._sets.items():
            members.clear()
            for address in wanted[name]:
                members.want(self._stack.packed(address), True)
        self._rules.apply([each for name in self._sets for each in self._sets[name].changes()])


def _offered(service: Service) -> tuple[str, tuple[str, ...]]:
    """What a Service shows outside, and to whom."""
    balanced = service.type is ServiceType.LOAD_BALANCER
    addresses = (*service.external_ips, *(service.load_balancer_ips if balanced else ()))
    return (
        "internal" if service.internal_balancer else "public",
        addresses,
    )
