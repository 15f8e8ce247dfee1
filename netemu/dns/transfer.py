"""A whole zone, record by record, for secondary servers (AXFR, RFC 5936; IXFR answered in full).

Off unless the Corefile says ``transfer``. The messages are made one at a time, so a client that
reads slowly holds up nobody and a large zone is never in memory at once. Everything is found as a
query would find it, endpoint names included, in one snapshot from the first SOA to the last.
"""

from collections.abc import Iterator

from netemu.dns import wire
from netemu.dns.answer import Answer, answer
from netemu.dns.chain import Block
from netemu.dns.consult import Consultation
from netemu.dns.domain import Domain
from netemu.dns.names import reverse_name
from netemu.dns.records import Name, Question, Record, Type, lowered
from netemu.model.service import ServiceType
from netemu.model.snapshot import ServiceEntry

RECORDS_A_MESSAGE = 200
"""Records in one message: a few KiB, made in about a millisecond."""


def transferred(
    consultation: Consultation, query: wire.Query, packet: bytes
) -> Iterator[bytes] | None:
    """The messages of a transfer; None if it is refused."""
    name = lowered(query.question.name)
    block = consultation.configuration.block_of(name)
    domain = _domain(block, name, consultation.client)
    if domain is None or not consultation.snapshot.synced:
        return None
    records = zone_records(consultation, domain, query.question.name)
    return _messages(query, packet, records)


def _domain(block: Block | None, name: Name, client: str) -> Domain | None:
    """The domain whose zone it is, if `client` may have it."""
    if block is None or block.transfer is None or block.kubernetes is None:
        return None
    transfer, kubernetes = block.transfer, block.kubernetes
    if transfer.clients is not None and client not in transfer.clients:
        return None
    apexes = {*(domain.zone for domain in kubernetes.domains), *kubernetes.reverse}
    if name not in apexes or name not in transfer.zones:
        return None
    return kubernetes.domain_of(name)


def _messages(query: wire.Query, packet: bytes, records: Iterator[Record]) -> Iterator[bytes]:
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == RECORDS_A_MESSAGE:
            yield _message(query, packet, batch)
            batch = []
    if batch:
        yield _message(query, packet, batch)


def _message(query: wire.Query, packet: bytes, batch: list[Record]) -> bytes:
    made = wire.build(query, Answer(records=tuple(batch)), wire.STREAM_LIMIT)
    return made.with_id(packet[:2])


def zone_records(consultation: Consultation, domain: Domain, apex: Name) -> Iterator[Record]:
    """Every record of the zone, the SOA first and last, each of the others once."""

    def ask(name: Name, kind: Type) -> tuple[Record, ...]:
        return answer(
            consultation.snapshot, Question(name, kind), domain, consultation.view
        ).records

    soa = ask(apex, Type.SOA)
    yield from soa
    yield from ask(apex, Type.NS)
    if lowered(apex) == domain.zone:
        yield from ask((b"dns-version", *apex), Type.TXT)
        yield from ask((b"ns", b"dns", *apex), Type.A)
        yield from ask((b"ns", b"dns", *apex), Type.AAAA)
        for key, entry in consultation.snapshot.services.items():
            service = (key[1].encode(), key[0].encode(), b"svc", *apex)
            for name, kinds in _names_of(entry, domain, service):
                for kind in kinds:
                    yield from _own(ask(name, kind), name)
    else:
        for address in consultation.snapshot.owners:
            name = reverse_name(consultation.view.shown(address))
            if name[len(name) - len(apex) :] == lowered(apex):
                yield from ask((*name[: len(name) - len(apex)], *apex), Type.PTR)
    yield from soa


def _own(records: tuple[Record, ...], name: Name) -> Iterator[Record]:
    """Those of `name` itself: an alias is told, not followed."""
    return (record for record in records if record.owner == name)


def _names_of(
    entry: ServiceEntry, domain: Domain, service: Name
) -> Iterator[tuple[Name, tuple[Type, ...]]]:
    if entry.service.type is ServiceType.EXTERNAL_NAME:
        yield service, (Type.CNAME,)
        return
    every = (Type.A, Type.AAAA, Type.SRV)
    yield service, every
    ready = list(domain.ready(entry))
    for host in dict.fromkeys(domain.host(endpoint) for _, endpoint in ready):
        yield (host.encode(), *service), every
    named = {(port.name, port.protocol): None for port in entry.service.ports}
    named |= {(port.name, port.protocol): None for part in entry.slices for port in part.ports}
    for port, protocol in named:
        if port:
            yield (f"_{port}".encode(), f"_{protocol.lower()}".encode(), *service), (Type.SRV,)
