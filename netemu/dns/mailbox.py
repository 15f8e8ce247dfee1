"""Queries and replies, many in one system call.

A call of its own for each query and each reply takes half of a server's time. A reply takes the
place of its query, behind the id, and is sent from there.
"""

import ctypes
import errno
import socket
from collections.abc import Sequence
from typing import Final

from netemu.mmsg import (
    ADDRESS_OCTETS,
    Header,
    Message,
    Peer,
    Piece,
    address_of,
    memory,
    name_octets,
    peer_at,
    recvmmsg,
    sendmmsg,
)

SLOTS: Final = 64
"""Datagrams in one call."""
LONGEST_QUERY: Final = 4096
"""Octets read of one query; the rest of a longer one is dropped, which makes it malformed."""
LONGEST_REPLY: Final = 1232
"""Octets of a reply in a slot, what passes unfragmented; a longer one is sent by itself."""


_SIZE_AT: Final = Message.size.offset // 4
_MESSAGE_WORDS: Final = ctypes.sizeof(Message) // 4


class Mailbox:
    """The datagrams of one socket, on their way in and out."""

    def __init__(self, sock: socket.socket) -> None:
        self._fd = sock.fileno()
        self.slots = memory(SLOTS * LONGEST_QUERY)
        """Queries, then replies, `LONGEST_QUERY` octets apart."""
        self._names = memory(SLOTS * ADDRESS_OCTETS)
        name_size = name_octets(sock.family)
        slots, names = map(address_of, (self.slots, self._names))
        # All of these are kept here for as long as the kernel may use them.
        self._into = (Piece * SLOTS)()
        self._from = (Piece * SLOTS)()
        self._incoming, self._outgoing = (Message * SLOTS)(), (Message * SLOTS)()
        for slot in range(SLOTS):
            at, name = slots + slot * LONGEST_QUERY, names + slot * ADDRESS_OCTETS
            self._into[slot] = Piece(at, LONGEST_QUERY)
            self._from[slot] = Piece(at, 0)
            into, out_of = (ctypes.addressof(each[slot]) for each in (self._into, self._from))
            self._incoming[slot] = Message(Header(name, name_size, into, 1))
            self._outgoing[slot] = Message(Header(name, name_size, out_of, 1))
        incoming = memoryview(self._incoming).cast("B").cast("I")
        self._received_sizes = incoming[_SIZE_AT::_MESSAGE_WORDS]
        self.reply_sizes = memoryview(self._from).cast("B").cast("Q")[1::2]
        """Octets of the reply in each slot."""
        self._incoming_at = ctypes.addressof(self._incoming)
        self._outgoing_at = ctypes.addressof(self._outgoing)

    def receive(self) -> Sequence[int]:
        """Read what is there; the octets of each query, in the order of the slots."""
        count = recvmmsg(self._fd, self._incoming_at, SLOTS, socket.MSG_DONTWAIT, None)
        return self._received_sizes[:count].tolist() if count > 0 else ()

    def send(self, first: int, end: int) -> None:
        """Send the replies in the slots from `first` up to `end`, to who asked there.

        What cannot be sent is as good as lost: its client asks again.
        """
        while first < end:
            at = self._outgoing_at + first * ctypes.sizeof(Message)
            sent = sendmmsg(self._fd, at, end - first, socket.MSG_DONTWAIT)
            if sent < 0 and ctypes.get_errno() == errno.EAGAIN:  # no room for any of them
                return
            first += max(sent, 1)  # the first one failed: go on behind it

    def query(self, slot: int, size: int) -> bytes:
        """The whole query in a slot."""
        at = slot * LONGEST_QUERY
        return self.slots[at : at + size]

    def peer(self, slot: int) -> Peer:
        """Who sent the query in a slot."""
        return peer_at(self.names(slot, slot + 1), 0)

    def names(self, first: int, end: int) -> bytes:
        """The socket addresses of who sent the queries in the slots from `first` up to `end`."""
        return self._names[first * ADDRESS_OCTETS : end * ADDRESS_OCTETS]
