"""Who may knock at a listener: packets of others vanish, as by kube-proxy's DROP rules.

In userspace a connection is accepted before anybody has looked at it, so the rule goes to where the
kernel asks it first: a socket filter (classic BPF), which needs no privileges. Sockets accepted
later inherit it, and lets their packets pass since it let the first one pass.
"""

import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Final

from msgspec import Struct

from netemu.model.addressing import IpNetwork, family_of
from netemu.model.service import NodePlace, TrafficPolicy
from netemu.proxy.policy import Door, Reach


class Gate(Struct, frozen=True):
    """Source networks of one address family, the first that fits decides."""

    rules: tuple[tuple[IpNetwork, bool], ...] = ()
    """Network, and whether it may pass."""
    otherwise: bool = True

    def allows(self, address: str) -> bool:
        """Whether packets from an address pass."""
        ip = ip_address(address)
        return next((passes for network, passes in self.rules if ip in network), self.otherwise)


OPEN: Final = Gate()


def gate_of(door: Door, reach: Reach, nodes: Iterable[NodePlace], family: str = "IPv4") -> Gate:
    """Whom a Local policy keeps out: those for whom there is no endpoint, though some exist."""
    if door.policy is TrafficPolicy.CLUSTER:
        return OPEN
    if not door.external:
        without = (node for node in nodes if node.name not in reach.by_node)
        return Gate(
            tuple((network, False) for node in without for network in networks_of(node, family))
        )
    if not door.place.node or door.place.node in reach.by_node:
        return OPEN
    own = (node for node in nodes if node.name == door.place.node)
    return Gate(
        tuple((network, True) for node in own for network in networks_of(node, family)),
        otherwise=False,
    )


def gate_of_ranges(ranges: Iterable[str], address: str, nodes: Iterable[NodePlace]) -> Gate:
    """Who may use a load balancer's address (rule 41).

    A node that may reach it does so from the address itself: as it is local there, the kernel takes
    it as the source (kube-proxy has an exception for the same reason).
    """
    family = family_of(address)
    found = (network_from(text, family) for text in ranges)
    allowed = tuple(network for network in found if network is not None)
    if not any(str(ranges_).strip() for ranges_ in ranges):
        return OPEN
    own = [ip_address(own) for node in nodes if (own := node.of(family))]
    if any(ip in network for ip in own for network in allowed):
        allowed = (*allowed, ip_network(address))
    return Gate(tuple((network, True) for network in allowed), otherwise=False)


def networks_of(node: NodePlace, family: str = "IPv4") -> Iterable[IpNetwork]:
    """The networks whose addresses stand on a node."""
    for text in (*node.pod_ranges, *node.addresses):
        network = network_from(text, family)
        if network is not None:
            yield network


def network_from(text: str, family: str = "IPv4") -> IpNetwork | None:
    """Read a network; None for what is none of that family."""
    try:
        return ip_network(text, strict=False) if family_of(text) == family else None
    except ValueError:
        return None


# Classic BPF (linux/bpf_common.h, linux/filter.h)

_LOAD, _AND, _JUMP_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_SOURCES = {4: 0x100000000 - 0x100000 + 12, 6: 0x100000000 - 0x100000 + 8}
"""SKF_NET_OFF plus where a packet of an IP version has its source."""
_PASS, _DROP = 0xFFFFFFFF, 0
SO_ATTACH_FILTER: Final = 26
SO_DETACH_FILTER: Final = 27


def program(gate: Gate) -> bytes:
    """The filter, as the kernel takes it."""
    lines = []
    for network, passes in gate.rules:
        lines += [*_compared(network), (_RETURN, 0, 0, _PASS if passes else _DROP)]
    lines.append((_RETURN, 0, 0, _PASS if gate.otherwise else _DROP))
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _compared(network: IpNetwork) -> Iterator[tuple[int, int, int, int]]:
    """Go on behind the line after these unless the source is in the network: word by word."""
    wanted, mask = network.network_address.packed, network.netmask.packed
    count = max(1, -(-network.prefixlen // 32))
    for word in range(count):
        part = slice(4 * word, 4 * word + 4)
        behind = 3 * (count - 1 - word) + 1
        yield _LOAD, 0, 0, _SOURCES[network.version] + 4 * word
        yield _AND, 0, 0, int.from_bytes(mask[part], "big")
        yield _JUMP_EQUAL, 0, behind, int.from_bytes(wanted[part], "big")


def guard(sock: socket.socket, gate: Gate) -> None:
    """Let only those in whom the gate allows. Raises OSError."""
    import ctypes

    code = program(gate)
    buffer = ctypes.create_string_buffer(code, len(code))
    lines = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, lines)


def unguard(sock: socket.socket) -> None:
    """Let everybody in. Raises OSError."""
    sock.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
