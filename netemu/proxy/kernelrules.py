"""The chains of the kernel mode: where packets for Services are translated, by maps alone.

A packet's mark names the pool of endpoints that its address and port lead to, with bits that say
whose address the endpoint is to see; the rest of the rules go by the mark. So the rules stay the
same whatever Services there are, but for a chain per number of endpoints and a rule per time that
clients are remembered. nft(8) can show all of it.
"""

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Final

from netemu.model import nft
from netemu.model.nft import (
    AddChain,
    AddElements,
    AddRule,
    AddSet,
    Element,
    Equal,
    Find,
    Go,
    Hook,
    Kind,
    Load,
    Masked,
    Read,
    SetMark,
    Translate,
    Value,
    Verdict,
)

POOL_BITS: Final = 0x00FF_FFFF
"""Of the mark: the number of the pool."""
MASQUERADE: Final = 0x0100_0000
"""The endpoint sees its node, whoever the client is."""
KEEP: Final = 0x0200_0000
"""The endpoint sees the client, whoever it is."""
DROPPED: Final = POOL_BITS
"""The pool of those for whom there is no endpoint though there are some (rule 35)."""

NAMES, LOCAL_NAMES, POOLS, ENDPOINTS = "names", "local-names", "pools", "endpoints"
PLACES, NODES, PODS, HAIRPINS, CLIENTS = "places", "nodes", "pods", "hairpins", "clients"
SERVICES, REMEMBER = "services", "remember"
TRANSLATED: Final = "translated"
"""The chain that keeps translated connections from the rules for new ones."""

_MARK = Kind.MARK
_FRONT = Kind.ADDRESS, Kind.PROTOCOL, Kind.PORT
_BACK = Kind.ADDRESS, Kind.PORT
_DNAT_STATUS: Final = 0x20  # IPS_DST_NAT
_DSTNAT, _SRCNAT = -100, 100


TCP: Final = Read(Load.PROTOCOL), Equal(bytes([socket.IPPROTO_TCP]))
NO_TCP: Final = Read(Load.PROTOCOL), Equal(bytes([socket.IPPROTO_TCP]), negated=True)
_SYN_ACK, _SYN = b"\x12", b"\x02"
OPENS: Final = (*TCP, Read(Load.TCP_FLAGS), Masked(_SYN_ACK), Equal(_SYN))
"""A packet that opens a TCP connection."""
GOES_ON: Final = (*TCP, Read(Load.TCP_FLAGS), Masked(_SYN_ACK), Equal(_SYN, negated=True))
"""One of a connection that exists, whether or not the kernel has kept track of it."""


def number(value: int) -> bytes:
    """As marks and random numbers are: in the machine's byte order."""
    return struct.pack("=I", value)


def _front(register: int) -> tuple[nft.Expression, ...]:
    """What was addressed, into three registers."""
    return (
        Read(Load.DESTINATION, register),
        Read(Load.PROTOCOL, register + 1),
        Read(Load.DESTINATION_PORT, register + 2),
    )


def start(pods: IPv4Network) -> Iterator[nft.Command]:
    """The sets, the maps and the rules that there always are."""
    yield AddSet(NAMES, _FRONT, (_MARK,))
    yield AddSet(LOCAL_NAMES, (_MARK, *_FRONT), (_MARK,))
    yield AddSet(POOLS, (_MARK,), (Kind.VERDICT,))
    yield AddSet(ENDPOINTS, (_MARK, _MARK), _BACK)
    yield AddSet(PLACES, (Kind.ADDRESS,), (_MARK,), ranges=True)
    yield AddSet(NODES, (Kind.ADDRESS,), (Kind.ADDRESS,), ranges=True)
    yield AddSet(PODS, (Kind.ADDRESS,), ranges=True)
    yield AddSet(HAIRPINS, (Kind.ADDRESS, Kind.ADDRESS))
    yield AddSet(CLIENTS, (_MARK, Kind.ADDRESS), _BACK, expiring=True)
    first, last = pods.network_address.packed, pods.broadcast_address.packed
    yield AddElements(PODS, [Element(first, last=last)])
    yield AddElements(POOLS, [Element(number(DROPPED), Go(Verdict.DROP))])
    yield from _services()
    yield from _sources()
    yield AddChain(TRANSLATED)
    yield AddRule(
        TRANSLATED,
        (
            Read(Load.STATUS),
            Masked(number(_DNAT_STATUS)),
            Equal(number(0), negated=True),
            Go(Verdict.ACCEPT),
        ),
    )


def _services() -> Iterator[nft.Command]:
    yield AddChain(SERVICES)
    # What is on its way to a transparent socket keeps its mark.
    relayed = Masked(number(nft.TRANSPARENT_MARK)), Equal(number(0), negated=True)
    yield AddRule(SERVICES, (Read(Load.MARK), *relayed, Go(Verdict.RETURN)))
    yield AddRule(SERVICES, (*GOES_ON, Go(Verdict.RETURN)))
    yield AddRule(SERVICES, (Value(number(0)), SetMark()))
    yield AddRule(SERVICES, (Read(Load.SOURCE), Find(PLACES, 0, into=0), SetMark()))
    decide = SetMark(4), Read(Load.MARK, 0), Find(POOLS, 0, decides=True)
    local = Read(Load.MARK, 0), *_front(1), Find(LOCAL_NAMES, 0, into=4)
    yield AddRule(SERVICES, (*local, *decide))
    yield AddRule(SERVICES, (*_front(0), Find(NAMES, 0, into=4), *decide))
    for hook in ("prerouting", "output"):
        yield AddChain(f"nat-{hook}", Hook("nat", hook, _DSTNAT))
        yield AddRule(f"nat-{hook}", (Go(Verdict.JUMP, SERVICES),))


def _sources() -> Iterator[nft.Command]:
    """Whose address the endpoint sees: rule 37, and the node where a pod reaches itself."""
    yield AddChain(REMEMBER)
    yield AddChain("nat-postrouting", Hook("nat", "postrouting", _SRCNAT))
    to_node = Read(Load.DESTINATION), Find(NODES, 0, into=0), Translate(0, source=True)
    hairpin = Read(Load.SOURCE, 0), Read(Load.DESTINATION, 1), Find(HAIRPINS, 0)
    always = Read(Load.MARK), Masked(number(MASQUERADE)), Equal(number(0), negated=True)
    never = Read(Load.MARK), Masked(number(KEEP)), Equal(number(0))
    dnat = Read(Load.STATUS), Masked(number(_DNAT_STATUS)), Equal(number(0), negated=True)
    no_pod = Read(Load.SOURCE), Find(PODS, 0, negated=True)
    for rule in (
        (*dnat, Go(Verdict.JUMP, REMEMBER)),
        (*dnat, *hairpin, *to_node),
        (*dnat, *always, *to_node),
        (*dnat, *never, *no_pod, *to_node),
    ):
        yield AddRule("nat-postrouting", rule)


def chain(endpoints: int, *, sticky: bool) -> str:
    """The name of the chain that chooses among so many endpoints."""
    return f"{'sticky' if sticky else 'any'}-of-{endpoints}"


def choose(endpoints: int, *, sticky: bool) -> Iterator[nft.Command]:
    """That chain."""
    name = chain(endpoints, sticky=sticky)
    pool = Read(Load.MARK, 0), Masked(number(POOL_BITS), 0)
    yield AddChain(name)
    if sticky:
        known = Read(Load.SOURCE, 1), Find(CLIENTS, 0, into=4), Translate(4, 5)
        yield AddRule(name, (*pool, *known))
    chance = nft.Random(endpoints, 1), Find(ENDPOINTS, 0, into=4), Translate(4, 5)
    yield AddRule(name, (*pool, *chance))


def remembering(seconds: int) -> str:
    """The name of the set of pools whose clients are remembered so long."""
    return f"sticky-{seconds}s"


def remember(seconds: int) -> Iterator[nft.Command]:
    """That set, and the rule: every new connection restarts the clock (rule 46)."""
    yield AddSet(remembering(seconds), (_MARK,))
    rule = (
        Read(Load.MARK, 0),
        Masked(number(POOL_BITS), 0),
        Find(remembering(seconds), 0),
        Read(Load.MARK, 0),
        Masked(number(POOL_BITS), 0),
        Read(Load.SOURCE, 1),
        Read(Load.DESTINATION, 4),
        Read(Load.DESTINATION_PORT, 5),
        nft.Remember(CLIENTS, 0, 4, seconds),
    )
    yield AddRule(REMEMBER, rule)


def front(address: str, protocol: int, port: int) -> bytes:
    """A key for what is addressed."""
    return socket.inet_aton(address) + struct.pack("!BxxxHxx", protocol, port)


def back(address: str, port: int) -> bytes:
    """An endpoint as a map gives it."""
    return socket.inet_aton(address) + struct.pack("!Hxx", port)
