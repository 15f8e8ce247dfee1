"""One listening socket for every virtual address: rules lead there what has endpoints.

The kernel holds the set of open addresses and ports; an accepted socket's own address tells which
of them its client meant. So ten thousand Services take one descriptor, and an address is opened or
closed by a change to a set, whose members follow what is wanted by difference. What nobody can
serve is refused by a rule too, as kube-proxy does.
"""

import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Final

from netemu.model import nft
from netemu.model.nft import IPV4, Interception, Kind, Load, Stack
from netemu.model.service import Protocol
from netemu.proxy.choose import Address
from netemu.proxy.entrance import Entrance, Way
from netemu.proxy.gate import OPEN as NO_GATE
from netemu.proxy.gate import Gate
from netemu.proxy.members import Members
from netemu.proxy.protocols import NUMBERS
from netemu.proxy.relay import Relay
from netemu.proxy.site import Listener, Network

OPEN: Final = "open"
REFUSED: Final = "refused"
CHAIN: Final = "transparent"
OUTGOING: Final = "outgoing"
TRANSLATED: Final = "translated"
"""The chain that keeps connections that the kernel mode translates from the rules for new ones."""
TCP: Final = nft.Read(Load.PROTOCOL), nft.Equal(bytes([socket.IPPROTO_TCP]))
NO_TCP: Final = nft.Read(Load.PROTOCOL), nft.Equal(bytes([socket.IPPROTO_TCP]), negated=True)
_FLAGS = *TCP, nft.Read(Load.TCP_FLAGS), nft.Masked(b"\x12")  # SYN and ACK
_SYN = b"\x02"
OPENS: Final = (*_FLAGS, nft.Equal(_SYN))
"""A packet that opens a TCP connection."""
GOES_ON: Final = (*_FLAGS, nft.Equal(_SYN, negated=True))
"""One of a connection that exists, whether or not the kernel has kept track of it."""
MANGLE: Final = -150
"""Before addresses are translated (netfilter's NF_IP_PRI_MANGLE)."""

_KEEP = (
    nft.Value(struct.pack("=I", nft.TRANSPARENT_MARK)),
    nft.SetMark(),
    nft.Go(nft.Verdict.ACCEPT),
)


class Unknown:
    """Where a client goes whose address was closed while it knocked: nowhere, so it is reset."""

    outside = ""

    def __call__(self, peer: Address, /) -> Iterator[Address]:
        """No endpoint."""
        return iter(())

    def serves(self, peer: Address, endpoint: Address) -> bool:
        """None does."""
        return False


class CatchAll:
    """The addresses and ports that lead to the one socket."""

    def __init__(self, relay: Relay, interception: Interception) -> None:
        """Raises OSError."""
        self._relay = relay
        self._rules = interception.rules
        self._stack = interception.stack
        sock = interception.listen()
        try:
            self._rules.apply(_chain(sock.getsockname()[:2], self._stack))
        except OSError:
            sock.close()
            raise
        self._ways: dict[Address, Way] = {}
        self._open = Members(OPEN)
        self._refused = Members(REFUSED)
        self._nowhere = Unknown()
        find = self._find if self._stack is IPV4 else self._find6
        self._entrance: Entrance = relay.listen(sock, self._nowhere, find=find)

    def __len__(self) -> int:
        return len(self._open)

    @staticmethod
    def takes(listener: Listener, gate: Gate) -> bool:
        """Whether it can stand for a listener; one with a gate needs a socket for its filter."""
        return (
            listener.network is Network.CLUSTER
            and listener.protocol is Protocol.TCP
            and gate == NO_GATE
        )

    @property
    def ways(self) -> Mapping[Address, Way]:
        """Where each address and port leads."""
        return self._ways

    def want(self, address: Address, way: Way | None) -> None:
        """From `sync` on, the address leads `way`; None: it is closed."""
        if way is None:
            self._ways.pop(address, None)
        else:
            self._ways[address] = way
        self._open.want(self._key(address), way is not None)

    def refuse(self, listener: Listener, wanted: bool) -> None:
        """From `sync` on, clients of that listener are refused, or no longer."""
        protocol = NUMBERS[listener.protocol]
        key = bytes([protocol, 0, 0, 0]) + self._key((listener.address, listener.port))
        self._refused.want(key, wanted)

    def sync(self) -> None:
        """Open and close what changed. Raises OSError."""
        self._rules.apply([*self._open.changes(), *self._refused.changes()])

    def close(self) -> None:
        """Close the socket; connections that were accepted stay."""
        self._relay.unlisten(self._entrance)

    def _find(self, client: socket.SocketType) -> Way:
        return self._ways.get(client.getsockname(), self._nowhere)

    def _find6(self, client: socket.SocketType) -> Way:
        return self._ways.get(client.getsockname()[:2], self._nowhere)

    def _key(self, address: Address) -> bytes:
        return self._stack.packed(address[0]) + struct.pack("!HH", address[1], 0)


def _chain(target: Address, stack: Stack) -> Iterator[nft.Command]:
    yield nft.AddSet(OPEN, (stack.address, Kind.PORT))
    yield nft.AddSet(REFUSED, (Kind.PROTOCOL, stack.address, Kind.PORT))
    yield nft.AddChain(TRANSLATED)  # whose rule the kernel mode makes
    yield nft.AddChain(CHAIN, nft.Hook("filter", "prerouting", MANGLE))
    yield nft.AddRule(CHAIN, (nft.Go(nft.Verdict.JUMP, TRANSLATED),))
    # Connections that exist first, also of addresses that were closed since; these are also the
    # answers of endpoints to connections made in a client's name. A client that takes a port again
    # which it had a minute ago (TIME_WAIT) isn't one of them: tproxy finds the listener for it.
    transparent = nft.Read(Load.TRANSPARENT), nft.Equal(b"\1")
    yield nft.AddRule(CHAIN, (*GOES_ON, *transparent, *_KEEP))
    # The same for datagrams, and for the errors that endpoints' kernels send instead (ICMP).
    yield nft.AddRule(CHAIN, (*NO_TCP, *transparent, *_KEEP))
    opened = (
        nft.Read(stack.destination, 0),
        nft.Read(Load.DESTINATION_PORT, stack.words),
        nft.Find(OPEN, 0),
    )
    yield nft.AddRule(
        CHAIN,
        (
            *TCP,
            *opened,
            nft.Value(stack.packed(target[0]), 0),
            nft.Value(struct.pack("!H", target[1]), stack.words),
            nft.Redirect(0, stack.words, stack.version),
            *_KEEP,
        ),
    )
    yield from _refusals(CHAIN, stack)
    # Clients in the cluster's own network, for which every such address is local.
    yield nft.AddChain(OUTGOING, nft.Hook("filter", "output", MANGLE))
    yield nft.AddRule(OUTGOING, (*GOES_ON, nft.Go(nft.Verdict.ACCEPT)))
    yield from _refusals(OUTGOING, stack)


def _refusals(chain: str, stack: Stack) -> Iterator[nft.Command]:
    refused = (
        nft.Read(Load.PROTOCOL, 0),
        nft.Read(stack.destination, 1),
        nft.Read(Load.DESTINATION_PORT, 1 + stack.words),
        nft.Find(REFUSED, 0),
    )
    # Connections that exist may go on, as the endpoint they have does (rule 50): they are told
    # apart first, because most packets are of one.
    yield nft.AddRule(chain, (*OPENS, *refused, nft.Refuse(True, version=stack.version)))
    yield nft.AddRule(chain, (*NO_TCP, *refused, nft.Refuse(False, version=stack.version)))
