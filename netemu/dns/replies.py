"""Replies kept whole but for their ids, by the octets of the query after its id.

An entry remembers the parts of the snapshot that it was made of. While those are the same objects
in the newest snapshot it is the reply that would be made anew. A change marks the entries that may
have read it, and only those are compared when they are asked for again; so a change to one Service
costs the others nothing. Only the SOA's serial and the order of addresses are filled in each time.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from netemu.dns.reading import Part, reads_untold, same_untold, still_true, touched, watched
from netemu.dns.tallies import Tallies, Tally, kept_kind
from netemu.dns.wire import Reply
from netemu.model.snapshot import Snapshot

MOST_OCTETS = 56 * 1024 * 1024
"""Kept by a whole server: some 60,000 replies, six for each of 10,000 Services."""
STALE = -1
ENTRY_OCTETS = 700
"""Of an entry besides its query and reply (measured)."""
ADDRESS_OCTETS = 72
"""Of one address record that is kept by itself (measured)."""

ID_OCTETS = 2
UNCOUNTED = Tally()
"""Of a reply that isn't kept."""

Arrange: TypeAlias = Callable[[tuple[bytes, ...]], tuple[bytes, ...]]
"""Gives the addresses of a reply the order of the next one."""


class Entry(Struct, eq=False, gc=False):
    """A reply, ready to be sent; like its query it is without id.

    Nothing that it holds leads back to it, so the garbage collector need not look at tens of
    thousands of them.
    """

    query: bytes
    reply: bytes
    """What is to be sent now; of several addresses in the order of this time."""
    head: bytes
    addresses: tuple[bytes, ...]
    """Records to be put in a new order for each client, between head and tail; empty when order
    doesn't matter.
    """
    sent: int
    """How many of them fit."""
    tail: bytes
    serial_at: int | None
    parts: tuple[Part, ...]
    tally: Tally
    generation: int
    """When it was known to be true; `STALE` if it must be looked at."""
    revision: int
    """Of the snapshot whose serial it tells."""


def _octets_of(entry: Entry) -> int:
    addresses = ADDRESS_OCTETS * len(entry.addresses)
    return ENTRY_OCTETS + len(entry.query) + len(entry.reply) + addresses


class Room:
    """How much the tables of one server may keep, all together."""

    def __init__(self) -> None:
        self.left = MOST_OCTETS
        self._tables: list[Replies] = []

    def join(self, table: "Replies", before: "Replies | None") -> None:
        """Count `table` in, in the place of the one `before`."""
        if before is not None:
            before.clear()
            self._tables.remove(before)
        self._tables.append(table)

    def take(self, octets: int) -> bool:
        """Make room; the table with most entries gives its oldest away while there is none. False
        if there is never as much.
        """
        while self.left < octets:
            largest = max(self._tables, key=len)
            if not len(largest):
                return False
            largest.drop_oldest()
        self.left -= octets
        return True


class Replies:
    """The table of one responder, and the snapshot for which it answers."""

    def __init__(
        self,
        snapshot: Snapshot,
        arrange: Arrange,
        room: Room | None = None,
        before: "Replies | None" = None,
        *,
        tallies: Tallies | None = None,
        protocol: str = "udp",
        by_ipv6: bool = False,
    ) -> None:
        self._room = room or Room()
        self._room.join(self, before)
        self.snapshot = snapshot
        self._arrange = arrange
        self._tallies = tallies or Tallies()
        self._protocol = protocol
        self._by_ipv6 = by_ipv6
        self._generation = 0
        self._entries: dict[bytes, Entry] = {}
        self._readers: dict[Any, list[Entry]] = {}
        """The entries that read a Service or an address, by its key."""
        self._untold_matters = False

    def __len__(self) -> int:
        return len(self._entries)

    def follow(self, snapshot: Snapshot) -> None:
        """Answer for `snapshot` from now on."""
        seen, self.snapshot = self.snapshot, snapshot
        keys = touched(seen, snapshot)
        if keys is None or (self._untold_matters and not same_untold(seen, snapshot)):
            self._generation += 1
            return
        for key in keys:
            for entry in self._readers.get(key, ()):
                entry.generation = STALE

    def find(self, query: bytes) -> Entry | None:
        """What to reply to `query`, which is without id, if it is in the table and still true."""
        entry = self._entries.get(query)
        if entry is None:
            return None
        if entry.generation != self._generation and not self._renewed(entry):
            self._drop(entry)
            return None
        entry.tally.count += 1
        if entry.serial_at is not None and entry.revision != self.snapshot.revision:
            self._tell_serial(entry, entry.serial_at)
        elif entry.addresses:
            self._put_in_order(entry)
        return entry

    def put(self, query: bytes, reply: Reply, parts: tuple[Part, ...], *, keep: bool) -> bytes:
        """Keep `reply`, made from `parts` of the snapshot, and give it as an answer to `query`."""
        entry = Entry(
            query,
            b"".join((reply.head, *reply.addresses[: reply.sent], reply.tail)),
            reply.head,
            reply.addresses if len(reply.addresses) > 1 else (),
            reply.sent,
            reply.tail,
            None if reply.serial_at is None else reply.serial_at - ID_OCTETS,
            parts,
            UNCOUNTED,
            self._generation,
            self.snapshot.revision,
        )
        if entry.addresses:
            self._put_in_order(entry)
        if keep:
            kind = kept_kind(query, entry.reply, self._protocol, by_ipv6=self._by_ipv6)
            entry.tally = self._tallies.of(kind)
            self._keep(entry)
        return entry.reply

    def drop_oldest(self) -> None:
        """Forget the reply that was kept first."""
        self._drop(next(iter(self._entries.values())))

    def clear(self) -> None:
        """Forget all of them."""
        while self._entries:
            self.drop_oldest()

    def _keep(self, entry: Entry) -> None:
        before = self._entries.get(entry.query)
        if before is not None:
            self._drop(before)
        if not self._room.take(_octets_of(entry)):
            return
        self._entries[entry.query] = entry
        entry.tally.users += 1
        self._untold_matters = self._untold_matters or reads_untold(entry.parts)
        for read in watched(entry.parts):
            self._readers.setdefault(read, []).append(entry)

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.query]
        entry.tally.users -= 1
        self._room.left += _octets_of(entry)
        for read in watched(entry.parts):
            readers = self._readers[read]
            readers.remove(entry)
            if not readers:
                del self._readers[read]

    def _renewed(self, entry: Entry) -> bool:
        if not still_true(entry.parts, self.snapshot):
            return False
        entry.generation = self._generation
        return True

    def _tell_serial(self, entry: Entry, at: int) -> None:
        entry.revision = self.snapshot.revision
        serial = (entry.revision & 0xFFFFFFFF).to_bytes(4, "big")
        entry.reply = entry.reply[:at] + serial + entry.reply[at + 4 :]

    def _put_in_order(self, entry: Entry) -> None:
        """A cut reply shows those that come first in the new order."""
        entry.addresses = addresses = self._arrange(entry.addresses)
        entry.reply = b"".join((entry.head, *addresses[: entry.sent], entry.tail))
