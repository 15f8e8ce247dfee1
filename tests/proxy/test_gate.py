"""Who may knock: rules by themselves, and as the kernel keeps them on real sockets."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, ip_network

import pytest

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.fabric import cluster
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from netemu.model.service import NodePlace, TrafficPolicy
from netemu.proxy.gate import OPEN, Gate, gate_of, gate_of_ranges, guard, unguard
from netemu.proxy.policy import Door, Place, Reach
from tests.support.forked import in_bare_network, needs_root

NODES = (
    NodePlace(name="node-a", address="172.30.0.11", pod_ranges=("10.244.0.0/24",)),
    NodePlace(name="node-b", address="172.30.0.12", pod_ranges=("10.244.1.0/24", "fd00::/64")),
)
ON_A = (("10.244.0.2", 80),)
REACH = Reach(ON_A, {"node-a": ON_A})
LOCAL = Door(TrafficPolicy.LOCAL)
OUTSIDE = "192.0.2.7"


@pytest.mark.parametrize(
    ("door", "address", "passes"),
    [
        (Door(), "10.244.1.5", True),
        (LOCAL, "10.244.0.5", True),
        (LOCAL, "10.244.1.5", False),
        (LOCAL, "172.30.0.12", False),
        (LOCAL, OUTSIDE, True),
        (Door(TrafficPolicy.LOCAL, True, Place("node-a")), OUTSIDE, True),
        (Door(TrafficPolicy.LOCAL, True, Place("node-b")), OUTSIDE, False),
        (Door(TrafficPolicy.LOCAL, True, Place("node-b")), "10.244.0.5", False),
        (Door(TrafficPolicy.LOCAL, True, Place("node-b")), "10.244.1.5", True),
        (Door(TrafficPolicy.LOCAL, True, Place("node-b")), "172.30.0.12", True),
        (Door(TrafficPolicy.LOCAL, True), OUTSIDE, True),
    ],
)
def test_a_local_policy_keeps_out_those_without_an_endpoint(
    door: Door, address: str, passes: bool
) -> None:
    assert gate_of(door, REACH, NODES).allows(address) is passes


@pytest.mark.parametrize(
    ("ranges", "address", "passes"),
    [
        ((), OUTSIDE, True),
        (("192.0.2.0/24",), OUTSIDE, True),
        (("10.0.0.0/8",), OUTSIDE, False),
        (("10.244.0.5/32",), "10.244.0.6", False),
        (("not a network", "10.0.0.0/8"), "10.244.0.6", True),
        (("fd00::/8",), OUTSIDE, False),
        (("10.0.0.0/8",), "172.30.0.240", False),
        (("172.30.0.0/28",), "172.30.0.240", True),
    ],
)
def test_source_ranges_guard_a_balancers_address(
    ranges: tuple[str, ...], address: str, passes: bool
) -> None:
    assert gate_of_ranges(ranges, "172.30.0.240", NODES).allows(address) is passes


GATE = Gate(((IPv4Network("127.1.0.0/16"), True), (IPv4Network("127.2.0.3/32"), True)), False)
REST = Gate(((IPv4Network("127.1.0.0/16"), False),))


def knock(
    source: str, address: tuple[str, int], family: socket.AddressFamily = socket.AF_INET
) -> int:
    with socket.socket(family) as client:
        client.settimeout(0.15)
        client.bind((source, 0))
        try:
            client.connect(address)
        except TimeoutError:
            return errno.ETIMEDOUT
        except OSError as error:
            return error.errno or -1
        return 0


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.mark.parametrize("gate", [GATE, REST, OPEN], ids=["only", "all but", "open"])
@pytest.mark.parametrize("source", ["127.1.7.7", "127.2.0.3", "127.2.0.4"])
def test_the_kernel_drops_what_the_gate_does_not_allow(gate: Gate, source: str) -> None:
    with listening() as sock:
        guard(sock, gate)
        expected = 0 if gate.allows(source) else errno.ETIMEDOUT
        assert knock(source, sock.getsockname()) == expected


def test_a_gate_can_be_opened_again() -> None:
    with listening() as sock:
        guard(sock, GATE)
        unguard(sock)
        assert knock("127.9.9.9", sock.getsockname()) == 0


def test_a_connection_outlives_a_gate_that_closes_behind_it() -> None:
    with listening() as sock, socket.create_connection(sock.getsockname()) as client:
        accepted, _ = sock.accept()
        guard(sock, GATE)
        client.sendall(b"still here")
        accepted.settimeout(5)
        assert accepted.recv(100) == b"still here"
        accepted.close()


def test_many_nodes_fit_into_a_filter() -> None:
    rules = tuple((IPv4Network((n << 8, 24)), False) for n in range(400))
    with listening() as sock:
        guard(sock, Gate(rules))
        assert knock("127.0.0.1", sock.getsockname()) == 0


NODES6 = (
    NodePlace(
        name="node-a",
        address="172.30.0.11",
        secondary="fd00:172:30::b",
        pod_ranges=("10.244.0.0/24", "fd00:10:244::/64"),
    ),
    NodePlace(
        name="node-b",
        address="fd00:172:30::c",
        secondary="172.30.0.12",
        pod_ranges=("fd00:10:244:1::/64", "10.244.1.0/24"),
    ),
)


@pytest.mark.parametrize(
    ("address", "passes"),
    [
        ("fd00:10:244::5", True),
        ("fd00:10:244:1::5", False),
        ("fd00:172:30::b", True),
        ("fd00:172:30::c", False),
        ("2001:db8::1", True),
    ],
)
def test_of_a_node_only_the_networks_of_the_listeners_family_count(
    address: str, passes: bool
) -> None:
    gate = gate_of(LOCAL, REACH, NODES6, "IPv6")
    assert gate.allows(address) is passes
    assert {network.version for network, _ in gate.rules} == {6}
    assert {network.version for network, _ in gate_of(LOCAL, REACH, NODES6).rules} == {4}


@pytest.mark.parametrize(
    ("ranges", "address", "passes"),
    [
        (("2001:db8::/32",), "2001:db8::7", True),
        (("2001:db8::/32",), "fd00::1", False),
        (("10.0.0.0/8",), "2001:db8::7", False),
        (("fd00:172:30::/120",), "fd00:172:30::f0", True),
    ],
)
def test_source_ranges_of_ipv6(ranges: tuple[str, ...], address: str, passes: bool) -> None:
    assert gate_of_ranges(ranges, "fd00:172:30::f0", NODES6).allows(address) is passes


WHOLE, SHORT, LONG = "fd00:1:2:3:4:5:6:7/128", "fd00:1::/40", "fd00:1:2:3:400::/72"
GATES6 = [
    Gate(tuple((ip_network(text), True) for text in texts), otherwise=False)
    for texts in ((WHOLE,), (SHORT,), (LONG,), (WHOLE, "fd00:9::/64"), ("::/0",), ())
]


@needs_root
@pytest.mark.parametrize("gate", GATES6, ids=str)
def test_the_kernel_drops_what_a_gate_of_ipv6_does_not_allow(gate: Gate) -> None:
    sources = [
        "fd00:1:2:3:4:5:6:7",
        "fd00:1:2:3:4:5:6:8",
        "fd00:1:2:3:4ff::",
        "fd00:1:ff::1",
        "fd00:1:100::1",
        "fd00:9::1",
    ]

    def inside() -> list[int]:
        families = NetworkSettings(ip_families=(IpFamily.IPV6,))
        cluster.set_up(Netlink(), addressing(NetMode.ROOT, families, 2, 77))
        Netlink().add_local_route(ip_network("fd00::/16"), cluster.LOOPBACK)
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as sock:
            guard(sock, gate)
            return [knock(source, sock.getsockname()[:2], socket.AF_INET6) for source in sources]

    expected = [0 if gate.allows(source) else errno.ETIMEDOUT for source in sources]
    assert in_bare_network(inside) == expected
