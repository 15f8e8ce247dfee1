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
from netemu.dns.forwarding import Forward, Zones
from netemu.dns.names import IN_ADDR, IP6
from netemu.dns.records import Name, within

if TYPE_CHECKING:  # rules are imported by whoever has some
    from netemu.dns.rewriting import Rule
    from netemu.dns.templating import Template

Ranges: TypeAlias = "tuple[IPv4Network | IPv6Network, ...]"
"""Ranges of addresses."""


Weights: TypeAlias = Mapping[Name, Mapping[bytes, int]]
"""By name, lowered, and by packed address; those that aren't there have 1."""


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
