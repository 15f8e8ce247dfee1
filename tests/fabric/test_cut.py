"""The rules that cut a node off."""

import socket
from ipaddress import IPv4Network, ip_network

import pytest

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.fabric import cluster, cut
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from netemu.model.addressing import IpNetwork
from tests.support.forked import in_bare_network, needs_root

PODS = IPv4Network("10.244.1.0/24")


def test_what_stays_on_the_node_passes_first() -> None:
    first, own, *drops = cut.rules(PODS)
    assert (first.source, first.destination, first.drop) == (PODS, PODS, False)
    assert (own.destination, own.service, own.drop) == (PODS, cut.OWN_NODE, False)
    assert all(rule.drop for rule in drops)
    priorities = [rule.priority for rule in cut.rules(PODS)]
    assert priorities == sorted(priorities)


def _leads_anywhere(pods: IpNetwork, service: int = 0) -> bool:
    six = pods.version == 6
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        if six:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, service)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, service)
        try:
            sock.connect((str(pods[9]), 9))
        except OSError:
            return False
        return True


@needs_root
@pytest.mark.parametrize("pods", [PODS, ip_network("fd00:10:244:1::/64")], ids=str)
def test_cut_and_healed_as_often_as_one_likes(pods: IpNetwork) -> None:
    def inside() -> list[bool]:
        links = Netlink()
        both = NetworkSettings(ip_families=(IpFamily.IPV4, IpFamily.IPV6))
        cluster.set_up(links, addressing(NetMode.ROOT, both, 2, 77))
        links.add_route(pods, cluster.LOOPBACK)
        seen = [_leads_anywhere(pods)]
        for _ in range(2):
            cut.cut(links, pods)
            seen += [_leads_anywhere(pods), _leads_anywhere(pods, cut.OWN_NODE)]
        for _ in range(2):
            cut.heal(links, pods)
            seen.append(_leads_anywhere(pods))
        return seen

    assert in_bare_network(inside) == [True, False, True, False, True, True, True]
