"""The chains of the kernel mode: where packets for Services are translated, by maps alone.

A packet's mark names the pool of endpoints that its address and port lead to, with bits that say
whose address the endpoint is to see; the rest of the rules go by the mark. So the rules stay the
same whatever Services there are, but for a chain per number of endpoints and a rule per time that
clients are remembered. nft(8) can show all of it.
"""

import struct
from collections.abc import Iterator
from typing import Final

from netemu.model import nft
from netemu.model.addressing import IpNetwork
from netemu.model.nft import (
    IPV4,
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
    Stack,
    Translate,
    Value,
    Verdict,
)
from netemu.proxy.catchall import GOES_ON, TRANSLATED

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
SERVICES, LOCAL, REMEMBER = "services", "local", "remember"

_MARK = Kind.MARK
_DNAT_STATUS: Final = 0x20  # IPS_DST_NAT
_DSTNAT, _SRCNAT = -100, 100


def number(value: int) -> bytes:
    """As marks and random numbers are: in the machine's byte order."""
    return struct.pack("=I", value)


def _front(stack: Stack, register: int) -> tuple[nft.Expression, ...]:
    """What was addressed, into registers: as many as an address fills, and two more."""
    after = register + stack.words
    return (
        Read(stack.destination, register),
        Read(Load.PROTOCOL, after),
        Read(Load.DESTINATION_PORT, after + 1),
    )


def start(pods: IpNetwork, stack: Stack = IPV4) -> Iterator[nft.Command]:
    """The sets, the maps and the rules that there always are."""
    address = stack.address
    named, behind = (address, Kind.PROTOCOL, Kind.PORT), (address, Kind.PORT)
    yield AddSet(NAMES, named, (_MARK,))
    yield AddSet(LOCAL_NAMES, (_MARK, *named), (_MARK,))
    yield AddSet(POOLS, (_MARK,), (Kind.VERDICT,))
    yield AddSet(ENDPOINTS, (_MARK, _MARK), behind)
    yield AddSet(PLACES, (address,), (_MARK,), ranges=True)
    yield AddSet(NODES, (address,), (address,), ranges=True)
    yield AddSet(PODS, (address,), ranges=True)
    yield AddSet(HAIRPINS, (address, address))
    yield AddSet(CLIENTS, (_MARK, address), behind, expiring=True)
    first, last = pods.network_address.packed, pods.broadcast_address.packed
    yield AddElements(PODS, [Element(first, last=last)])
    yield AddElements(POOLS, [Element(number(DROPPED), Go(Verdict.DROP))])
    yield from _services(stack)
    yield from _sources(stack)
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


def _services(stack: Stack) -> Iterator[nft.Command]:
    yield AddChain(SERVICES)
    # What is on its way to a transparent socket keeps its mark.
    relayed = Masked(number(nft.TRANSPARENT_MARK)), Equal(number(0), negated=True)
    yield AddRule(SERVICES, (Read(Load.MARK), *relayed, Go(Verdict.RETURN)))
    yield AddRule(SERVICES, (*GOES_ON, Go(Verdict.RETURN)))
    yield AddChain(LOCAL)
    yield AddRule(SERVICES, (Go(Verdict.JUMP, LOCAL),))
    found = stack.words + 3
    yield AddRule(SERVICES, (*_front(stack, 0), Find(NAMES, 0, into=found), *_decide(found)))
    for hook in ("prerouting", "output"):
        yield AddChain(f"nat-{hook}", Hook("nat", hook, _DSTNAT))
        yield AddRule(f"nat-{hook}", (Go(Verdict.JUMP, SERVICES),))


def _decide(found: int) -> tuple[nft.Expression, ...]:
    """Go on as the mark says that was found."""
    return SetMark(found), Read(Load.MARK, 0), Find(POOLS, 0, decides=True)


def local(stack: Stack = IPV4) -> Iterator[nft.Command]:
    """The rules for clients whose place matters; there are none before it does to some Service,
    because every connection would pay for them.
    """
    yield AddRule(LOCAL, (Value(number(0)), SetMark()))
    yield AddRule(LOCAL, (Read(stack.source), Find(PLACES, 0, into=0), SetMark()))
    found = stack.words + 3
    named = Read(Load.MARK, 0), *_front(stack, 1), Find(LOCAL_NAMES, 0, into=found)
    yield AddRule(LOCAL, (*named, *_decide(found)))


def _sources(stack: Stack) -> Iterator[nft.Command]:
    """Whose address the endpoint sees: rule 37, and the node where a pod reaches itself."""
    yield AddChain(REMEMBER)
    yield AddChain("nat-postrouting", Hook("nat", "postrouting", _SRCNAT))
    translate = Translate(0, source=True, version=stack.version)
    to_node = Read(stack.destination), Find(NODES, 0, into=0), translate
    hairpin = Read(stack.source, 0), Read(stack.destination, stack.words), Find(HAIRPINS, 0)
    always = Read(Load.MARK), Masked(number(MASQUERADE)), Equal(number(0), negated=True)
    never = Read(Load.MARK), Masked(number(KEEP)), Equal(number(0))
    no_dnat = Read(Load.STATUS), Masked(number(_DNAT_STATUS)), Equal(number(0))
    no_pod = Read(stack.source), Find(PODS, 0, negated=True)
    for rule in (
        (*no_dnat, Go(Verdict.RETURN)),
        (Go(Verdict.JUMP, REMEMBER),),
        (*hairpin, *to_node),
        (*always, *to_node),
        (*never, *no_pod, *to_node),
    ):
        yield AddRule("nat-postrouting", rule)


def chain(endpoints: int, *, sticky: bool) -> str:
    """The name of the chain that chooses among so many endpoints."""
    return f"{'sticky' if sticky else 'any'}-of-{endpoints}"


def choose(endpoints: int, *, sticky: bool, stack: Stack = IPV4) -> Iterator[nft.Command]:
    """That chain."""
    found = stack.words + 3
    to_found = Translate(found, found + stack.words, version=stack.version)
    name = chain(endpoints, sticky=sticky)
    pool = Read(Load.MARK, 0), Masked(number(POOL_BITS), 0)
    yield AddChain(name)
    if sticky:
        known = Read(stack.source, 1), Find(CLIENTS, 0, into=found), to_found
        yield AddRule(name, (*pool, *known))
    index = nft.Random(endpoints, 1) if endpoints > 1 else Value(number(0), 1)
    chance = index, Find(ENDPOINTS, 0, into=found), to_found
    yield AddRule(name, (*pool, *chance))


def remembering(seconds: int) -> str:
    """The name of the set of pools whose clients are remembered so long."""
    return f"sticky-{seconds}s"


def remember(seconds: int, stack: Stack = IPV4) -> Iterator[nft.Command]:
    """That set, and the rule: every new connection restarts the clock (rule 46)."""
    found = stack.words + 3
    yield AddSet(remembering(seconds), (_MARK,))
    rule = (
        Read(Load.MARK, 0),
        Masked(number(POOL_BITS), 0),
        Find(remembering(seconds), 0),
        Read(Load.MARK, 0),
        Masked(number(POOL_BITS), 0),
        Read(stack.source, 1),
        Read(stack.destination, found),
        Read(Load.DESTINATION_PORT, found + stack.words),
        nft.Remember(CLIENTS, 0, found, seconds),
    )
    yield AddRule(REMEMBER, rule)


def front(address: str, protocol: int, port: int, stack: Stack = IPV4) -> bytes:
    """A key for what is addressed."""
    return stack.packed(address) + struct.pack("!BxxxHxx", protocol, port)


def back(address: str, port: int, stack: Stack = IPV4) -> bytes:
    """An endpoint as a map gives it."""
    return stack.packed(address) + struct.pack("!Hxx", port)
