"""The rules that cut a node off."""

import socket
from ipaddress import IPv4Network

from netemu.config.settings import NetMode, NetworkSettings
from netemu.fabric import cluster, cut
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from tests.support.forked import in_bare_network, needs_root

PODS = IPv4Network("10.244.1.0/24")


def test_what_stays_on_the_node_passes_first() -> None:
    first, own, *drops = cut.rules(PODS)
    assert (first.source, first.destination, first.drop) == (PODS, PODS, False)
    assert (own.destination, own.service, own.drop) == (PODS, cut.OWN_NODE, False)
    assert all(rule.drop for rule in drops)
    priorities = [rule.priority for rule in cut.rules(PODS)]
    assert priorities == sorted(priorities)


def _leads_anywhere(service: int = 0) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, service)
        try:
            sock.connect(("10.244.1.9", 9))
        except OSError:
            return False
        return True


@needs_root
def test_cut_and_healed_as_often_as_one_likes() -> None:
    def inside() -> list[bool]:
        links = Netlink()
        cluster.set_up(links, addressing(NetMode.ROOT, NetworkSettings(), 2, 77))
        links.add_route(PODS, cluster.LOOPBACK)
        seen = [_leads_anywhere()]
        for _ in range(2):
            cut.cut(links, PODS)
            seen += [_leads_anywhere(), _leads_anywhere(cut.OWN_NODE)]
        for _ in range(2):
            cut.heal(links, PODS)
            seen.append(_leads_anywhere())
        return seen

    assert in_bare_network(inside) == [True, False, True, False, True, True, True]
