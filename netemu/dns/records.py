"""The words of DNS: names, record types, response codes, questions and answers, as plain data.

A name is its labels as octets, in the spelling they came in; whoever compares lowers them first.
"""

from enum import IntEnum, StrEnum
from typing import TypeAlias

from msgspec import Struct

Name: TypeAlias = tuple[bytes, ...]
"""Labels from left to right, without the root's empty one."""

LONGEST_LABEL = 63
"""Octets in a label (RFC 1035 §2.3.4)."""
LONGEST_NAME = 255
"""Octets in a name as it travels: lengths, labels and the final zero (RFC 1035 §2.3.4)."""


class Type(IntEnum):
    """Record types that netemu knows by name; a question may carry any other number."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    HINFO = 13
    MX = 15
    TXT = 16
    AAAA = 28
    SRV = 33
    OPT = 41
    IXFR = 251
    AXFR = 252


class Rcode(IntEnum):
    """Response codes; those past 15 need EDNS (RFC 6891 §6.1.3)."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    YXDOMAIN = 6
    YXRRSET = 7
    NXRRSET = 8
    NOTAUTH = 9
    NOTZONE = 10
    BADVERS = 16
    BADSIG = 16
    """The other name of 16 (RFC 8945)."""
    BADKEY = 17
    BADTIME = 18
    BADMODE = 19
    BADNAME = 20
    BADALG = 21
    BADTRUNC = 22
    BADCOOKIE = 23


IN = 1
"""The Internet class, the only one served."""


class Source(StrEnum):
    """Where an answer came from."""

    KEPT = "kept"
    """A reply made before, still true."""
    CLUSTER = "cluster"
    HOSTS = "hosts"
    TEMPLATE = "template"
    FORWARD = "forward"
    """Another server, asked just now."""
    CACHE = "cache"
    """Another server, asked before."""
    SERVER = "server"
    """Refused here: malformed, not served, or too much at once."""


EdnsOption: TypeAlias = tuple[int, bytes]
"""Code and data of an option in an OPT record (RFC 6891 §6.1.2)."""


class Question(Struct, frozen=True):
    """What is asked."""

    name: Name
    type: int
    klass: int = IN
    options: tuple[EdnsOption, ...] = ()
    """What other servers are told with it, where a rule says so."""


class Srv(Struct, frozen=True):
    """Data of an SRV record (RFC 2782)."""

    weight: int
    port: int
    target: Name
    priority: int = 0


class Soa(Struct, frozen=True):
    """Data of an SOA record; the timers are constants of the wire format's writer."""

    origin: Name
    serial: int
    minimum: int


class Wire(bytes):
    """Data as it travels, without compression: of records that others made."""


Data: TypeAlias = bytes | Name | Srv | Soa | Wire
"""Octets for A, AAAA (the packed address) and TXT (one string); a name for CNAME, NS and PTR."""


class Record(Struct, frozen=True):
    """One resource record of class IN."""

    owner: Name
    type: int
    ttl: int
    data: Data


def name_from(text: str) -> Name:
    """The name written as `text`, with or without final dot. Raises ValueError."""
    labels = tuple(text.removesuffix(".").encode("ascii").split(b"."))
    if not all(0 < len(label) <= LONGEST_LABEL for label in labels):
        raise ValueError(f"{text!r} is no domain name: a label is empty or too long")
    if sum(map(len, labels)) + len(labels) + 1 > LONGEST_NAME:
        raise ValueError(f"{text!r} is no domain name: it is too long")
    return labels


def lowered(name: Name) -> Name:
    """`name` in lower case; only ASCII letters have cases in DNS (RFC 4343)."""
    return tuple([label.lower() for label in name])


def within(name: Name, zone: Name) -> bool:
    """Whether `name` is `zone` or below it; both lowered."""
    cut = len(name) - len(zone)
    return cut >= 0 and name[cut:] == zone


def text_of(name: Name) -> str:
    """The name as people write it, with a final dot; octets that aren't letters as they are."""
    return b".".join((*name, b"")).decode("latin-1") if name else "."
