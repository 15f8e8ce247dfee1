"""Replies kept whole but for their ids, by the octets of the query after its id.

An entry remembers the parts of the snapshot that it was made of. While those are the same objects
in the newest snapshot it is the reply that would be made anew. A change marks the entries that may
have read it, and only those are compared when they are asked for again; so a change to one Service
costs the others nothing. Only the SOA's serial and the order of addresses are filled in each time.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any, TypeAlias

from msgspec import Struct

from netemu.dns.reading import (
    Part,
    reads_untold,
    same_parts,
    same_untold,
    still_true,
    touched,
    watched,
)
from netemu.dns.records import Source
from netemu.dns.tallies import Tallies, Tally, kept_kind
from netemu.dns.wire import Reply
from netemu.model.snapshot import Snapshot

MOST_OCTETS = 56 * 1024 * 1024
"""Kept by a whole server: some 90,000 replies, nine for each of 10,000 Services."""
PASSED_BY = 512
"""Replies that aren't kept, once there is no room, before the oldest make some. If each newcomer
took the place of the oldest, clients that ask for a little more than fits, over and over, would
find nothing of what they asked before."""
LEAVING = 64
"""How many of the oldest leave together: a dictionary takes long to find its first entry while
there are holes before it."""
STALE = -1
ENTRY_OCTETS = 460
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
    addresses: tuple[bytes, ...]
    """Records to be put in a new order for each client; empty when order doesn't matter."""
    sent: int
    """How many of them fit."""
    head: bytes
    """What comes before the addresses, where there are any."""
    tail: bytes
    """What comes after them."""
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


Readers: TypeAlias = tuple[Entry, ...] | list[Entry]
"""A tuple while there are few, for the same reason: lists are always looked at."""
FEW = 16


def _with(readers: Readers, entry: Entry) -> Readers:
    if isinstance(readers, list):
        readers.append(entry)
        return readers
    return (*readers, entry) if len(readers) < FEW else [*readers, entry]


def _without(readers: Readers, entry: Entry) -> Readers:
    if isinstance(readers, list):
        readers.remove(entry)
        return readers
    return tuple([each for each in readers if each is not entry])


class Room:
    """How much the tables of one server may keep, all together."""

    def __init__(self) -> None:
        self.left = MOST_OCTETS
        self._tables: list[Replies] = []
        self._passed_by = 0

    def join(self, table: "Replies", before: "Replies | None") -> None:
        """Count `table` in, in the place of the one `before`."""
        if before is not None:
            before.clear()
            self._tables.remove(before)
        self._tables.append(table)

    def take(self, octets: int) -> bool:
        """Whether a newcomer of so many octets is kept. While there is no room, most aren't; now
        and then the table with most entries gives its oldest away.
        """
        if self.left < octets:
            self._passed_by += 1
            if self._passed_by > PASSED_BY:
                self._passed_by = 0
                max(self._tables, key=len).drop_oldest(LEAVING)
        if self.left < octets:
            return False
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
        self._readers: dict[Any, Readers] = {}
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

    def put(
        self,
        query: bytes,
        reply: Reply,
        parts: tuple[Part, ...],
        *,
        keep: bool,
        source: Source = Source.CLUSTER,
    ) -> bytes:
        """Keep `reply`, made from `parts` of the snapshot, and give it as an answer to `query`."""
        in_any_order = len(reply.addresses) > 1
        entry = Entry(
            query,
            b"".join((reply.head, *reply.addresses[: reply.sent], reply.tail)),
            reply.addresses if in_any_order else (),
            reply.sent,
            reply.head if in_any_order else b"",
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
            kind = kept_kind(query, entry.reply, self._protocol, source, by_ipv6=self._by_ipv6)
            entry.tally = self._tallies.of(kind)
            self._keep(entry)
        return entry.reply

    def drop_oldest(self, count: int) -> None:
        """Forget the replies that were kept first."""
        for entry in list(islice(self._entries.values(), count)):
            self._drop(entry)

    def clear(self) -> None:
        """Forget all of them."""
        self.drop_oldest(len(self))

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
            readers = self._readers.get(read, ())
            if readers and same_parts(readers[-1].parts, entry.parts):
                entry.parts = readers[-1].parts  # one tuple for all that is kept of a Service
            self._readers[read] = _with(readers, entry)

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.query]
        entry.tally.users -= 1
        self._room.left += _octets_of(entry)
        for read in watched(entry.parts):
            if readers := _without(self._readers[read], entry):
                self._readers[read] = readers
            else:
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
