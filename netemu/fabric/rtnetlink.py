"""The few rtnetlink requests a cluster's links need: make and remove veths, addresses, routes.

A library would do more, but costs 150 ms and 20 MB to import where a pod takes 2 ms: see
rtnetlink(7) for the messages. A `Netlink` acts, for life, on the network namespace of the thread
that opened it, and every request waits for the kernel's verdict.
"""

import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network

from msgspec import Struct

from netemu.model.addressing import IpNetwork

RECEIVE_LIMIT = 256 * 1024
"""Bytes of one datagram from the kernel; it fills at most 32 KiB (netlink(7))."""

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_LINK = struct.Struct("=BxHiII")  # family, device type, index, flags, change mask
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_ROUTE = struct.Struct("=BBBBBBBBI")  # family, dst and src length, tos, table, protocol, scope, ...
_NEIGHBOUR = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type
_ATTRIBUTE = struct.Struct("=HH")  # length, type

_NEWLINK, _DELLINK, _GETLINK, _NEWADDR = 16, 17, 18, 20
_NEWROUTE, _DELROUTE, _GETROUTE, _NEWNEIGH = 24, 25, 26, 28
_NEWRULE, _DELRULE = 32, 33
_ERROR, _DONE = 2, 3
_REQUEST, _ACK, _EXCLUSIVE, _CREATE, _DUMP = 0x1, 0x4, 0x200, 0x400, 0x300

_IFLA_LINK, _MACVLAN_MODE, _MACVLAN_BRIDGE = 5, 1, 4
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 1, 3, 18, 28
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC, _RTA_TABLE = 1, 4, 5, 7, 15
_NDA_DST, _NDA_LLADDR = 1, 2
_FRA_DST, _FRA_SRC, _FRA_PRIORITY = 1, 2, 6
_TO_TABLE = 1
_FRA_FWMARK, _FRA_FWMASK = 10, 16

_IFF_UP, _IFF_NOARP = 0x1, 0x80
TABLE_MAIN, TABLE_LOCAL = 254, 255
_PROTOCOL_STATIC = 4
_SCOPE_GLOBAL, _SCOPE_LINK, _SCOPE_HOST, _SCOPE_NOWHERE = 0, 253, 254, 255
_TYPE_UNICAST, _TYPE_LOCAL = 1, 2
_NUD_PERMANENT = 0x80
_NODAD = 0x02

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
"""By IP version."""


class VethEnd(Struct, frozen=True, kw_only=True):
    """One end of a veth pair."""

    name: str
    mac: str = ""
    """Its hardware address; "": a random one."""
    namespace: int | None = None
    """A descriptor of the network namespace it is born in; None: the one of the socket."""


class Rule(Struct, frozen=True, kw_only=True):
    """Which packets look for their way in which table."""

    priority: int
    source: IpNetwork | None = None
    destination: IpNetwork | None = None
    service: int = 0
    """The type of service; 0: any."""
    table: int = TABLE_MAIN
    version: int = 4
    """Of which IP version packets are."""


class Route(Struct, frozen=True):
    """A route that exists."""

    destination: IpNetwork
    device: str


class Netlink:
    """Requests to the routing part of one network namespace."""

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def add_veth(self, one: VethEnd, other: VethEnd) -> None:
        """Make a pair of linked devices. Raises OSError: EEXIST when a name is taken."""
        peer = _attribute(_VETH_PEER, _LINK.pack(0, 0, 0, 0, 0) + _end(other))
        info = _attribute(_INFO_KIND, b"veth") + _attribute(_INFO_DATA, peer)
        body = _LINK.pack(0, 0, 0, 0, 0) + _end(one) + _attribute(_IFLA_LINKINFO, info)
        self._request(_NEWLINK, _CREATE | _EXCLUSIVE, body)

    def add_macvlan(self, name: str, below: int, mac: str) -> None:
        """Make a device with a hardware address of its own on top of another. Raises OSError."""
        mode = _attribute(_MACVLAN_MODE, struct.pack("=I", _MACVLAN_BRIDGE))
        info = _attribute(_INFO_KIND, b"macvlan") + _attribute(_INFO_DATA, mode)
        body = _LINK.pack(0, 0, 0, 0, 0) + _end(VethEnd(name=name, mac=mac))
        body += _attribute(_IFLA_LINK, struct.pack("=I", below)) + _attribute(_IFLA_LINKINFO, info)
        self._request(_NEWLINK, _CREATE | _EXCLUSIVE, body)

    def delete(self, name: str) -> None:
        """Remove a device; of a veth, both ends. Raises OSError: ENODEV when there is none."""
        self._request(_DELLINK, 0, _named(name))

    def index(self, name: str) -> int:
        """The number of a device. Raises OSError: ENODEV when there is none."""
        self._send(_GETLINK, _ACK, _named(name))
        found = [_LINK.unpack_from(body)[2] for kind, body in self._answers() if kind == _NEWLINK]
        return int(found[0])

    def up(self, index: int, *, arp: bool = True) -> None:
        """Switch a device on; without ARP it takes packets for anybody as they come."""
        flags = _IFF_UP if arp else _IFF_UP | _IFF_NOARP
        self._request(_NEWLINK, 0, _LINK.pack(0, 0, index, flags, flags))

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Give a device an address, usable at once: nobody is asked whether it is taken (RFC 4862
        §5.1). Raises OSError: EACCES where IPv6 is off.
        """
        family, raw = _packed(address)
        flags = _NODAD if family == socket.AF_INET6 else 0
        body = _ADDRESS.pack(family, prefix, flags, _SCOPE_GLOBAL, index)
        body += _attribute(_IFA_LOCAL, raw) + _attribute(_IFA_ADDRESS, raw)
        self._request(_NEWADDR, _CREATE | _EXCLUSIVE, body)

    def add_neighbour(self, index: int, address: str, mac: str) -> None:
        """Say for good which hardware address has an address, so nobody asks by ARP or NDP."""
        family, raw = _packed(address)
        body = _NEIGHBOUR.pack(family, index, _NUD_PERMANENT, 0, 0)
        body += _attribute(_NDA_DST, raw) + _attribute(_NDA_LLADDR, _mac(mac))
        self._request(_NEWNEIGH, _CREATE | _EXCLUSIVE, body)

    def add_route(
        self,
        destination: IpNetwork,
        index: int,
        *,
        gateway: str | None = None,
        source: str | None = None,
        table: int = TABLE_MAIN,
    ) -> None:
        """Send packets for `destination` out of a device; `source` is the address they start with.

        Raises OSError: EEXIST when the destination has a route.
        """
        scope = _SCOPE_LINK if gateway is None else _SCOPE_GLOBAL
        body = _route(destination, table, scope, _TYPE_UNICAST)
        body += _attribute(_RTA_OIF, struct.pack("=I", index))
        if gateway is not None:
            body += _attribute(_RTA_GATEWAY, _packed(gateway)[1])
        if source is not None:
            body += _attribute(_RTA_PREFSRC, _packed(source)[1])
        self._request(_NEWROUTE, _CREATE | _EXCLUSIVE, body)

    def delete_route(self, destination: IpNetwork) -> None:
        """Take a route away. Raises OSError: ESRCH when there is none."""
        # A scope of "nowhere" and no type match whatever route there is (ip-route(8) asks so too).
        body = _route(destination, TABLE_MAIN, _SCOPE_NOWHERE, 0)
        self._request(_DELROUTE, 0, body)

    def add_local_route(self, destination: IpNetwork, index: int, table: int = TABLE_LOCAL) -> None:
        """Make every address in `destination` one of our own: it can be bound, packets end here.

        In another table than the usual that holds only for packets that are sent there.
        """
        body = _route(destination, table, _SCOPE_HOST, _TYPE_LOCAL)
        self._request(
            _NEWROUTE,
            _CREATE | _EXCLUSIVE,
            body + _attribute(_RTA_OIF, struct.pack("=I", index)),
        )

    def add_rule(self, rule: Rule) -> None:
        """Add a rule. Raises OSError: EEXIST when there is one like it."""
        self._request(_NEWRULE, _CREATE | _EXCLUSIVE, _rule(rule))

    def delete_rule(self, rule: Rule) -> None:
        """Take a rule away. Raises OSError: ENOENT when there is none like it."""
        self._request(_DELRULE, 0, _rule(rule))

    def add_mark_rule(self, bit: int, table: int, version: int = 4) -> None:
        """Route packets of an IP version by another table if their mark has a bit."""
        body = _ROUTE.pack(_FAMILIES[version], 0, 0, 0, table, 0, 0, _TO_TABLE, 0)
        for kind in (_FRA_FWMARK, _FRA_FWMASK):
            body += _attribute(kind, struct.pack("=I", bit))
        self._request(_NEWRULE, _CREATE | _EXCLUSIVE, body)

    def delete_local_route(self, destination: IpNetwork) -> None:
        """Undo `add_local_route`. Raises OSError: ESRCH when there is none."""
        body = _route(destination, TABLE_LOCAL, _SCOPE_NOWHERE, _TYPE_LOCAL)
        self._request(_DELROUTE, 0, body)

    def routes(self, version: int = 4) -> list[Route]:
        """Every route of an IP version, of all tables."""
        names = self._names()
        found = self._dump(_GETROUTE, _ROUTE.pack(_FAMILIES[version], 0, 0, 0, 0, 0, 0, 0, 0))
        return [_parse_route(body, names) for kind, body in found if kind == _NEWROUTE]

    def _names(self) -> dict[int, str]:
        # Not socket.if_indextoname: that asks about the network of the thread, not of our socket.
        found = self._dump(_GETLINK, _LINK.pack(0, 0, 0, 0, 0))
        return dict(_parse_link(body) for kind, body in found if kind == _NEWLINK)

    def _dump(self, kind: int, body: bytes) -> list[tuple[int, bytes]]:
        self._send(kind, _DUMP, body)
        return list(self._answers())  # to the end, or the next request finds the kernel busy

    def _request(self, kind: int, flags: int, body: bytes) -> None:
        self._send(kind, flags | _ACK, body)
        for _ in self._answers():
            pass

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        length = _HEADER.size + len(body)
        header = _HEADER.pack(length, kind, _REQUEST | flags, self._sequence, 0)
        self._socket.send(header + body)

    def _answers(self) -> Iterator[tuple[int, bytes]]:
        """The messages that answer the last request, up to the kernel's verdict. Raises OSError."""
        while True:
            for kind, sequence, body in _messages(self._socket.recv(RECEIVE_LIMIT)):
                if sequence != self._sequence:
                    continue  # what was left of a request that failed midway
                if kind == _ERROR:
                    (code,) = struct.unpack_from("=i", body)
                    if code:
                        raise OSError(-code, os.strerror(-code))
                if kind in (_ERROR, _DONE):
                    return
                yield kind, body


def _named(name: str) -> bytes:
    return _LINK.pack(0, 0, 0, 0, 0) + _attribute(_IFLA_IFNAME, _text(name))


def _end(end: VethEnd) -> bytes:
    body = _attribute(_IFLA_IFNAME, _text(end.name))
    if end.mac:
        body += _attribute(_IFLA_ADDRESS, _mac(end.mac))
    if end.namespace is not None:
        body += _attribute(_IFLA_NET_NS_FD, struct.pack("=i", end.namespace))
    return body


def _packed(address: str) -> tuple[int, bytes]:
    """The family of an address, and its bytes."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.inet_pton(family, address)


def _route(destination: IpNetwork, table: int, scope: int, kind: int) -> bytes:
    prefix = destination.prefixlen
    fixed = (_FAMILIES[destination.version], prefix, 0, 0, table, _PROTOCOL_STATIC, scope, kind, 0)
    return _ROUTE.pack(*fixed) + _attribute(_RTA_DST, destination.network_address.packed)


def _rule(rule: Rule) -> bytes:
    lengths = [0 if net is None else net.prefixlen for net in (rule.destination, rule.source)]
    family = _FAMILIES[rule.version]
    body = _ROUTE.pack(family, *lengths, rule.service, rule.table, 0, 0, _TO_TABLE, 0)
    for kind, net in ((_FRA_DST, rule.destination), (_FRA_SRC, rule.source)):
        if net is not None:
            body += _attribute(kind, net.network_address.packed)
    return body + _attribute(_FRA_PRIORITY, struct.pack("=I", rule.priority))


def _parse_route(body: bytes, names: Mapping[int, str]) -> Route:
    attributes = dict(_attributes(body[_ROUTE.size :]))
    size = 4 if body[0] == socket.AF_INET else 16
    address = ip_address(attributes.get(_RTA_DST, bytes(size)))
    index = int.from_bytes(attributes.get(_RTA_OIF, b""), sys.byteorder)
    return Route(ip_network((address, body[1])), names.get(index, ""))


def _parse_link(body: bytes) -> tuple[int, str]:
    attributes = dict(_attributes(body[_LINK.size :]))
    return _LINK.unpack_from(body)[2], attributes[_IFLA_IFNAME].rstrip(b"\0").decode()


def _attribute(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(padding)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, start)
        yield kind, data[start + _ATTRIBUTE.size : start + length]
        start += max(length + -length % 4, _ATTRIBUTE.size)


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    start = 0
    while start + _HEADER.size <= len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, start)
        yield kind, sequence, data[start + _HEADER.size : start + length]
        start += max(length + -length % 4, _HEADER.size)


def _text(name: str) -> bytes:
    return name.encode() + b"\0"


def _mac(address: str) -> bytes:
    return bytes.fromhex(address.replace(":", ""))
