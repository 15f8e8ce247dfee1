"""Other servers and the names they are asked for, as frozen values."""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from netemu.dns.records import Name, within

Address: TypeAlias = tuple[str, int]
"""An IP address and a port."""
Zones: TypeAlias = tuple[Name, ...]
"""Lowered names; the root's is ()."""


class Policy(StrEnum):
    """Which server is asked first."""

    RANDOM = "random"
    ROUND_ROBIN = "round_robin"
    SEQUENTIAL = "sequential"


class Prefetch(Struct, frozen=True):
    """Which answers are asked for anew before their time is over."""

    amount: int
    """Those asked for so often…"""
    gap: float = 60.0
    """… with no more seconds than this in between…"""
    percent: int = 10
    """… when so much of their time is left."""


class Stale(Struct, frozen=True):
    """How answers whose time is over still serve."""

    seconds: float
    """For so long."""
    verified: bool = False
    """Only once the servers have failed; else at once, while they are asked."""
    timeout: float = 0.0
    """Or haven't answered for so long; 0: until they have failed."""
    ttl: int = 0
    """What such an answer says."""
    recheck: float = 0.0
    """Between two tries after one that failed."""
    prefer_positive: bool = False
    """Whether an answer serves although there was a denial since."""


class Cache(Struct, frozen=True, kw_only=True):
    """How long answers of others are kept; in seconds."""

    success: int = 3600
    denial: int = 1800
    """Longest; what the records say if that is less."""
    least: int = 5
    least_denial: int = 5
    """Shortest, even if the records say less (CoreDNS' minimum TTL)."""
    failure: int = 5
    """For SERVFAIL."""
    entries: int = 9984
    denials: int = 9984
    """How many, at most."""
    zones: Zones = ((),)
    no_success: Zones = ()
    no_denial: Zones = ()
    """Where nothing is kept."""
    stale: "Stale | None" = None
    prefetch: "Prefetch | None" = None
    count_down: bool = True


class Tls(Struct, frozen=True, kw_only=True):
    """How a server is asked over TLS (RFC 7858)."""

    name: str
    """The name or address that its certificate must have."""
    authorities: str = ""
    """Whose certificates are believed, as PEM; "" for those the machine believes."""
    certificate: str = ""
    key: str = ""
    """Files with our own certificate and its key, for servers that ask for one."""
    https: bool = False
    """Whether it is asked by HTTP in it (RFC 8484)…"""
    get: bool = False
    """… and with GET."""


class Forward(Struct, frozen=True, kw_only=True):
    """Other servers, and the names they are asked for."""

    origin: Name = ()
    servers: tuple[Address, ...]
    excepted: Zones = ()
    policy: Policy = Policy.RANDOM
    max_concurrent: int = 1000
    """Questions under way; more are refused."""
    max_fails: int = 2
    """Failures in a row after which a server is asked only when no other is left; 0: never."""
    force_tcp: bool = False
    prefer_udp: bool = False
    """Also for clients that came by TCP."""
    secured: tuple[tuple[Address, Tls], ...] = ()
    """The servers that are asked over TLS."""
    failover: frozenset[int] = frozenset()
    """Codes with which a server's answer counts only if no other gives another."""
    next: frozenset[int] = frozenset()
    """Codes with which the block's next forward for that name is asked."""
    next_on_no_data: bool = False
    """The same for NODATA."""
    fail_fast: bool = False
    """Whether nobody is asked while all servers are down."""
    read_seconds: float = 2.0
    """For one try of one server."""
    source: str = ""
    """The address to ask from; "" for whichever leads there."""
    attempts: int = 0
    """Most tries for one question; 0: no bound but those of time and rounds."""
    check_loops: bool = False
    cache: Cache | None = None

    def tls_of(self, server: Address) -> Tls | None:
        """How `server` is asked over TLS; None if it isn't."""
        return next((tls for address, tls in self.secured if address == server), None)

    def serves(self, name: Name) -> bool:
        """Whether it is asked for `name`, which is lowered."""
        return within(name, self.origin) and not any(
            within(name, zone) and len(zone) >= len(self.origin) for zone in self.excepted
        )
