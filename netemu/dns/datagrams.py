"""DNS over UDP: a batch of queries is read, looked up and answered with two system calls.

Those whose replies aren't in the table are worked out afterwards, one by one.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter

from netemu.dns.mailbox import LONGEST_QUERY, LONGEST_REPLY, SLOTS, Mailbox
from netemu.dns.observation import Batch, Observation
from netemu.dns.records import Source
from netemu.dns.replies import ID_OCTETS, Entry
from netemu.dns.responder import Responder
from netemu.mmsg import Peer

PLACES = tuple(slot * LONGEST_QUERY + ID_OCTETS for slot in range(SLOTS))
"""Where the query in each slot begins behind its id, and where the reply will."""
SO_RCVBUFFORCE = 33
"""From ``asm-generic/socket.h``; the socket module lacks it."""
WAITING_OCTETS = 4 * 1024 * 1024
"""Of queries that wait to be read, as the kernel counts: some 10,000, a tenth of a second's."""


@contextmanager
def serve_datagrams(sock: socket.socket, responder: Responder) -> Iterator[None]:
    """Answer on `sock` inside the block, and close it afterwards."""
    loop = asyncio.get_running_loop()
    sock.setblocking(False)
    _enlarge(sock)
    loop.add_reader(sock, Datagrams(sock, responder).drain)
    try:
        yield
    finally:
        loop.remove_reader(sock)
        sock.close()


def _enlarge(sock: socket.socket) -> None:
    """Have room for queries that come while the loop does something else: by default the kernel
    drops them after 5 ms of much load. Only root may have more than ``net.core.rmem_max``.
    """
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, WAITING_OCTETS)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING_OCTETS)


class Datagrams:
    """The queries that one socket gets."""

    def __init__(self, sock: socket.socket, responder: Responder) -> None:
        self._sock = sock
        self._responder = responder
        self._mailbox = Mailbox(sock)

    def drain(self) -> None:
        """Answer what is there, up to a batch: half a millisecond's work if all of it is kept."""
        mailbox = self._mailbox
        sizes = mailbox.receive()
        if not sizes:
            return
        started = perf_counter()
        find, slots = self._responder.table.find, mailbox.slots
        reply_sizes, slot = mailbox.reply_sizes, 0
        asked, told, apart = list[bytes](), list[bytes](), list[tuple[int, Entry | None]]()
        for size, at in zip(sizes, PLACES, strict=False):  # a batch needn't be full
            entry = find(slots[at : at + size - ID_OCTETS])
            if entry is None or len(reply := entry.reply) > LONGEST_REPLY:
                apart.append((slot, entry))
            else:
                octets = len(reply)
                slots[at : at + octets] = reply
                reply_sizes[slot] = octets + ID_OCTETS
                asked.append(entry.query)  # not the one just read: nothing new has to be kept
                told.append(reply)
            slot += 1
        clients = self._send(apart, slot)
        observe = self._responder.observers.observe_batch
        if observe is not None and asked:
            observe(Batch(perf_counter() - started, asked, told, clients))
        for number, entry in apart:
            self._answer(mailbox.query(number, sizes[number]), mailbox.peer(number), entry)

    def _send(self, apart: list[tuple[int, Entry | None]], end: int) -> bytes:
        """Send all replies but those `apart`; the addresses of whom they were for."""
        first, clients = 0, b""
        for slot, _ in (*apart, (end, None)):
            if first < slot:
                self._mailbox.send(first, slot)
                clients += self._mailbox.names(first, slot)
            first = slot + 1
        return clients

    def _answer(self, packet: bytes, peer: Peer, entry: Entry | None) -> None:
        """Answer one query by itself: with what is kept, or else with what is worked out."""
        send = partial(_send, self._sock, peer)
        if entry is None:
            self._responder.work_out(packet, peer, send)
            return
        started, whole = perf_counter(), packet[:ID_OCTETS] + entry.reply
        send(whole)
        observe = self._responder.observers.observe
        if observe is not None:
            seconds = perf_counter() - started
            observe(Observation(peer[0], peer[1], "udp", packet, whole, seconds, Source.KEPT))


def _send(sock: socket.socket, client: Peer, reply: bytes) -> None:
    try:
        sock.sendto(reply, client)
    except OSError:  # no room, or no way back: as good as lost, the client asks again
        return
