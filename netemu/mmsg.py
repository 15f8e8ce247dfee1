"""Many datagrams in one system call: recvmmsg(2) and sendmmsg(2), which Python's sockets lack.

What the kernel reads and writes is memory that is laid out once, in slots.
"""

import ctypes
import mmap
import socket
import sys
from typing import Final, TypeAlias

Peer: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
"""Address and port; of IPv6 also flow and scope."""
ADDRESS_OCTETS: Final = 28
"""Of a socket address: an IPv6 one, which is the longest."""


class Piece(ctypes.Structure):
    """``struct iovec``."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class Header(ctypes.Structure):
    """``struct msghdr``."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint32),
        ("pieces", ctypes.c_void_p),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class Message(ctypes.Structure):
    """``struct mmsghdr``."""

    _fields_ = (("header", Header), ("size", ctypes.c_uint32))


_libc = ctypes.CDLL(None, use_errno=True)
recvmmsg = _libc.recvmmsg
recvmmsg.argtypes = (
    *(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p),
)
sendmmsg = _libc.sendmmsg
sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)


def memory(size: int) -> mmap.mmap:
    """Memory whose slices are ``bytes`` at once."""
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def address_of(memory: mmap.mmap) -> int:
    """Where it begins."""
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


def name_octets(family: int) -> int:
    """Of the socket addresses of a family."""
    return 16 if family == socket.AF_INET else ADDRESS_OCTETS


def peer_at(names: bytes, number: int) -> Peer:
    """One of several socket addresses, `ADDRESS_OCTETS` apart."""
    at = number * ADDRESS_OCTETS
    name = names[at : at + ADDRESS_OCTETS]
    port = int.from_bytes(name[2:4], "big")
    if int.from_bytes(name[:2], sys.byteorder) == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, name[4:8]), port
    flow, scope = int.from_bytes(name[4:8], "big"), int.from_bytes(name[24:28], sys.byteorder)
    return socket.inet_ntop(socket.AF_INET6, name[8:24]), port, flow, scope
