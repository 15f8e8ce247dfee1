import socket
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.fabric import cluster
from netemu.fabric.namespaces import Mount, mount, private_mounts
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from tests.support.forked import in_bare_network, needs_root

RANGES = addressing(NetMode.ROOT, NetworkSettings(), 2, 77)


def test_the_pool_is_its_own_range_only_where_it_lies_outside_the_nodes() -> None:
    assert cluster.own_ranges(RANGES) == [RANGES.services, RANGES.nodes]
    pool = (IPv4Address("192.168.9.4"), IPv4Address("192.168.9.6"))
    elsewhere = addressing(NetMode.ROOT, NetworkSettings(load_balancers=pool), 2, 77)
    assert cluster.own_ranges(elsewhere)[2:] == [
        IPv4Network("192.168.9.4/31"),
        IPv4Network("192.168.9.6/32"),
    ]


ADDRESSES = ["10.96.0.1", "10.111.255.254", "172.30.0.11", "172.30.0.250", "127.0.0.1"]


@needs_root
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_virtual_address_can_be_bound(address: str) -> None:
    def inside() -> str:
        cluster.set_up(Netlink(), RANGES)
        with socket.create_server((address, 0)) as server:
            name: str = server.getsockname()[0]
        return name

    assert in_bare_network(inside) == address


@needs_root
def test_it_routes_and_lets_everybody_ping() -> None:
    def inside() -> str:
        cluster.set_up(Netlink(), RANGES)
        names = ("ip_forward", "conf/all/rp_filter", "ping_group_range")
        return " ".join(Path("/proc/sys/net/ipv4", name).read_text() for name in names)

    assert in_bare_network(inside).split() == ["1", "0", "0", "2147483647"]


@needs_root
def test_where_parameters_are_read_only_a_proc_of_our_own_helps() -> None:
    def inside() -> str:
        private_mounts()
        mount("/proc/sys", "/proc/sys", flags=Mount.BIND)
        mount("none", "/proc/sys", flags=Mount.BIND | 32 | 1)  # MS_REMOUNT, MS_RDONLY
        with pytest.raises(OSError, match="Read-only"):
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        cluster.set_up(Netlink(), RANGES)
        return Path("/proc/sys/net/ipv4/ip_forward").read_text()

    assert in_bare_network(inside) == "1\n"


BOTH = addressing(NetMode.ROOT, NetworkSettings(ip_families=(IpFamily.IPV6, IpFamily.IPV4)), 2, 77)
OF_BOTH = ["fd00:10:96::1", "fd00:10:96::ffff", "fd00:172:30::b", "::1", "10.96.0.1"]


@needs_root
@pytest.mark.parametrize("address", OF_BOTH)
def test_of_both_families_every_virtual_address_can_be_bound(address: str) -> None:
    def inside() -> str:
        cluster.set_up(Netlink(), BOTH)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with (
            socket.create_server((address, 0), family=family) as server,
            socket.create_connection(server.getsockname()[:2], 5) as client,
        ):
            name: str = client.getpeername()[0]
        return name

    assert in_bare_network(inside) == address


@needs_root
def test_ipv6_is_left_alone_where_it_is_not_asked_for() -> None:
    def inside() -> tuple[str, str]:
        names = [Path("/proc/sys/net/ipv6/conf/all", n) for n in ("forwarding", "accept_dad")]
        before = "".join(name.read_text() for name in names)
        cluster.set_up(Netlink(), RANGES)
        return before, "".join(name.read_text() for name in names)

    before, after = in_bare_network(inside)
    assert before == after
