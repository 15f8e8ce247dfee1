"""Replies kept whole, by the octets of the query after its id.

An entry remembers the parts of the snapshot that it was made of. While those are the same objects
in the newest snapshot it is the reply that would be made anew; so there is nothing to invalidate,
and a change to one Service costs the others one comparison. Only the id, the SOA's serial and the
order of addresses are filled in each time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from netemu.dns.reading import Part, still_true
from netemu.dns.wire import Reply
from netemu.model.snapshot import Snapshot

MOST_ENTRIES = 20_000
"""Replies kept per listener and transport, some 0.5 KB each: both families of 10,000 names."""

Octets: TypeAlias = bytes | bytearray
"""A reply to be sent before the next one is asked for: the table uses the buffer again."""


@dataclass(slots=True)
class Entry:
    """A reply, ready to be sent."""

    whole: bytearray
    """With room for the id; without `addresses` it is complete."""
    addresses: tuple[bytes, ...]
    """Records to be put in a new order for each client; empty when order doesn't matter."""
    sent: int
    tail: bytes
    serial_at: int | None
    parts: tuple[Part, ...]
    generation: int


class Replies:
    """The table, and the snapshot for which it answers."""

    def __init__(self, snapshot: Snapshot, shuffle: Callable[[list[bytes]], None]) -> None:
        self.snapshot = snapshot
        self._shuffle = shuffle
        self._generation = 0
        self._entries: dict[bytes, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def follow(self, snapshot: Snapshot) -> None:
        """Answer for `snapshot` from now on."""
        self.snapshot = snapshot
        self._generation += 1

    def get(self, packet: bytes) -> Octets | None:
        """The reply to `packet`, if it is in the table and still true."""
        entry = self._entries.get(packet[2:])
        if entry is None:
            return None
        if entry.generation != self._generation and not self._renewed(entry):
            del self._entries[packet[2:]]
            return None
        if entry.addresses:
            return self._in_new_order(entry, packet)
        whole = entry.whole
        whole[0] = packet[0]
        whole[1] = packet[1]
        return whole

    def put(self, packet: bytes, reply: Reply, parts: tuple[Part, ...], *, keep: bool) -> Octets:
        """Keep `reply`, made from `parts` of the snapshot, and give it as an answer to `packet`."""
        several = len(reply.addresses) > 1
        body = reply.head if several else b"".join((reply.head, *reply.addresses, reply.tail))
        addresses = reply.addresses if several else ()
        entry = Entry(
            bytearray(packet[:2] + body),
            addresses,
            reply.sent,
            reply.tail,
            reply.serial_at,
            parts,
            self._generation,
        )
        if keep:
            if len(self._entries) >= MOST_ENTRIES:
                del self._entries[next(iter(self._entries))]  # the oldest
            self._entries[packet[2:]] = entry
        return self._in_new_order(entry, packet) if addresses else entry.whole

    def _renewed(self, entry: Entry) -> bool:
        if not still_true(entry.parts, self.snapshot):
            return False
        entry.generation = self._generation
        if entry.serial_at is not None:
            serial = self.snapshot.revision & 0xFFFFFFFF
            entry.whole[entry.serial_at : entry.serial_at + 4] = serial.to_bytes(4, "big")
        return True

    def _in_new_order(self, entry: Entry, packet: bytes) -> Octets:
        """All permutations are equally likely; a cut reply shows a random choice."""
        addresses = list(entry.addresses)
        self._shuffle(addresses)
        entry.whole[:2] = packet[:2]
        return b"".join((entry.whole, *addresses[: entry.sent], entry.tail))
