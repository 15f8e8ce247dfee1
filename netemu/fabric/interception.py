"""Serves addresses nothing is bound to: transparent sockets and the rules that lead to them.

All of it belongs to the network namespace of the thread that opens it.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from netemu.fabric.conntrack import Conntrack, Flow
from netemu.fabric.host import LocalSockets
from netemu.fabric.nftables import Nftables
from netemu.model.nft import IPV4, Address, AddTable, DeleteTable, Stack

LOOPBACK: Final = {4: "127.0.0.1", 6: "::1"}
"""By IP version."""
TABLE: Final = "netemu"
"""The table of rules, as `nft list ruleset` shows it."""


class Unavailable(Exception):
    """There can be no interception here; the text says why."""


class LocalInterception:
    """Interception for one IP version, in the network of the thread that opened it."""

    def __init__(self, stack: Stack = IPV4) -> None:
        """Raises Unavailable."""
        self.stack = stack
        try:
            self.rules = Nftables(TABLE, stack.version)
        except OSError as error:
            raise Unavailable(f"no nftables: {error.strerror}") from error
        try:
            self.rules.apply([AddTable(), DeleteTable(), AddTable()])  # an empty one
            self.listen().close()
        except OSError as error:
            self.rules.close()
            raise Unavailable(error.strerror or str(error)) from error

    def listen(self) -> socket.socket:
        """A listening socket to which rules may redirect what is for others. Raises OSError."""
        return LocalSockets().listen(LOOPBACK[self.stack.version], 0, transparent=True)

    def forget(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Forget UDP flows by what their client addressed and who answers it. Raises OSError."""
        self._forget(socket.IPPROTO_UDP, lambda flow: unwanted(flow.front, flow.back))

    def cut(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Forget TCP connections by their client and what it addressed, so that it is told when it
        next says something. Raises OSError.
        """
        self._forget(socket.IPPROTO_TCP, lambda flow: unwanted(flow.client, flow.front))

    def _forget(self, protocol: int, unwanted: Callable[[Flow], bool]) -> None:
        table = Conntrack(self.stack.version)
        try:
            table.forget(protocol, unwanted)
        finally:
            table.close()

    def close(self) -> None:
        """Take the rules away."""
        with suppress(OSError):
            self.rules.apply([DeleteTable()])
        self.rules.close()
