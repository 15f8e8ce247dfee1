"""Who may knock: rules by themselves, and as the kernel keeps them on real sockets."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network

import pytest

from netemu.model.service import NodePlace, TrafficPolicy
from netemu.proxy.gate import OPEN, Gate, gate_of, gate_of_ranges, guard, unguard
from netemu.proxy.policy import Door, Place, Reach

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


def knock(source: str, address: tuple[str, int]) -> int:
    with socket.socket() as client:
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
