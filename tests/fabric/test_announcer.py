"""The announcer on a link of the test's own, with a neighbour at its other end."""

import re
import socket
import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

from netemu.fabric.announcer import REPEATS, Announced, Announcer
from netemu.fabric.cluster import set_sysctl
from netemu.fabric.namespaces import Namespace, handle, private_mounts, setns, unshare
from netemu.fabric.rtnetlink import Netlink, VethEnd
from netemu.fabric.uplink import CLUSTER_END
from tests.support.forked import in_bare_network, needs_root

pytestmark = needs_root

T = TypeVar("T")
NODES = {"node-1": "172.30.0.11", "node-2": "172.30.0.12"}
BALANCER, BALANCER_6 = "172.30.0.240", "fd00:172:30::f0"
ONE, TWO = "02:42:ac:1e:00:0b", "02:42:ac:1e:00:0c"


class Lab:
    """An uplink whose other end is another machine's."""

    def __init__(self) -> None:
        private_mounts()
        self.links = Netlink()
        ours = handle("net")
        unshare(Namespace.NET)
        self.theirs = handle("net")
        setns(ours, Namespace.NET)
        self.ours = ours
        beside = VethEnd(name="eth0", namespace=self.theirs)
        self.links.add_veth(VethEnd(name=CLUSTER_END), beside)
        set_sysctl(f"net/ipv4/conf/{CLUSTER_END}/arp_ignore", "1")
        self.links.up(self.links.index(CLUSTER_END))
        self.beside(self._set_up)
        self.announcer = Announcer()

    def _set_up(self) -> None:
        run("ip", "address", "add", "172.30.0.99/24", "dev", "eth0")
        run("ip", "address", "add", "fd00:172:30::99/64", "dev", "eth0", "nodad")
        run("ip", "link", "set", "eth0", "up")

    def beside(self, act: Callable[[], T]) -> T:
        setns(self.theirs, Namespace.NET)
        try:
            return act()
        finally:
            setns(self.ours, Namespace.NET)

    def found(self, address: str) -> str:
        """What the neighbour finds at an address: a hardware address."""
        self.beside(lambda: poke(address))
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for sock in self.announcer.sockets:
                try:
                    self.announcer.answer(sock)
                except BlockingIOError:
                    continue
            if known := self.known(address):
                return known
            time.sleep(0.01)
        return ""

    def known(self, address: str) -> str:
        told = self.beside(lambda: run("ip", "neigh", "show", address))
        match = re.search(r"lladdr (\S+)", told)
        return match[1] if match else ""


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def poke(address: str) -> None:
    """Send something there, so that the kernel asks who has it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"?", (address, 9))


def test_each_address_is_found_at_its_node() -> None:
    def inside() -> tuple[str, ...]:
        lab = Lab()
        held = {BALANCER: "node-2", BALANCER_6: "node-1", "172.30.0.11": "node-1"}
        lab.announcer.become(Announced(NODES, held))
        return tuple(lab.found(address) for address in held)

    assert in_bare_network(inside) == (TWO, ONE, ONE)


def test_a_move_is_noticed_by_who_knew_the_address() -> None:
    def inside() -> tuple[list[str], list[str]]:
        lab = Lab()
        held = {BALANCER: "node-2", BALANCER_6: "node-2"}
        lab.announcer.become(Announced(NODES, held))
        before = [lab.found(address) for address in held]
        time.sleep(1.1)  # neighbours heed no news within a second (locktime in arp(7))
        left = {"node-1": NODES["node-1"]}
        lab.announcer.become(Announced(left, dict.fromkeys(held, "node-1")))
        return before, [lab.known(address) for address in held]

    assert in_bare_network(inside) == ([TWO, TWO], [ONE, ONE])


def test_moves_are_told_a_few_times_and_the_rest_not_at_all() -> None:
    def inside() -> tuple[int, float | None, int]:
        lab = Lab()
        held = {BALANCER: "node-2"}
        lab.announcer.become(Announced(NODES, held))
        told = 1
        while lab.announcer.wait is not None:
            lab.announcer.announce()
            told += 1
        lab.announcer.become(Announced(NODES, held))
        return told, lab.announcer.wait, len(lab.announcer.sockets)

    assert in_bare_network(inside) == (REPEATS, None, 2)


def test_nodes_are_devices_that_come_and_go() -> None:
    def inside() -> tuple[bool, bool, bool]:
        lab = Lab()
        lab.announcer.become(Announced(NODES, {}))
        both = "node-1" in run("ip", "link") and "node-2" in run("ip", "link")
        lab.announcer.become(Announced({"node-2": NODES["node-2"]}, {}))
        return both, "node-1" in run("ip", "link"), "node-2" in run("ip", "link")

    assert in_bare_network(inside) == (True, False, True)
