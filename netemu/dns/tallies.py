"""How many replies of which kind were sent: an addition for each, whatever its kind means.

The table of kept replies holds a `Tally` for each of its entries, so that counting one costs next
to nothing; the metrics work out what the kinds mean when somebody reads them.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from netemu.dns.records import Source
from netemu.dns.wire import Query

Kind: TypeAlias = tuple[bytes, int, int, int, str, bool, str | None]
"""The query's last octets (see `LAST`), sizes of query and reply, the octet with the response code,
protocol, whether by IPv6, and the source; None for a kept reply of the cluster.
"""

LAST: Final = 15
"""Octets at a query's end that tell its type: type, class and an OPT record without options."""
OPT: Final = b"\0\0\x29"
"""How an OPT record begins."""
MOST_KINDS: Final = 2000
"""Different ones before they are worked out; a few milliseconds' work."""


class Tally:
    """Of one kind."""

    __slots__ = ("count", "users")

    def __init__(self) -> None:
        self.count = 0
        self.users = 0
        """Entries that hold it; it is forgotten only when there is none."""


class Tallies:
    """All of them, for all tables of a server."""

    def __init__(self) -> None:
        self._by_kind: dict[Kind, Tally] = {}
        self.overflowing: Callable[[], None] | None = None
        """Called when there are many, to take them."""

    def of(self, kind: Kind) -> Tally:
        """The tally of one kind."""
        try:
            return self._by_kind[kind]
        except KeyError:
            return self._added(kind)

    def _added(self, kind: Kind) -> Tally:
        if len(self._by_kind) >= MOST_KINDS:
            if self.overflowing is not None:
                self.overflowing()
            else:
                self.taken()
        return self._by_kind.setdefault(kind, Tally())

    def taken(self) -> list[tuple[Kind, int]]:
        """What was counted since the last time."""
        found = [(kind, tally.count) for kind, tally in self._by_kind.items() if tally.count]
        for tally in self._by_kind.values():
            tally.count = 0
        self._by_kind = {kind: tally for kind, tally in self._by_kind.items() if tally.users}
        return found


def kept_kind(query: bytes, reply: bytes, protocol: str, source: Source, *, by_ipv6: bool) -> Kind:
    """The kind of a reply that is kept; both without their ids."""
    origin = None if source is Source.CLUSTER else str(source)
    return query[-LAST:], len(query) + 2, len(reply) + 2, reply[1], protocol, by_ipv6, origin


def made_kind(
    query: Query | None, size: int, reply: bytes, protocol: str, source: Source, *, by_ipv6: bool
) -> Kind:
    """The kind of a reply that was worked out for a query of `size` octets, None if it couldn't be
    read; of one that was cached also whether it says something or denies it.
    """
    origin = str(source)
    if source is Source.CACHE:
        says = reply[6:8] != b"\0\0" and not reply[3] & 0xF
        origin = f"{origin}/{'success' if says else 'denial'}"
    return _last_of(query), size, len(reply), reply[3], protocol, by_ipv6, origin


def _last_of(query: Query | None) -> bytes:
    """The last octets that a query without EDNS options would have."""
    if query is None:
        return b""
    do = b"\x80" if query.edns is not None and query.edns.dnssec_ok else b"\0"
    return query.asked[-4:] + OPT + bytes(4) + do + bytes(3)
