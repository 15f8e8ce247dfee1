"""Static names, from an ``/etc/hosts``-like file and from lines in the Corefile.

As CoreDNS' ``hosts``: a name of the table that lacks the asked type has no data; one that isn't in
it goes to the next step or fails, and is never denied, since the table says nothing of others.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from netemu.dns.answer import FAILED, Answer
from netemu.dns.chain import Hosts
from netemu.dns.names import address_in
from netemu.dns.records import (
    Name,
    Question,
    Record,
    Source,
    Type,
    lowered,
    name_from,
    within,
)

ANY_LABEL = b"*"
"""Stands for one label (``*.example.com``)."""
MOST_LINES = 100_000
"""Read of one table; ad-block lists have that many."""


def table(
    lines: Iterable[str], *, reverse: bool = True
) -> tuple[dict[Name, tuple[str, ...]], dict[str, tuple[Name, ...]]]:
    """Addresses by name, and names by address; lines that say nothing are left out, as in libc."""
    addresses: dict[Name, tuple[str, ...]] = {}
    names: dict[str, tuple[Name, ...]] = {}
    for number, line in enumerate(lines):
        if number >= MOST_LINES:
            break
        words = line.partition("#")[0].split()
        for address, name in _pairs(words):
            if address not in (have := addresses.get(name, ())):
                addresses[name] = (*have, address)
            if reverse and name[0] != ANY_LABEL and name not in (known := names.get(address, ())):
                names[address] = (*known, name)
    return addresses, names


def _pairs(words: list[str]) -> list[tuple[str, Name]]:
    try:
        address = str(ip_address(words[0].partition("%")[0])) if words else ""
    except ValueError:
        return []
    pairs = []
    for word in words[1:]:
        try:
            pairs.append((address, lowered(name_from(word))))
        except ValueError:
            continue
    return pairs


def hosted_answer(hosts: Hosts, question: Question) -> Answer | None:
    """What the table says; None leaves the question to the next step."""
    name = lowered(question.name)
    if question.type == Type.PTR:  # of others they are left to the next step in any case
        pointed = hosts.names.get(address_in(name), ())
        reverse = [Record(question.name, Type.PTR, hosts.ttl, to) for to in pointed]
        return _given(reverse) if reverse else None
    if not any(within(name, zone) for zone in hosts.zones):
        return None
    known = hosts.addresses.get(name) or hosts.addresses.get((ANY_LABEL, *name[1:]))
    through = any(within(name, zone) for zone in hosts.passed)
    if known is not None:
        if hosts.passes_types and through and question.type not in ADDRESSES:
            return None
        every = (_record(question.name, address, hosts.ttl) for address in known)
        return _given([record for record in every if record.type == question.type])
    # There is no SOA to deny with, so CoreDNS fails where nothing else may answer.
    return None if through else FAILED


ADDRESSES = (Type.A, Type.AAAA)


def _given(records: list[Record]) -> Answer:
    return Answer(records=tuple(records), source=Source.HOSTS)


def _record(owner: Name, address: str, ttl: int) -> Record:
    if ":" in address:
        return Record(owner, Type.AAAA, ttl, IPv6Address(address).packed)
    return Record(owner, Type.A, ttl, IPv4Address(address).packed)
