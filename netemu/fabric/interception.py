"""Serves addresses nothing is bound to: transparent sockets and the rules that lead to them.

All of it belongs to the network namespace of the thread that opens it.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from netemu.fabric.host import LocalSockets
from netemu.fabric.nftables import Nftables
from netemu.model.nft import IPV4, Address, AddTable, DeleteTable, Stack, Tracked

if TYPE_CHECKING:
    from netemu.fabric.conntrack import Conntrack, Flow

LOOPBACK: Final = {4: "127.0.0.1", 6: "::1"}
"""By IP version."""
ACCOUNTING: Final = (
    "/proc/sys/net/netfilter/nf_conntrack_acct",
    "/proc/sys/net/netfilter/nf_conntrack_timestamp",
)
"""Settings of a network; neither changes how its connections go."""
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

    def account(self) -> None:
        """Have connections counted and timed from now on, where the kernel lets one."""
        for setting in ACCOUNTING:
            with suppress(OSError):
                Path(setting).write_text("1")

    def tracked(self) -> list[Tracked]:
        """The connections that are open, and flows. Raises OSError."""
        table = self._table()
        try:
            flows = table.flows()
        finally:
            table.close()
        return [
            Tracked(
                each.protocol,
                each.client,
                each.front,
                each.back,
                each.since,
                each.received,
                each.sent,
            )
            for each in flows
            if not each.over
        ]

    def forget(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Forget UDP flows by what their client addressed and who answers it. Raises OSError."""
        self._forget(socket.IPPROTO_UDP, lambda flow: unwanted(flow.front, flow.back))

    def cut(self, unwanted: Callable[[Address, Address], bool]) -> None:
        """Forget TCP connections by their client and what it addressed, so that it is told when it
        next says something. Raises OSError.
        """
        self._forget(socket.IPPROTO_TCP, lambda flow: unwanted(flow.client, flow.front))

    def _forget(self, protocol: int, unwanted: Callable[["Flow"], bool]) -> None:
        table = self._table()
        try:
            table.forget(protocol, unwanted)
        finally:
            table.close()

    def _table(self) -> "Conntrack":
        from netemu.fabric.conntrack import Conntrack  # late: for the kernel mode

        return Conntrack(self.stack.version)

    def close(self) -> None:
        """Take the rules away."""
        with suppress(OSError):
            self.rules.apply([DeleteTable()])
        self.rules.close()
