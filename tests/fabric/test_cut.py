"""The rules that cut a node off."""

import socket
from ipaddress import IPv4Network

from netemu.config.settings import NetMode, NetworkSettings
from netemu.fabric import cluster, cut
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from tests.support.forked import in_bare_network, needs_root

PODS, NODE = IPv4Network("10.244.1.0/24"), "172.30.0.12"
REFUSED, SILENT, THERE = "refused", "silent", "there"


def test_what_stays_on_the_node_passes_first() -> None:
    inner, home, own, *silent = cut.rules(PODS, NODE)
    assert (inner.source, inner.destination) == (PODS, PODS)
    assert (home.source, home.destination) == (PODS, IPv4Network(NODE))
    assert (own.destination, own.service) == (PODS, cut.OWN_NODE)
    assert {rule.table for rule in silent} == {cut.SILENT_TABLE}
    priorities = [rule.priority for rule in cut.rules(PODS, NODE)]
    assert priorities == sorted(priorities)


def _starts_at(service: int = 0) -> str:
    """The address from which a pod would be called: each route has its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, service)
        sock.connect(("10.244.1.9", 9))
        address: str = sock.getsockname()[0]
        return address


def _calling(port: int) -> str:
    try:
        socket.create_connection((NODE, port), timeout=0.2).close()
    except ConnectionRefusedError:
        return REFUSED
    except TimeoutError:
        return SILENT
    return THERE


@needs_root
def test_cut_and_healed_as_often_as_one_likes() -> None:
    def inside() -> list[object]:
        links = Netlink()
        cluster.set_up(links, addressing(NetMode.ROOT, NetworkSettings(), 2, 77))
        links.add_route(PODS, cluster.LOOPBACK, source="172.30.0.11")
        seen: list[object] = [_starts_at()]
        for _ in range(2):
            cut.cut(links, PODS, NODE)
            seen += [_starts_at(), _starts_at(cut.OWN_NODE)]
        for _ in range(2):
            cut.heal(links, PODS, NODE)
            seen.append(_starts_at())
        return seen

    there, cut_off = "172.30.0.11", NODE
    assert in_bare_network(inside) == [there, cut_off, there, cut_off, there, there, there]


@needs_root
def test_nobody_answers_at_the_nodes_own_address_nor_refuses() -> None:
    def inside() -> list[str]:
        links = Netlink()
        cluster.set_up(links, addressing(NetMode.ROOT, NetworkSettings(), 2, 77))
        with socket.create_server((NODE, 0)) as server:
            port: int = server.getsockname()[1]
            seen = [_calling(port), _calling(1)]
            cut.cut(links, PODS, NODE)
            seen += [_calling(port), _calling(1)]
            cut.heal(links, PODS, NODE)
            return [*seen, _calling(port), _calling(1)]

    assert in_bare_network(inside) == [THERE, REFUSED, SILENT, SILENT, THERE, REFUSED]
