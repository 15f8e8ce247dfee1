"""DNS messages as octets: queries read, replies written (RFC 1035 §4, EDNS in RFC 6891).

Written by hand: labels are octet strings (dnslib refuses those that aren't UTF-8), hostile input
must cost bounded work, and each query that misses the reply table pays for this (half of dnslib's
time). Reading follows no compression pointer, so nothing can loop: the only name that is needed,
the question's, has nothing before it to point to.
"""

import struct
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from netemu.dns.answer import Answer
from netemu.dns.records import (
    LONGEST_NAME,
    EdnsOption,
    Name,
    Question,
    Rcode,
    Record,
    Soa,
    Srv,
    Type,
    Wire,
)

HEADER = struct.Struct("!6H")
RECORD = struct.Struct("!2HIH")
"""Type, class, TTL and length of data: what follows the owner of a record."""
_QUESTION = struct.Struct("!2H")
_OPT = struct.Struct("!B2HIH")
_OPTION = struct.Struct("!2H")
"""Code and length of an option."""

QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
_OPCODE = 0x7800
_DO = 0x8000
"""Within the TTL of an OPT record."""

PLAIN_LIMIT = 512
"""Octets of a UDP message without EDNS (RFC 1035 §2.3.4)."""
UDP_LIMIT = 65507
"""Octets that fit a datagram, whatever a client says it takes."""
STREAM_LIMIT = 65535
"""Octets that the length prefix of TCP can tell."""
OUR_SIZE = 1232
"""The size we announce: what passes unfragmented anywhere (DNS flag day 2020)."""
MOST_RECORDS = (1, 1, 2)
"""Answer, authority and additional records in a query; more are refused, as CoreDNS does."""


class Unanswerable(Exception):
    """Not to be answered at all: too short for a header, or itself a reply."""


class Malformed(Exception):
    """To be answered with `rcode` and nothing else."""

    def __init__(self, rcode: Rcode) -> None:
        super().__init__(rcode.name)
        self.rcode = rcode


class Edns(Struct, frozen=True):
    """What the client's OPT record says."""

    size: int
    version: int
    dnssec_ok: bool
    plain: bool
    """Without options. Cookies and padding differ each time, so such replies aren't kept."""
    octets: bytes = b""
    """The options as they came."""

    @property
    def options(self) -> tuple[EdnsOption, ...]:
        """The options, as far as they can be read."""
        found, at = [], 0
        while at + 4 <= len(self.octets):
            code, size = _OPTION.unpack_from(self.octets, at)
            found.append((code, self.octets[at + 4 : at + 4 + size]))
            at += 4 + size
        return tuple(found)


class Query(Struct, frozen=True):
    """One query."""

    flags: int
    question: Question
    asked: bytes
    """The question as it came, to be echoed octet for octet."""
    edns: Edns | None

    @property
    def limit(self) -> int:
        """Octets that a UDP reply may have."""
        return (
            PLAIN_LIMIT if self.edns is None else min(max(self.edns.size, PLAIN_LIMIT), UDP_LIMIT)
        )


class Reply(Struct, frozen=True):
    """A reply without its id. Its address records may be sent in any order."""

    head: bytes
    """Flags to the last record before the addresses."""
    addresses: tuple[bytes, ...]
    """Records of one size each, independent of where they stand."""
    sent: int
    """How many of them fit."""
    tail: bytes
    serial_at: int | None
    """Where the SOA serial is, counted from the id."""

    def with_id(self, ident: bytes) -> bytes:
        """The whole of it, addresses in the order they have."""
        return b"".join((ident, self.head, *self.addresses[: self.sent], self.tail))


def parse(packet: bytes) -> Query:
    """Read a query. Raises Unanswerable, Malformed."""
    if len(packet) < HEADER.size:
        raise Unanswerable
    _, flags, questions, *others = HEADER.unpack_from(packet)
    if flags & QR:
        raise Unanswerable
    if flags & _OPCODE:
        raise Malformed(Rcode.NOTIMP)
    if questions != 1 or any(have > most for have, most in zip(others, MOST_RECORDS, strict=True)):
        raise Malformed(Rcode.FORMERR)
    try:
        name, end = _question_name(packet, HEADER.size)
        kind, klass = _QUESTION.unpack_from(packet, end)
        end += _QUESTION.size
        edns = _edns(packet, end, others) if any(others) else None
    except (IndexError, struct.error):  # it ends too early
        raise Malformed(Rcode.FORMERR) from None
    return Query(flags, Question(name, kind, klass), packet[HEADER.size : end], edns)


def _question_name(packet: bytes, at: int) -> tuple[Name, int]:
    labels, start = [], at
    while size := packet[at]:
        at += 1
        if size > 63:  # a pointer, or a kind of label that was never used
            raise Malformed(Rcode.FORMERR)
        labels.append(packet[at : at + size])
        at += size
    if at + 1 - start > LONGEST_NAME:
        raise Malformed(Rcode.FORMERR)
    return tuple(labels), at + 1


def _edns(packet: bytes, at: int, counts: list[int]) -> Edns | None:
    """Find the OPT record among the records after the question; there may be one (RFC 6891)."""
    before = counts[0] + counts[1]
    found: Edns | None = None
    for number in range(sum(counts)):
        owner, at = at, _after_name(packet, at)
        kind, klass, ttl, size = RECORD.unpack_from(packet, at)
        at += RECORD.size + size
        if at > len(packet):
            raise Malformed(Rcode.FORMERR)
        if kind == Type.OPT:
            if found is not None or packet[owner] or number < before:
                raise Malformed(Rcode.FORMERR)
            version, options = (ttl >> 16) & 0xFF, packet[at - size : at]
            found = Edns(klass, version, bool(ttl & _DO), size == 0, options)
    return found


def _after_name(packet: bytes, at: int) -> int:
    while size := packet[at]:
        if size >= 0xC0:
            return at + 2
        if size > 63:
            raise Malformed(Rcode.FORMERR)
        at += 1 + size
    return at + 1


def query(ident: int, flags: int, question: Question, *, dnssec_ok: bool | None) -> bytes:
    """A query of ours to another server; with an OPT record unless `dnssec_ok` is None."""
    opt = b""
    if dnssec_ok is not None:
        opt = _opt(Edns(OUR_SIZE, 0, dnssec_ok, True), Rcode.NOERROR, question.options)
    name = b"".join(bytes([len(label)]) + label for label in (*question.name, b""))
    head = HEADER.pack(ident, flags, 1, 0, 0, 1 if opt else 0)
    return head + name + _QUESTION.pack(question.type, question.klass) + opt


def refusal(packet: bytes, rcode: Rcode) -> bytes:
    """A reply of just a header, for a query that couldn't be read."""
    flags = int.from_bytes(packet[2:4], "big")
    return packet[:2] + HEADER.pack(0, QR | flags & (_OPCODE | RD) | rcode, 0, 0, 0, 0)[2:]


def build(query: Query, answer: Answer, limit: int) -> Reply:
    """Write the reply, at most `limit` octets: what doesn't fit is cut between records, with TC.

    Glue that doesn't fit sets TC as well, as with CoreDNS: the client gets it all by TCP.
    """
    opt = _opt(query.edns, answer.rcode, answer.options) if query.edns else b""
    writer = _Writer(query, limit - len(opt))
    fixed = len(answer.records) - _trailing_addresses(answer)
    written = writer.add(answer.records[:fixed])
    addresses = () if writer.full else writer.addresses(answer.records[fixed:])
    if addresses is None:
        written, addresses = written + writer.add(answer.records[fixed:]), ()
    sent = writer.room_for(addresses)
    authority = writer.add(answer.authority)
    additional = writer.add(answer.additional) + bool(opt)
    flags = QR | RA | query.flags & (RD | CD) | answer.rcode & 0xF
    flags |= (AA if answer.authoritative else 0) | (TC if writer.full or answer.truncated else 0)
    if answer.authentic and (query.flags & AD or (query.edns and query.edns.dnssec_ok)):
        flags |= AD  # only told to whoever understands it (RFC 6840 §5.7)
    HEADER.pack_into(writer.out, 0, 0, flags, 1, written + sent, authority, additional)
    return Reply(bytes(writer.out[2:]), addresses, sent, opt, writer.serial_at)


def _trailing_addresses(answer: Answer) -> int:
    """How many records may change places: those of the one set of addresses at the end of a reply
    of only answers.
    """
    records = answer.records
    if answer.authority or answer.additional or not records:
        return 0
    last, count = records[-1], 0
    if last.type not in _ADDRESSES:
        return 0
    for record in reversed(records):
        if record.type != last.type or record.owner != last.owner or isinstance(record.data, Wire):
            break
        count += 1
    return count


def _opt(edns: Edns, rcode: Rcode, options: tuple[EdnsOption, ...]) -> bytes:
    flags = (rcode >> 4) << 24 | (_DO if edns.dnssec_ok else 0)
    written = b"".join([_OPTION.pack(code, len(data)) + data for code, data in options])
    return _OPT.pack(0, Type.OPT, OUR_SIZE, flags, len(written)) + written


_ADDRESSES = (Type.A, Type.AAAA)


def _address(record: Record) -> bytes:
    assert isinstance(record.data, bytes)
    return RECORD.pack(record.type, 1, record.ttl, len(record.data)) + record.data


class _Writer:
    """Records one after another, with compressed names, until one doesn't fit."""

    def __init__(self, query: Query, limit: int) -> None:
        self.out = bytearray(HEADER.size) + query.asked
        self.full = False
        self.serial_at: int | None = None
        self._limit = limit
        self._known: dict[Name, int] = {}
        self._remember(query.question.name, HEADER.size)

    def add(self, records: tuple[Record, ...]) -> int:
        """Write what fits; how many did."""
        for number, record in enumerate(records):
            if self.full:
                return number
            mark = len(self.out)
            self._record(record)
            if len(self.out) > self._limit:
                del self.out[mark:]
                self.full = True
                return number
        return len(records)

    def addresses(self, records: tuple[Record, ...]) -> tuple[bytes, ...] | None:
        """Address records of one owner, each the same wherever it stands; None if that name was
        not written before.
        """
        if not records:
            return ()
        known = self._known.get(records[0].owner)
        if known is None:
            return None
        pointer = (0xC000 | known).to_bytes(2, "big")
        return tuple([pointer + _address(record) for record in records])

    def room_for(self, pieces: tuple[bytes, ...]) -> int:
        """How many of these equally long pieces fit."""
        if self.full or not pieces:
            return 0
        fit = min(len(pieces), (self._limit - len(self.out)) // len(pieces[0]))
        self.full = fit < len(pieces)
        return fit

    def _record(self, record: Record) -> None:
        self.name(record.owner)
        at = len(self.out)
        self.out += RECORD.pack(record.type, 1, record.ttl, 0)
        if isinstance(record.data, Wire):
            self.out += record.data
        else:
            ENCODERS[record.type](self, record.data)
        size = len(self.out) - at - RECORD.size
        self.out[at + 8 : at + 10] = size.to_bytes(2, "big")

    def name(self, name: Name, *, compress: bool = True) -> None:
        """A name; shortened by pointing at an equal end, in the same spelling, written before."""
        for number in range(len(name)):
            known = self._known.get(name[number:]) if compress else None
            if known is not None:
                self._write_labels(name, number)
                self.out += (0xC000 | known).to_bytes(2, "big")
                return
        self._write_labels(name, len(name))
        self.out.append(0)

    def _write_labels(self, name: Name, count: int) -> None:
        at = len(self.out)
        for label in name[:count]:
            self.out.append(len(label))
            self.out += label
        self._remember(name, at, count)

    def _remember(self, name: Name, at: int, count: int | None = None) -> None:
        for number, label in enumerate(name[:count]):
            if at >= 0x4000:  # a pointer has 14 bits
                return
            self._known.setdefault(name[number:], at)
            at += 1 + len(label)

    def soa(self, soa: Soa) -> None:
        """Data of an SOA; the timers are CoreDNS'."""
        self.name((b"ns", b"dns", *soa.origin))
        self.name((b"hostmaster", *soa.origin))
        self.serial_at = len(self.out)
        self.out += struct.pack("!5I", soa.serial, 7200, 1800, 86400, soa.minimum)

    def srv(self, srv: Srv) -> None:
        """Data of an SRV; its target is never compressed (RFC 2782)."""
        self.out += struct.pack("!3H", srv.priority, srv.weight, srv.port)
        self.name(srv.target, compress=False)

    def text(self, text: bytes) -> None:
        """Data of a TXT: one string."""
        self.out.append(len(text))
        self.out += text

    def octets(self, data: bytes) -> None:
        """Data as it is."""
        self.out += data


ENCODERS: dict[int, Callable[[_Writer, Any], None]] = {
    Type.A: _Writer.octets,
    Type.AAAA: _Writer.octets,
    Type.CNAME: _Writer.name,
    Type.NS: _Writer.name,
    Type.PTR: _Writer.name,
    Type.SOA: _Writer.soa,
    Type.SRV: _Writer.srv,
    Type.TXT: _Writer.text,
}
