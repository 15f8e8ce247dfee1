"""What the server does with a question, as frozen values: CoreDNS' server blocks and plugins.

Made by `plugins` from a Corefile and read by `consult`. Within a block the steps have the order of
CoreDNS' ``plugin.cfg``, whatever order they were written in.
"""

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

from netemu.dns.domain import Domain
from netemu.dns.names import IN_ADDR, IP6
from netemu.dns.records import Name, within

if TYPE_CHECKING:  # rules are imported by whoever has some
    from netemu.dns.rewriting import Rule
    from netemu.dns.templating import Template

Address: TypeAlias = tuple[str, int]
"""An IP address and a port."""
Zones: TypeAlias = tuple[Name, ...]
"""Lowered names; the root's is ()."""
Ranges: TypeAlias = "tuple[IPv4Network | IPv6Network, ...]"
"""Ranges of addresses."""


Weights: TypeAlias = Mapping[Name, Mapping[bytes, int]]
"""By name, lowered, and by packed address; those that aren't there have 1."""


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


class Kubernetes(Struct, frozen=True, kw_only=True):
    """The cluster's own zones."""

    domains: tuple[Domain, ...]
    reverse: Zones = (IN_ADDR, IP6)
    passed: Zones = ()
    """Where a name that doesn't exist is left to the next step (``fallthrough``)."""

    def domain_of(self, name: Name) -> Domain | None:
        """The domain that answers for `name`, which is lowered; the first one for addresses."""
        for domain in self.domains:
            if within(name, domain.zone):
                return domain
        reverse = any(within(name, zone) for zone in self.reverse)
        return self.domains[0] if reverse and self.domains else None


class Hosts(Struct, frozen=True, kw_only=True):
    """Static names."""

    addresses: Mapping[Name, tuple[str, ...]]
    names: Mapping[str, tuple[Name, ...]]
    """For reverse names; by address."""
    zones: Zones
    ttl: int = 3600
    passed: Zones = ()
    passes_types: bool = False
    """Whether that is so of other types of names in the table, too."""


class Autopath(Struct, frozen=True, kw_only=True):
    """Walk the search list of the pod that asks (needs its real address)."""

    zones: Zones
    search: Zones | None = None
    """The same list for everybody; None: that of the pod."""


class Transfer(Struct, frozen=True, kw_only=True):
    """Who may have a whole zone."""

    zones: Zones
    clients: frozenset[str] | None = None
    """Addresses; None: anybody."""


class Order(StrEnum):
    """How the addresses of one answer follow each other."""

    RANDOM = "random"
    """All permutations equally likely (what CoreDNS calls ``round_robin``)."""
    ROTATE = "rotate"
    """Each reply begins with the next."""
    KEEP = "keep"
    """As they are in the slices."""


class Block(Struct, frozen=True, kw_only=True):
    """One server block: what happens to the questions of its zones."""

    zones: Zones
    rewrites: "tuple[Rule, ...]" = ()
    rewrites_options: bool = False
    """Whether some of those are about options of the query's OPT record."""
    autopath: Autopath | None = None
    templates: "tuple[Template, ...]" = ()
    transfer: Transfer | None = None
    hosts: Hosts | None = None
    kubernetes: Kubernetes | None = None
    forwards: tuple[Forward, ...] = ()
    logged: Zones | None = None
    """Names that ``log`` was asked for; all are logged anyway, in memory."""
    named: tuple[str, ...] = ()
    """The plugins that stand in it."""


class Configuration(Struct, frozen=True, kw_only=True):
    """The whole of it."""

    blocks: tuple[Block, ...]
    order: Order = Order.KEEP
    seed: int | None = None
    """For the same random order each time; None: another each time."""
    weights: "Weights | None" = None
    """How likely an address is to come first, where that is said."""
    preferred: Ranges = ()
    """Addresses that come before others, whatever the order."""
    files: tuple[str, ...] = ()
    """Files it was made from besides the Corefile; to be made anew when they change."""
    served: Mapping[str, str] = field(default_factory=dict)
    """``health``, ``ready`` and ``prometheus``: where they listen, as they were written."""
    digest: str = ""
    """SHA-512 of the text, in hexadecimal."""
    remarks: tuple[str, ...] = ()
    """What was accepted without effect."""

    def block_of(self, name: Name) -> Block | None:
        """The block with the longest zone that `name`, which is lowered, lies in."""
        best, size = None, -1
        for block in self.blocks:
            for zone in block.zones:
                if len(zone) > size and within(name, zone):
                    best, size = block, len(zone)
        return best
