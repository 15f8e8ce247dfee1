r"""Names, types, codes and data of records as people read them (RFC 1035 §5.1).

Octets that are no printable letters are written as numbers, ``\007``: what a client asks for must
not reach a terminal as it is.
"""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from netemu.dns.records import Name, Rcode, Record, Soa, Srv, Type, Wire

_OTHER_TYPES: Final = {
    35: "NAPTR",
    43: "DS",
    46: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    50: "NSEC3",
    52: "TLSA",
    64: "SVCB",
    65: "HTTPS",
    255: "ANY",
    257: "CAA",
}
"""Types that are asked for, though not served from the cluster."""
TYPES: Final = {**{int(kind): kind.name for kind in Type}, **_OTHER_TYPES}
"""Number -> name."""
_NUMBERS: Final = {name: number for number, name in TYPES.items()}

SOA_TIMERS: Final = (7200, 1800, 86400)
"""Refresh, retry and expire of our own SOA (CoreDNS'; `wire` writes the same)."""

_SPECIAL: Final = frozenset(b'."\\()@;$')
_QUOTED: Final = frozenset(b'"\\')


def type_name(number: int) -> str:
    """``A``; ``TYPE1234`` for a type without a name here (RFC 3597 §5)."""
    return TYPES.get(number, f"TYPE{number}")


def type_number(name: str) -> int:
    """The inverse of `type_name`. Raises ValueError."""
    known = _NUMBERS.get(name.upper())
    if known is not None:
        return known
    digits = name.upper().removeprefix("TYPE")
    if digits == name.upper() or not digits.isascii() or not digits.isdigit():
        raise ValueError(f"{name!r} is no type of DNS records")
    if int(digits) > 0xFFFF:
        raise ValueError(f"{name!r} is no type of DNS records: 65535 is the highest")
    return int(digits)


def rcode_name(number: int) -> str:
    """``NXDOMAIN``; ``RCODE9`` for one without a name here."""
    try:
        return Rcode(number).name
    except ValueError:
        return f"RCODE{number}"


def shown(name: Name) -> str:
    """A name, with its final dot."""
    return "".join(f"{_label(label)}." for label in name) or "."


def _label(label: bytes) -> str:
    return "".join(_octet(octet, _SPECIAL) for octet in label)


def _octet(octet: int, special: frozenset[int]) -> str:
    if octet in special:
        return f"\\{octet:c}"
    return chr(octet) if 0x21 <= octet <= 0x7E else f"\\{octet:03d}"


def data_line(record: Record) -> str:
    """What a record says, as ``dig +short`` prints it."""
    data = record.data
    write = (_WIRE_WRITERS if isinstance(data, Wire) else _WRITERS).get(record.type, _unknown)
    return write(data)


def _unknown(data: bytes) -> str:
    """Data of a type that isn't known here (RFC 3597 §5)."""
    return f"\\# {len(data)} {data.hex()}".rstrip()


def _srv(data: Srv) -> str:
    return f"{data.priority} {data.weight} {data.port} {shown(data.target)}"


def _soa(data: Soa) -> str:
    server, person = (b"ns", b"dns", *data.origin), (b"hostmaster", *data.origin)
    timers = " ".join(map(str, (data.serial, *SOA_TIMERS, data.minimum)))
    return f"{shown(server)} {shown(person)} {timers}"


def _text(data: bytes) -> str:
    inner = "".join(" " if octet == 0x20 else _octet(octet, _QUOTED) for octet in data)
    return f'"{inner}"'


def _wire_texts(data: bytes) -> str:
    texts, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        texts.append(_text(data[at + 1 : end]))
        at = end
    return " ".join(texts)


def _wire_exchange(data: bytes) -> str:
    return f"{int.from_bytes(data[:2], 'big')} {shown(_wire_name(data, 2)[0])}"


def _wire_soa(data: bytes) -> str:
    server, at = _wire_name(data, 0)
    person, at = _wire_name(data, at)
    numbers = (int.from_bytes(data[n : n + 4], "big") for n in range(at, at + 20, 4))
    return f"{shown(server)} {shown(person)} {' '.join(map(str, numbers))}"


def _wire_name(data: bytes, at: int) -> tuple[Name, int]:
    """An uncompressed name, and where it ends; as much of it as there is."""
    labels: list[bytes] = []
    while at < len(data) and data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return tuple(labels), at + 1


_WRITERS: Final[dict[int, Callable[[Any], str]]] = {
    Type.A: lambda data: str(IPv4Address(data)),
    Type.AAAA: lambda data: str(IPv6Address(data)),
    Type.CNAME: shown,
    Type.NS: shown,
    Type.PTR: shown,
    Type.SOA: _soa,
    Type.SRV: _srv,
    Type.TXT: _text,
}
_WIRE_WRITERS: Final[dict[int, Callable[[Any], str]]] = {
    Type.MX: _wire_exchange,
    Type.SOA: _wire_soa,
    Type.TXT: _wire_texts,
}
