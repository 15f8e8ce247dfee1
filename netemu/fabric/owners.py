"""On which node a process of the cluster's own network stands, told by its socket.

Processes in the nodes' network (hostNetwork) share one, so their addresses don't tell them apart;
but each has the hostname namespace of its sandbox, and that is of a node. The kernel's table tells
the inode of the socket that has a client's address and port, and /proc whose it is. That takes a
few milliseconds, so nobody is asked while there are no such sandboxes.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from time import monotonic
from typing import Final

KNOWN_SECONDS: Final = 0.05
"""How long an answer is good: who asks twice about one connection asks within this time."""

Address = tuple[str, int]


class Owners:
    """Looks clients up; belongs to the network of the thread that asks."""

    def __init__(self, sandboxes: Mapping[int, str]) -> None:
        """`sandboxes`: the node's address by the inode of a sandbox' hostname namespace; it may
        change.
        """
        self._sandboxes = sandboxes
        self._last: tuple[tuple[bool, Address], float, str] | None = None

    def __bool__(self) -> bool:
        return bool(self._sandboxes)

    def of(self, client: Address, *, datagrams: bool = False) -> str:
        """The address of the client's node; "" when that can't be told."""
        key, now = (datagrams, client[:2]), monotonic()
        if self._last is not None and self._last[0] == key and now < self._last[1]:
            return self._last[2]
        inode = socket_inode(client[:2], datagrams=datagrams)
        found = "" if inode is None else self._node_of(inode)
        self._last = key, now + KNOWN_SECONDS, found
        return found

    def _node_of(self, inode: int) -> str:
        wanted = f"socket:[{inode}]"
        for pid, node in self._processes():
            with suppress(OSError):  # it ends, or isn't ours
                folder = f"/proc/{pid}/fd"
                if any(_link(f"{folder}/{fd}") == wanted for fd in os.listdir(folder)):
                    return node
        return ""

    def _processes(self) -> Iterator[tuple[str, str]]:
        """Those that are in one of the sandboxes."""
        for pid in os.listdir("/proc"):
            if pid.isdigit():
                with suppress(OSError):
                    node = self._sandboxes.get(os.stat(f"/proc/{pid}/ns/uts").st_ino)
                    if node is not None:
                        yield pid, node


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def socket_inode(client: Address, *, datagrams: bool = False) -> int | None:
    """The socket in this network that has an address and port; None if there is none."""
    six = ":" in client[0]
    table = ("udp" if datagrams else "tcp") + ("6" if six else "")
    places = {_place(client)}
    if datagrams:  # such a socket needn't be bound to the address it sends from
        places.add(_place(("::" if six else "0.0.0.0", client[1])))
    with open(f"/proc/thread-self/net/{table}", encoding="ascii") as lines:
        for line in lines:
            fields = line.split()
            if fields[1] in places and fields[9] != "0":
                return int(fields[9])
    return None


def _place(address: Address) -> str:
    """As these tables write it: words in the machine's byte order."""
    kind = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    packed = socket.inet_pton(kind, address[0])
    words = (packed[start : start + 4][::-1].hex() for start in range(0, len(packed), 4))
    return f"{''.join(words).upper()}:{address[1]:04X}"
