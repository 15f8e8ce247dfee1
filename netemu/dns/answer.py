"""A question and a snapshot give an answer: records, response code, and what it was read from.

`BUILDERS` lists the record types that are served. For any other type a name that exists has no
data (NODATA) and a name that doesn't is denied (NXDOMAIN), both with the SOA of the zone
(RFC 2308). Never NXDOMAIN for a missing family: resolvers would drop the other one.
"""

from collections.abc import Callable
from socket import AF_INET, AF_INET6, inet_pton
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from netemu.dns.domain import Domain
from netemu.dns.names import locate
from netemu.dns.nodes import Finder, Node, View
from netemu.dns.reading import Part, Reading
from netemu.dns.records import (
    IN,
    EdnsOption,
    Name,
    Question,
    Rcode,
    Record,
    Soa,
    Source,
    Srv,
    Type,
    lowered,
)
from netemu.model.snapshot import Snapshot

VERSION_TTL = 28800
"""Seconds for ``dns-version``; what kube-dns and CoreDNS say."""
LONGEST_CHAIN = 10
"""CNAMEs that are followed (CoreDNS' bound)."""
TRANSFERS = (Type.AXFR, Type.IXFR)


class Answer(Struct, frozen=True, kw_only=True):
    """What to reply."""

    rcode: Rcode = Rcode.NOERROR
    authoritative: bool = True
    records: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    truncated: bool = False
    """Another server's part of it was cut."""
    authentic: bool = False
    """Another server vouches for it (AD, RFC 4035 §3.2.3)."""
    elsewhere: Name | None = None
    """The name that another server may know more of: one outside our zones, one of the reverse
    trees that nobody here holds, or the end of a CNAME chain."""
    parts: tuple[Part, ...] = ()
    """What of the snapshot it was read from."""
    shared: bool = True
    """Every client would get it."""
    source: Source = Source.CLUSTER
    walked: bool = False
    """It is of a name further down a search list."""
    options: tuple[EdnsOption, ...] = ()
    """For the OPT record of the reply, if it has one."""


REFUSED = Answer(rcode=Rcode.REFUSED, authoritative=False, source=Source.SERVER)
FAILED = Answer(rcode=Rcode.SERVFAIL, authoritative=False, source=Source.SERVER)


class Asked(Struct, frozen=True):
    """One question at work."""

    question: Question
    origin: Name
    """The zone it falls into, in the question's spelling."""
    finder: Finder
    serial: int


Sections: TypeAlias = tuple[list[Record], list[Record]]
"""Answer and additional records."""
Builder: TypeAlias = Callable[[Asked, Node, Name], Sections]
"""Makes the records of one type for a node, owned by a name."""


def answer(snapshot: Snapshot, question: Question, domain: Domain, view: View) -> Answer:
    """The answer to `question`, as a client with that view gets it."""
    if question.klass != IN:
        return REFUSED
    place = locate(question.name, domain.zone, domain.reverse)
    if place is None:
        return replace(REFUSED, elsewhere=question.name)
    if question.type in TRANSFERS:
        return REFUSED
    origin, target = place
    finder = Finder(Reading(snapshot), domain, view)
    asked = Asked(question, origin, finder, snapshot.revision & 0xFFFFFFFF)
    node = finder.find(target)
    if node is None:
        foreign = question.name if lowered(origin) != domain.zone else None
        return _denied(asked, elsewhere=foreign)
    if node.alias and question.type in CHASED:
        return _chased(asked, node)
    builder = BUILDERS.get(question.type)
    records, additional = builder(asked, node, question.name) if builder else ([], [])
    return _given(asked, records, additional)


def _given(asked: Asked, records: list[Record], additional: list[Record]) -> Answer:
    return Answer(
        records=tuple(records),
        additional=tuple(additional),
        authority=() if records else (_soa(asked),),
        parts=tuple(asked.finder.reading.parts),
    )


def _denied(
    asked: Asked, links: list[Record] | None = None, *, elsewhere: Name | None = None
) -> Answer:
    """Before the first list is in we don't know, so we must not deny."""
    synced = asked.finder.reading.is_synced()
    # A dangling alias inside the zone: the CNAME with NOERROR is what CoreDNS' users wished for.
    denial = Rcode.NOERROR if links else Rcode.NXDOMAIN
    return Answer(
        rcode=denial if synced else Rcode.SERVFAIL,
        records=tuple(links or ()),
        authority=(_soa(asked),),
        elsewhere=elsewhere,
        parts=tuple(asked.finder.reading.parts),
    )


def _chased(asked: Asked, node: Node) -> Answer:
    """Follow ExternalName Services inside the zone: the CNAMEs in order, then the records."""
    question, finder = asked.question, asked.finder
    owner, links, seen = question.name, list[Record](), set[Name]()
    while node.alias and lowered(owner) not in seen and len(links) < LONGEST_CHAIN:
        seen.add(lowered(owner))
        links.append(Record(owner, Type.CNAME, finder.domain.ttl, node.alias))
        owner = node.alias
        place = locate(owner, finder.domain.zone, finder.domain.reverse)
        if place is None:
            return Answer(records=tuple(links), elsewhere=owner, parts=tuple(finder.reading.parts))
        found = finder.find(place[1])
        if found is None:
            return _denied(asked, links)
        node = found
    records, _ = BUILDERS[question.type](asked, node, owner)
    made = _given(asked, [*links, *records], [])
    return made if records else _without_data(made, asked)


def _without_data(made: Answer, asked: Asked) -> Answer:
    return Answer(records=made.records, authority=(_soa(asked),), parts=made.parts)


def _soa(asked: Asked) -> Record:
    ttl = asked.finder.domain.ttl
    soa = Soa(lowered(asked.origin), asked.serial, ttl)
    return Record(asked.origin, Type.SOA, ttl, soa)


def _address(owner: Name, address: str, ttl: int) -> Record:
    if ":" in address:
        return Record(owner, Type.AAAA, ttl, inet_pton(AF_INET6, address))
    return Record(owner, Type.A, ttl, inet_pton(AF_INET, address))


def _addresses_of(wanted: Type) -> Builder:
    def build(asked: Asked, node: Node, owner: Name) -> Sections:
        ttl = asked.finder.domain.ttl
        every = (_address(owner, address, ttl) for address in node.addresses)
        return [record for record in every if record.type is wanted], []

    return build


def _services(asked: Asked, node: Node, owner: Name) -> Sections:
    """One record per (target, port), and the addresses of just those targets, both families.

    Weights are CoreDNS': 100 shared by all places, at least 1 (0 would mean "hardly ever").
    """
    ttl = asked.finder.domain.ttl
    weight = max(1, 100 // max(1, len(node.places)))
    pairs = dict.fromkeys((place.target, place.port) for place in node.places)
    glue = dict.fromkeys((place.target, place.address) for place in node.places)
    return (
        [Record(owner, Type.SRV, ttl, Srv(weight, port, target)) for target, port in pairs],
        [_address(target, address, ttl) for target, address in glue],
    )


def _pointers(asked: Asked, node: Node, owner: Name) -> Sections:
    ttl = asked.finder.domain.ttl
    return [Record(owner, Type.PTR, ttl, name) for name in node.names], []


def _alias(asked: Asked, node: Node, owner: Name) -> Sections:
    """The first link only."""
    ttl = asked.finder.domain.ttl
    return [Record(owner, Type.CNAME, ttl, node.alias)] if node.alias else [], []


def _text(_: Asked, node: Node, owner: Name) -> Sections:
    record = Record(owner, Type.TXT, VERSION_TTL, node.text.encode())
    return [record] if node.text else [], []


def _authority(asked: Asked, node: Node, _: Name) -> Sections:
    return [_soa(asked)] if node.apex else [], []


def _name_servers(asked: Asked, node: Node, owner: Name) -> Sections:
    if not node.apex:
        return [], []
    ttl = asked.finder.domain.ttl
    name, addresses = asked.finder.name_server()
    return [Record(owner, Type.NS, ttl, name)], [_address(name, ip, ttl) for ip in addresses]


BUILDERS: dict[int, Builder] = {
    Type.A: _addresses_of(Type.A),
    Type.AAAA: _addresses_of(Type.AAAA),
    Type.CNAME: _alias,
    Type.NS: _name_servers,
    Type.PTR: _pointers,
    Type.SOA: _authority,
    Type.SRV: _services,
    Type.TXT: _text,
}
"""The record types that are served."""

CHASED = (Type.A, Type.AAAA, Type.TXT)
"""Types for which an ExternalName is followed; for others it has no data, as with CoreDNS."""
