"""The kernel's table of connections: makes it forget flows (what `conntrack -D` does).

Only what is needed of <linux/netfilter/nfnetlink_conntrack.h>: list entries, delete some.
"""

import errno
import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

Address = tuple[str, int]
RECEIVE_BYTES: Final = 1024 * 1024

_HEADER = struct.Struct("=IHHII")
_FAMILY = struct.Struct("!BBH")
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_NETLINK_NETFILTER = 12
_CONNTRACK, _GET, _DELETE = 1, 1, 2
_NESTED, _TYPE_MASK = 0x8000, 0x3FFF
_ORIGINAL, _REPLY = 1, 2
_IP, _TRANSPORT = 1, 2
_SOURCE, _DESTINATION = 1, 2
_PROTOCOL, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_PROTOCOL_STATE, _COUNTS_ORIGINAL, _COUNTS_REPLY, _TIMESTAMP = 4, 9, 10, 20
_TCP, _TCP_STATE = 1, 1
_BYTES, _START = 2, 1
_OVER: Final = frozenset({7, 8})
"""TIME_WAIT and CLOSE (<linux/netfilter/nf_conntrack_tcp.h>): remembered for stray packets."""


class Flow(NamedTuple):
    """An entry."""

    protocol: int
    client: Address
    front: Address
    """What the client addressed."""
    back: Address
    """Who answers."""
    key: bytes
    """Names it to the kernel."""
    over: bool = False
    """The connection has ended, as far as the kernel saw."""
    since: float | None = None
    """When it began, in seconds since the epoch, if the kernel is told to note it."""
    received: int = 0
    """Bytes from the client with their headers, if the kernel is told to count them."""
    sent: int = 0


class Conntrack:
    """The table of the network of the thread that makes this, for one IP version."""

    def __init__(self, version: int = 4) -> None:
        self._family = socket.AF_INET6 if version == 6 else socket.AF_INET
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, _NETLINK_NETFILTER)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def flows(self) -> list[Flow]:
        """Every entry. Raises OSError."""
        self._send(_GET, _DUMP, b"")
        return [_flow(body[_FAMILY.size :]) for body in self._answers()]

    def forget(self, protocol: int, unwanted: Callable[[Flow], bool]) -> int:
        """Forget the unwanted flows of a protocol; how many those were. Raises OSError."""
        gone = [flow for flow in self.flows() if flow.protocol == protocol and unwanted(flow)]
        for flow in gone:
            self._send(_DELETE, _ACK, _attribute(_ORIGINAL | _NESTED, flow.key))
            try:
                list(self._answers())
            except OSError as error:
                if error.errno != errno.ENOENT:  # it ended by itself
                    raise
        return len(gone)

    def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        length = _HEADER.size + _FAMILY.size + len(body)
        head = _HEADER.pack(length, _CONNTRACK << 8 | kind, _REQUEST | flags, self._sequence, 0)
        self._socket.send(head + _FAMILY.pack(self._family, 0, 0) + body)

    def _answers(self) -> Iterator[bytes]:
        while True:
            data = self._socket.recv(RECEIVE_BYTES)
            start = 0
            while start + _HEADER.size <= len(data):
                length, kind, _, sequence, _ = _HEADER.unpack_from(data, start)
                body = data[start + _HEADER.size : start + length]
                start += max(length + -length % 4, _HEADER.size)
                if sequence != self._sequence:
                    continue
                if kind in (_ERROR, _DONE):
                    (code,) = struct.unpack_from("=i", body)
                    if code:
                        raise OSError(-code, os.strerror(-code))
                    return
                yield body


def _flow(body: bytes) -> Flow:
    parts = _attributes(body)
    original, reply = _tuple(parts[_ORIGINAL]), _tuple(parts[_REPLY])
    return Flow(
        *original,
        reply[1],
        parts[_ORIGINAL],
        over=_state(parts.get(_PROTOCOL_STATE, b"")) in _OVER,
        since=_start(parts.get(_TIMESTAMP)),
        received=_bytes(parts.get(_COUNTS_ORIGINAL, b"")),
        sent=_bytes(parts.get(_COUNTS_REPLY, b"")),
    )


def _state(data: bytes) -> int:
    """Of a TCP connection; 0 for others."""
    tcp = _attributes(_attributes(data).get(_TCP, b""))
    return tcp.get(_TCP_STATE, b"\0")[0]


def _start(data: bytes | None) -> float | None:
    if data is None:
        return None
    return int.from_bytes(_attributes(data)[_START], "big") / 1e9


def _bytes(data: bytes) -> int:
    return int.from_bytes(_attributes(data).get(_BYTES, b""), "big")


def _tuple(data: bytes) -> tuple[int, Address, Address]:
    """Protocol, source and destination."""
    parts = _attributes(data)
    ip, transport = _attributes(parts[_IP]), _attributes(parts[_TRANSPORT])
    return (
        transport[_PROTOCOL][0],
        (_written(ip, _SOURCE), _port(transport.get(_SOURCE_PORT))),
        (_written(ip, _DESTINATION), _port(transport.get(_DESTINATION_PORT))),
    )


def _written(ip: dict[int, bytes], which: int) -> str:
    """An address: those of IPv6 have the numbers that follow those of IPv4."""
    if which in ip:
        return socket.inet_ntoa(ip[which])
    return socket.inet_ntop(socket.AF_INET6, ip[which + 2])


def _port(data: bytes | None) -> int:
    return int.from_bytes(data or b"", "big")


def _attributes(data: bytes) -> dict[int, bytes]:
    found, start = {}, 0
    while start + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, start)
        found[kind & _TYPE_MASK] = data[start + 4 : start + length]
        start += max(length + -length % 4, 4)
    return found


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
