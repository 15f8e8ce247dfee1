"""Records as text, in the words of a zone file (RFC 1035 §5.1): one line, one record.

Only what templates need: OWNER [TTL] [CLASS] TYPE DATA, names absolute with or without final dot.
"""

import re
import struct
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address

from netemu.dns.records import Data, Name, Record, Srv, Type, Wire, name_from

DEFAULT_TTL = 3600
"""Seconds when a line names none (what CoreDNS' parser takes)."""


class BadRecord(ValueError):
    """A line that is no record; the message says why."""


_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s()]+)')
"""Parentheses only join lines (RFC 1035 §5.1); people write them around the numbers of an SOA."""


def name_in(text: str) -> Name:
    """A name in a zone file. Raises ValueError."""
    return () if text == "." else name_from(text)


def octets_of(name: Name) -> bytes:
    """A name as it travels, without compression."""
    return b"".join(bytes([len(label)]) + label for label in (*name, b""))


def record_from(line: str) -> Record:
    """The record that a line describes. Raises BadRecord."""
    words = [quoted or bare for quoted, bare in _WORD.findall(line)]
    try:
        owner, rest = name_in(words[0]), words[1:]
        ttl = DEFAULT_TTL
        while rest and (rest[0].isdigit() or rest[0].upper() == "IN"):
            if rest[0].isdigit():
                ttl = int(rest[0])
            rest = rest[1:]
        kind = Type[rest[0].upper()]
        return Record(owner, kind, ttl, READERS[kind](rest[1:]))
    except (KeyError, IndexError) as error:
        known = ", ".join(kind.name for kind in READERS)
        raise BadRecord(f"{line!r} is no record of type {known}") from error
    except (ValueError, struct.error) as error:
        raise BadRecord(f"{line!r} is no record: {error}") from error


def _service(words: Sequence[str]) -> Data:
    priority, weight, port = map(int, words[:3])
    return Srv(weight, port, name_in(words[3]), priority)


def _exchange(words: Sequence[str]) -> Data:
    return Wire(struct.pack("!H", int(words[0])) + octets_of(name_in(words[1])))


def _strings(words: Sequence[str]) -> Data:
    texts = [word.replace('\\"', '"').encode() for word in words]
    return Wire(b"".join(struct.pack("!B", len(text)) + text for text in texts))


def _authority(words: Sequence[str]) -> Data:
    names = octets_of(name_in(words[0])) + octets_of(name_in(words[1]))
    return Wire(names + struct.pack("!5I", *map(int, words[2:7])))


READERS: dict[Type, Callable[[Sequence[str]], Data]] = {
    Type.A: lambda words: IPv4Address(words[0]).packed,
    Type.AAAA: lambda words: IPv6Address(words[0]).packed,
    Type.CNAME: lambda words: name_in(words[0]),
    Type.NS: lambda words: name_in(words[0]),
    Type.PTR: lambda words: name_in(words[0]),
    Type.MX: _exchange,
    Type.SOA: _authority,
    Type.SRV: _service,
    Type.TXT: _strings,
    Type.HINFO: _strings,
}
"""How the data of each type is written."""
