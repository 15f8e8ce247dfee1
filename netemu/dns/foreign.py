"""Replies of other servers, read from their octets; what they say is hostile until it is read.

Bounded: names are read once for each place they stand at, a pointer only ever leads backwards, and
a message has at most 64 KiB. Data of types we don't know stays as it is, octet for octet; in the
old types whose names may be shortened (RFC 3597 §4) the names are written out.
"""

import struct

from msgspec import Struct

from netemu.dns.answer import Answer
from netemu.dns.records import (
    IN,
    LONGEST_NAME,
    Data,
    Name,
    Rcode,
    Record,
    Source,
    Srv,
    Type,
    Wire,
    lowered,
)
from netemu.dns.wire import AD, HEADER, QR, RECORD, TC
from netemu.dns.zonefile import octets_of

MOST_POINTERS = 64
"""Followed within one name; a writer needs one."""
_KNOWN_RCODES = set(Rcode)
_NAMES_IN: dict[int, tuple[int, int]] = {
    3: (0, 1),  # MD
    4: (0, 1),  # MF
    Type.SOA: (0, 2),
    7: (0, 1),  # MB
    8: (0, 1),  # MG
    9: (0, 1),  # MR
    14: (0, 2),  # MINFO
    Type.MX: (2, 1),
    17: (0, 2),  # RP
    18: (2, 1),  # AFSDB
    21: (2, 1),  # RT
    26: (2, 2),  # PX
    36: (2, 1),  # KX
}
"""Types with names in their data that may be shortened: octets before them, and how many."""
_POINTING = (Type.CNAME, Type.NS, Type.PTR)
_SIZES: dict[int, int] = {Type.A: 4, Type.AAAA: 16}
_SRV_FIXED = 6


class Unreadable(ValueError):
    """Octets that are no reply."""


class Reply(Struct, frozen=True):
    """What another server said."""

    ident: int
    name: Name
    """Of the question, lowered."""
    type: int
    klass: int
    answer: Answer


def read(octets: bytes) -> Reply:
    """Read a reply to one question. Raises Unreadable."""
    try:
        return _Reader(octets).reply()
    except (IndexError, ValueError, struct.error) as error:
        raise Unreadable(str(error)) from error


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._names: dict[int, tuple[Name, int]] = {}
        """Names by where they begin, with where they end."""

    def reply(self) -> Reply:
        ident, flags, questions, *counts = HEADER.unpack_from(self._octets)
        if not flags & QR or flags & 0x7800 or questions != 1:
            raise Unreadable("no reply to one query")
        name, at = self.name(HEADER.size)
        kind, klass = (int.from_bytes(self._octets[at + n : at + n + 2], "big") for n in (0, 2))
        at += 4
        if at > len(self._octets):
            raise Unreadable("it ends within the question")
        rcode, sections = flags & 0xF, []
        for count in counts:
            records, at, extended = self._section(at, count)
            rcode |= extended
            sections.append(records)
        return Reply(
            ident,
            lowered(name),
            kind,
            klass,
            Answer(
                rcode=Rcode(rcode) if rcode in _KNOWN_RCODES else Rcode.SERVFAIL,
                authoritative=False,
                records=sections[0],
                authority=sections[1],
                additional=sections[2],
                truncated=bool(flags & TC),
                authentic=bool(flags & AD),
                source=Source.FORWARD,
            ),
        )

    def _section(self, at: int, count: int) -> tuple[tuple[Record, ...], int, int]:
        """Its records, each once, where it ends, and the upper part of the response code."""
        found: dict[Record, None] = {}
        extended = 0
        for _ in range(count):
            owner, at = self.name(at)
            kind, klass, ttl, size = RECORD.unpack_from(self._octets, at)
            at += RECORD.size
            if at + size > len(self._octets):
                raise Unreadable("it ends within a record")
            if kind == Type.OPT:
                extended = (ttl >> 24) << 4
            elif klass == IN:
                data = self._data(kind, at, size)
                # A TTL with its highest bit set means 0 (RFC 2181 §8).
                found[Record(owner, kind, 0 if ttl >> 31 else ttl, data)] = None
            at += size
        return tuple(found), at, extended

    def _data(self, kind: int, at: int, size: int) -> Data:
        octets, end = self._octets[at : at + size], at + size
        if kind in _POINTING:
            name, stop = self.name(at)
            return self._ended(name, stop, end)
        if kind == Type.SRV:
            target, stop = self.name(at + _SRV_FIXED)
            priority, weight, port = (int.from_bytes(octets[n : n + 2], "big") for n in (0, 2, 4))
            return self._ended(Srv(weight, port, target, priority), stop, end)
        if kind in _NAMES_IN:
            before, names = _NAMES_IN[kind]
            written, at = octets[:before], at + before
            for _ in range(names):
                name, at = self.name(at)
                written += octets_of(name)
            if at > end:
                raise Unreadable("a name goes past its record")
            return Wire(written + self._octets[at:end])
        return octets if _SIZES.get(kind) == size else Wire(octets)

    def _ended(self, data: Data, stop: int, end: int) -> Data:
        if stop != end:
            raise Unreadable("a record has another size than its data")
        return data

    def name(self, start: int, depth: int = 0) -> tuple[Name, int]:
        """The name that begins there, and where it ends."""
        known = self._names.get(start)
        if known is not None:
            return known
        labels: list[bytes] = []
        at = start
        while size := self._octets[at]:
            if size >= 0xC0:
                to = int.from_bytes(self._octets[at : at + 2], "big") & 0x3FFF
                if to >= start or depth > MOST_POINTERS:
                    raise Unreadable("a pointer leads forwards, or through too many others")
                labels += self.name(to, depth + 1)[0]
                at += 1
                break
            if size > 63:
                raise Unreadable("a kind of label that was never used")
            labels.append(self._octets[at + 1 : at + 1 + size])
            at += 1 + size
            if at - start > LONGEST_NAME:
                raise Unreadable("a name is too long")
        name = tuple(labels)
        if sum(map(len, name)) + len(name) + 1 > LONGEST_NAME:
            raise Unreadable("a name is too long")
        self._names[start] = name, at + 1
        return name, at + 1
