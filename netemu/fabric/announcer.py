"""A process that speaks for the nodes on the uplink: they have their own hardware addresses there.

``python -m netemu.fabric.announcer`` in the cluster's network. Each line on its standard input is
the whole of what is so from now on (`Announced`); it ends with that. Every node that lives is a
device on the uplink, so what neighbours send to its hardware address arrives; a node that dies
takes its device along. The kernel keeps silent about all addresses there: who answers is decided
here.
"""

import ctypes
import os
import select
import socket
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Final

import msgspec
from msgspec import Struct

from netemu.fabric.cluster import set_sysctl
from netemu.fabric.namespaces import private_mounts
from netemu.fabric.rtnetlink import Netlink
from netemu.fabric.uplink import CLUSTER_END

NO_SCAPY: Final = 3
"""Exit code where the library is missing."""
REPEATS, REPEAT_SECONDS = 5, 1.1
"""How often an address that moved is announced, as MetalLB does: a frame may get lost."""
FRAME_BYTES: Final = 65536
_ARP, _IPV6 = 0x0806, 0x86DD
_PACKET_OUTGOING = 4
NOBODYS: Final = "8"
"""Value of arp_ignore: answer for no address."""


class Announced(Struct, frozen=True):
    """Who is there, and who has what."""

    nodes: Mapping[str, str] = {}
    """Each node that lives, with the address that its hardware address follows from."""
    addresses: Mapping[str, str] = {}
    """The node that has each address."""


class Announcer:
    """Speaks for the nodes; belongs to the network of the thread that makes it."""

    def __init__(self) -> None:
        from netemu.fabric import neighbours

        self._frames = neighbours
        self._links = Netlink()
        self._now = Announced()
        self._repeat: dict[str, int] = {}
        self._next = 0.0
        self.sockets = [_packets(_ARP), _packets(_IPV6)]

    def become(self, now: Announced) -> None:
        """Make it so, and tell what moved. Raises OSError."""
        before, self._now = self._now, now
        for name in before.nodes.keys() - now.nodes.keys():
            with suppress(OSError):
                self._links.delete(name)
        for name in sorted(now.nodes.keys() - before.nodes.keys()):
            self._appear(name, self._frames.hardware_address(now.nodes[name]))
        moved = {a for a, node in now.addresses.items() if before.addresses.get(a) != node}
        self._repeat = {a: n for a, n in self._repeat.items() if a in now.addresses}
        self._repeat.update(dict.fromkeys(sorted(moved), REPEATS))
        self.announce()

    def _appear(self, name: str, mac: str) -> None:
        with suppress(OSError):
            self._links.delete(name)  # one of an earlier life of ours
        self._links.add_macvlan(name, self._links.index(CLUSTER_END), mac)
        set_sysctl(f"net/ipv4/conf/{name}/arp_ignore", NOBODYS)
        self._links.up(self._links.index(name))

    @property
    def wait(self) -> float | None:
        """Seconds until `announce` is due."""
        return max(0.0, self._next - monotonic()) if self._repeat else None

    def announce(self) -> None:
        """Tell everybody who has the addresses that moved a short while ago."""
        for address in tuple(self._repeat):
            mac = self._owner(address)
            for frame in self._frames.announcements(address, mac) if mac else ():
                self._send(frame)
            self._repeat[address] -= 1
            if not self._repeat[address]:
                del self._repeat[address]
        self._next = monotonic() + REPEAT_SECONDS

    def answer(self, sock: socket.socket) -> None:
        """Read a question, and answer if it is to one of ours."""
        frame, (device, _, kind, *_) = sock.recvfrom(FRAME_BYTES)
        # Everybody's come to the uplink, a node's own to its device.
        to_all = device == CLUSTER_END
        if kind == _PACKET_OUTGOING or not (to_all or device in self._now.nodes):
            return
        found = self._frames.reply(frame, lambda address: self._owner(address, device))
        if found is not None:
            self._send(found)

    def _owner(self, address: str, device: str = CLUSTER_END) -> str | None:
        """The hardware address that has it, as far as `device` is concerned."""
        node = self._now.addresses.get(address, "")
        if node not in self._now.nodes or device not in (CLUSTER_END, node):
            return None
        return self._frames.hardware_address(self._now.nodes[node])

    def _send(self, frame: bytes) -> None:
        with suppress(OSError):  # lost, as frames may be
            self.sockets[0].sendto(frame, (CLUSTER_END, 0))


def _packets(protocol: int) -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK
    sock = socket.socket(socket.AF_PACKET, kind, socket.htons(protocol))
    if protocol == _IPV6:
        program = ctypes.create_string_buffer(b"".join(_SOLICITATIONS))
        # struct sock_fprog: a number and a pointer.
        given = struct.pack("HP", len(_SOLICITATIONS), ctypes.addressof(program))
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, given)
    return sock


def _instruction(code: int, value: int, otherwise: int = 0) -> bytes:
    """One of a classic socket filter, in which only a comparison that fails jumps."""
    return struct.pack("HBBI", code, 0, otherwise, value)


_ATTACH_FILTER: Final = 26  # SO_ATTACH_FILTER
_LOAD_BYTE, _EQUAL, _RETURN = 0x30, 0x15, 0x06
_SOLICITATIONS: Final = (
    _instruction(_LOAD_BYTE, 20),  # the next header,
    _instruction(_EQUAL, socket.IPPROTO_ICMPV6, 3),
    _instruction(_LOAD_BYTE, 54),  # and the kind of message
    _instruction(_EQUAL, 135, 1),
    _instruction(_RETURN, FRAME_BYTES),
    _instruction(_RETURN, 0),
)
"""Of all IPv6 packets only questions who has an address: the others aren't even copied."""


def run() -> None:
    """Announce until standard input ends. Raises OSError."""
    private_mounts()  # a /proc that can be written may have to be mounted
    announcer = Announcer()
    rest = b""
    numbers = {sock.fileno(): sock for sock in announcer.sockets}
    while True:
        ready, _, _ = select.select([0, *numbers], [], [], announcer.wait)
        for number in ready:
            if number != 0:
                with suppress(BlockingIOError):
                    announcer.answer(numbers[number])
                continue
            data = os.read(0, FRAME_BYTES)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            if lines:
                announcer.become(msgspec.json.decode(lines[-1], type=Announced))
        if announcer.wait == 0:
            announcer.announce()


if __name__ == "__main__":
    try:
        run()
    except ImportError:
        sys.exit(NO_SCAPY)
