"""The rules that cut a node off."""

import socket
from ipaddress import ip_network

import pytest

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.fabric import cluster, cut
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from netemu.model.addressing import IpNetwork
from tests.support.forked import in_bare_network, needs_root

PODS, NODE = ip_network("10.244.1.0/24"), "172.30.0.12"
BOTH = {
    "IPv4": (PODS, NODE, "172.30.0.11"),
    "IPv6": (ip_network("fd00:10:244:1::/64"), "fd00:172:30::c", "fd00:172:30::b"),
}
"""By family: a node's pods, its own address, that of another."""
REFUSED, SILENT, THERE = "refused", "silent", "there"


def test_what_stays_on_the_node_passes_first() -> None:
    inner, home, own, *silent = cut.rules(PODS, NODE)
    assert (inner.source, inner.destination) == (PODS, PODS)
    assert (home.source, home.destination) == (PODS, ip_network(NODE))
    assert (own.destination, own.service) == (PODS, cut.OWN_NODE)
    assert {rule.table for rule in silent} == {cut.SILENT_TABLE}
    priorities = [rule.priority for rule in cut.rules(PODS, NODE)]
    assert priorities == sorted(priorities)


def set_up() -> Netlink:
    links = Netlink()
    both = NetworkSettings(ip_families=(IpFamily.IPV4, IpFamily.IPV6))
    cluster.set_up(links, addressing(NetMode.ROOT, both, 2, 77))
    return links


def _starts_at(pods: IpNetwork, service: int = 0) -> str:
    """The address from which a pod would be called: each route has its own."""
    six = pods.version == 6
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        if six:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, service)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, service)
        sock.connect((str(pods[9]), 9))
        address: str = sock.getsockname()[0]
        return address


def _calling(node: str, port: int) -> str:
    try:
        socket.create_connection((node, port), timeout=0.2).close()
    except ConnectionRefusedError:
        return REFUSED
    except TimeoutError:
        return SILENT
    return THERE


@needs_root
@pytest.mark.parametrize("family", BOTH)
def test_cut_and_healed_as_often_as_one_likes(family: str) -> None:
    pods, node, other = BOTH[family]

    def inside() -> list[object]:
        links = set_up()
        if family == "IPv6":
            links.add_address(cluster.LOOPBACK, other, 128)
        links.add_route(pods, cluster.LOOPBACK, source=other)
        seen: list[object] = [_starts_at(pods)]
        for _ in range(2):
            cut.cut(links, pods, node)
            seen += [_starts_at(pods), _starts_at(pods, cut.OWN_NODE)]
        for _ in range(2):
            cut.heal(links, pods, node)
            seen.append(_starts_at(pods))
        return seen

    assert in_bare_network(inside) == [other, node, other, node, other, other, other]


@needs_root
@pytest.mark.parametrize("family", BOTH)
def test_nobody_answers_at_the_nodes_own_address_nor_refuses(family: str) -> None:
    pods, node, _ = BOTH[family]

    def inside() -> list[str]:
        links = set_up()
        kind = socket.AF_INET6 if family == "IPv6" else socket.AF_INET
        with socket.create_server((node, 0), family=kind) as server:
            port: int = server.getsockname()[1]
            seen = [_calling(node, port), _calling(node, 1)]
            cut.cut(links, pods, node)
            seen += [_calling(node, port), _calling(node, 1)]
            cut.heal(links, pods, node)
            return [*seen, _calling(node, port), _calling(node, 1)]

    assert in_bare_network(inside) == [THERE, REFUSED, SILENT, SILENT, THERE, REFUSED]
