"""Addresses of others that end in the cluster: as the kernel's tables show them."""

import errno
import socket
from ipaddress import IPv4Network, ip_network

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.fabric import uplink
from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.namespaces import Namespace, handle, unshare
from netemu.fabric.ranges import addressing
from netemu.fabric.reached import Reached
from netemu.fabric.rtnetlink import Netlink
from tests.support import forked
from tests.support.forked import needs_root

RANGES = addressing(NetMode.ROOT, NetworkSettings(), 2, 77)
FOREIGN = IPv4Network("10.64.140.45/32")


def binds(address: str) -> int:
    """The error of listening at an address in this network; 0: none."""
    with socket.socket() as sock:
        try:
            sock.bind((address, 0))
        except OSError as error:
            return error.errno or -1
    return 0


def routed(host: Netlink) -> bool:
    return any(
        route.destination == FOREIGN and route.device == "netemu-77" for route in host.routes()
    )


@needs_root
def test_an_address_ends_here_and_is_routed_here_until_it_is_dropped() -> None:
    def inside() -> list[object]:
        host, namespace = Netlink(), handle("net")
        unshare(Namespace.NET)
        links = Netlink()
        links.up(LOOPBACK)
        uplink.connect(links, host, namespace, RANGES)
        reached = Reached(links, host, 77)
        seen: list[object] = [binds("10.64.140.45")]
        seen += [reached.add(FOREIGN), binds("10.64.140.45"), routed(host)]
        reached.drop(FOREIGN)
        reached.drop(FOREIGN)  # nothing happens
        seen += [binds("10.64.140.45"), routed(host), reached.add(FOREIGN), routed(host)]
        return seen

    unbound = errno.EADDRNOTAVAIL
    expected = [unbound, "", 0, True, unbound, False, "", True]
    assert forked.in_own_network(inside) == expected


@needs_root
def test_a_network_of_the_hosts_is_not_overruled() -> None:
    def inside() -> tuple[str, int, bool]:
        host, namespace = Netlink(), handle("net")
        host.up(LOOPBACK)
        host.add_address(LOOPBACK, "10.64.140.1", 24)
        unshare(Namespace.NET)
        links = Netlink()
        links.up(LOOPBACK)
        uplink.connect(links, host, namespace, RANGES)
        note = Reached(links, host, 77).add(FOREIGN)
        return note, binds("10.64.140.45"), routed(host)

    note, bound, route = forked.in_own_network(inside)
    assert note == "10.64.140.45/32 overlaps the host's route to 10.64.140.0/24 (lo)"
    assert (bound, route) == (0, False)


@needs_root
def test_an_address_of_ipv6_is_reached_by_an_uplink_of_that_family() -> None:
    families = (IpFamily.IPV4, IpFamily.IPV6)
    both = addressing(NetMode.ROOT, NetworkSettings(ip_families=families), 2, 77)
    foreign = ip_network("2001:db8::45/128")

    def inside() -> list[object]:
        host, namespace = Netlink(), handle("net")
        unshare(Namespace.NET)
        links = Netlink()
        links.up(LOOPBACK)
        uplink.connect(links, host, namespace, both)
        seen: list[object] = [Reached(links, host, 77).add(foreign)]
        reached = Reached(links, host, 77, ("IPv4", "IPv6"))
        for change in (reached.add, reached.drop):
            seen.append(change(foreign))
            seen.append(any(r.destination == foreign for r in host.routes(6)))
        return seen

    expected = ["there is no uplink for IPv6", "", True, None, False]
    assert forked.in_own_network(inside) == expected
