"""What decides about an uplink; that it carries traffic is seen in the spawner's tests."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from pathlib import Path

import pytest

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.fabric import cluster, uplink
from netemu.fabric.namespaces import Namespace, handle, unshare
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink, Route, VethEnd
from netemu.fabric.uplink import UplinkRefused
from tests.support import forked
from tests.support.forked import needs_root

RANGES = addressing(NetMode.ROOT, NetworkSettings(), 2, 77)


@dataclass(frozen=True)
class Case:
    name: str
    route: str
    refused: bool
    device: str = "eth0"


CASES = [
    Case("the default route", "0.0.0.0/0", refused=False),
    Case("a VPN's halves of everything", "0.0.0.0/1", refused=False),
    Case("the host's own network", "192.0.2.0/24", refused=False),
    Case("the same range", "10.96.0.0/12", refused=True),
    Case("a part of it", "10.96.3.0/24", refused=True),
    Case("one address of it", "10.96.3.4/32", refused=True),
    Case("a range around it", "10.0.0.0/8", refused=True),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_route_that_overlaps_refuses(case: Case) -> None:
    route = Route(IPv4Network(case.route), case.device)
    reason = uplink.conflict([IPv4Network("10.96.0.0/12")], [route])
    expected = f"10.96.0.0/12 overlaps the host's route to {case.route} (eth0)"
    assert reason == (expected if case.refused else None)


def test_instances_have_links_of_their_own_away_from_the_clouds_addresses() -> None:
    links = {uplink.link_network(block) for block in range(64, 255)}
    assert len(links) == 191
    used = [IPv4Network(f"169.254.169.{last}") for last in (123, 249, 253, 254)]
    assert not any(link.overlaps(address) for link in links for address in used)


@needs_root
def test_a_killed_instances_device_makes_way() -> None:
    def inside() -> tuple[set[str], list[str]]:
        host, namespace = Netlink(), handle("net")
        host.add_veth(VethEnd(name=uplink.host_end(77)), VethEnd(name="old"))
        unshare(Namespace.NET)
        links = Netlink()
        uplink.connect(links, host, namespace, RANGES)
        routes = {str(route.destination) for route in host.routes() if route.device == "netemu-77"}
        uplink.disconnect(links)
        uplink.disconnect(links)  # nothing happens
        return routes, [name for _, name in socket.if_nameindex()]

    routes, devices = forked.in_own_network(inside)
    assert {"10.244.0.0/16", "10.96.0.0/12", "172.30.0.0/24"} <= routes
    assert devices == ["lo"]


@needs_root
def test_without_rights_over_the_host_there_is_none() -> None:
    def inside() -> str:
        host, namespace = Netlink(), handle("net")
        forked.become_nobody()
        with pytest.raises(UplinkRefused) as refusal:
            uplink.connect(host, host, namespace, RANGES)
        return str(refusal.value)

    expected = "the host's network can't be changed: Operation not permitted"
    assert forked.in_own_network(inside) == expected


FAMILIES = (IpFamily.IPV4, IpFamily.IPV6)
BOTH = addressing(NetMode.ROOT, NetworkSettings(ip_families=FAMILIES), 2, 77)


def connected(prepare: Callable[[Netlink], object]) -> tuple[dict[str, str], set[str]]:
    """What an uplink of two families lacks, and where IPv6 routes of the host lead."""

    def inside() -> tuple[dict[str, str], set[str]]:
        host, namespace = Netlink(), handle("net")
        prepare(host)
        unshare(Namespace.NET)
        cluster.allow_ipv6()
        refused = uplink.connect(Netlink(), host, namespace, BOTH)
        routes = (route for route in host.routes(6) if route.device == "netemu-77")
        return refused, {str(route.destination) for route in routes}

    return forked.in_own_network(inside)


@needs_root
def test_with_dual_stack_the_host_reaches_both_families() -> None:
    refused, routes = connected(lambda _: None)
    assert refused == {}
    assert {"fd00:10:96::/112", "fd00:10:244::/56", "fd00:172:30::/64"} <= routes


@needs_root
def test_a_family_whose_routes_the_host_has_goes_without() -> None:
    refused, routes = connected(
        lambda host: host.add_route(ip_network("fd00:10:96::/64"), cluster.LOOPBACK)
    )
    assert refused == {"IPv6": "fd00:10:96::/112 overlaps the host's route to fd00:10:96::/64 (lo)"}
    assert "fd00:10:96::/112" not in routes


@needs_root
def test_with_ipv6_alone_and_switched_off_on_the_host_there_is_none() -> None:
    alone = addressing(NetMode.ROOT, NetworkSettings(ip_families=(IpFamily.IPV6,)), 2, 77)

    def inside() -> tuple[str, list[str]]:
        Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1")
        host, namespace = Netlink(), handle("net")
        unshare(Namespace.NET)
        cluster.allow_ipv6()
        with pytest.raises(UplinkRefused) as refusal:
            uplink.connect(Netlink(), host, namespace, alone)
        return str(refusal.value), [name for _, name in socket.if_nameindex()]

    assert forked.in_own_network(inside) == ("the host has IPv6 switched off", ["lo"])


@needs_root
def test_a_host_with_ipv6_switched_off_still_has_the_other() -> None:
    switch = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
    refused, routes = connected(lambda _: switch.write_text("1"))
    assert refused == {"IPv6": "the host has IPv6 switched off"}
    assert routes == set()
