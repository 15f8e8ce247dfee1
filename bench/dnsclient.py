"""A light client: it asks at an even pace, and the kernel notes when each reply came.

dnsperf sends in bursts and takes its times when it gets to run; on two cores that is most of what
it sees. Here all queries are laid out before the start and each call sends or reads many, so what
is measured is the server: from the call that sent a query to the arrival of its reply.
"""

import ctypes
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import dnslib

from bench.dnsload import asked
from bench.dnsserver import LOOPBACK
from netemu.mmsg import Header, Message, Piece, address_of, memory, recvmmsg, sendmmsg

CLIENTS = 16
"""Sockets, used in turn."""
GAP = 200_000
"""Nanoseconds between two calls that send."""
MOST = 256
"""Replies read by one call."""
KEPT = 16
"""Octets kept of a reply: its id and code are in there."""
STAMP = 32
"""Octets of a time stamp: its header, seconds and nanoseconds."""
SO_TIMESTAMPNS = 35
STUCK = 0.05
"""Seconds without any reply after which what is under way counts as lost."""


@dataclass(frozen=True)
class Told:
    """Of one run."""

    rate: float
    """Queries per second that were sent."""
    seconds: list[float]
    """What each took, in order."""
    lost: int


@contextmanager
def in_front(*pids: int) -> Iterator[str]:
    """Let these run before all others inside the block, if that is allowed, so that what else the
    machine does counts little; what was reached, in words.
    """
    every = [int(task.name) for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    try:
        for task in every:
            os.sched_setscheduler(task, os.SCHED_FIFO, os.sched_param(10))
    except PermissionError:
        yield "beside all else that runs"
        return
    try:
        yield "at real-time priority"
    finally:
        for task in every:
            with suppress(ProcessLookupError):
                os.sched_setscheduler(task, os.SCHED_OTHER, os.sched_param(0))


class Client:
    """Asks one server the whole mix, over and over; the id of a query is its place there."""

    def __init__(self, port: int) -> None:
        packets = [bytes(dnslib.DNSRecord.question(*each).pack()) for each in asked("mix")]
        self._count = len(packets)
        text = b"".join(n.to_bytes(2, "big") + packet[2:] for n, packet in enumerate(packets))
        self._queries = ctypes.create_string_buffer(text)
        self._pieces = (Piece * self._count)()
        self._out = (Message * self._count)()
        at = ctypes.addressof(self._queries)
        for number, packet in enumerate(packets):
            self._pieces[number] = Piece(at, len(packet))
            piece = ctypes.addressof(self._pieces[number])
            self._out[number] = Message(Header(None, 0, piece, 1))
            at += len(packet)
        self._data, self._stamps = memory(MOST * KEPT), memory(MOST * STAMP)
        self._into, self._in = (Piece * MOST)(), (Message * MOST)()
        data, stamps = address_of(self._data), address_of(self._stamps)
        for slot in range(MOST):
            self._into[slot] = Piece(data + slot * KEPT, KEPT)
            piece = ctypes.addressof(self._into[slot])
            self._in[slot] = Message(Header(None, 0, piece, 1, stamps + slot * STAMP, STAMP))
        self._sockets = [self._socket(port) for _ in range(CLIENTS)]
        self._at = 0

    @staticmethod
    def _socket(port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.connect((LOOPBACK, port))
        return sock

    def _send(self, sock: socket.socket, count: int) -> tuple[int, int]:
        """The first of those that were sent, and how many."""
        if self._at + count > self._count:
            self._at = 0
        first, size = self._at, ctypes.sizeof(Message)
        sendmmsg(sock.fileno(), ctypes.addressof(self._out) + first * size, count, 0)
        self._at += count
        return first, count

    def _receive(self, sock: socket.socket) -> int:
        into = ctypes.addressof(self._in)
        count: int = recvmmsg(sock.fileno(), into, MOST, socket.MSG_DONTWAIT, None)
        return max(0, count)

    def evenly(self, rate: float, seconds: float) -> Told:
        """Ask at a rate; a call that comes too late isn't made up for, so there are no bursts."""
        sent, replies = list[tuple[int, int, int]](), list[tuple[bytes, bytes]]()
        share, due, turn = 0.0, time.perf_counter_ns(), 0
        end = due + int(seconds * 1e9)
        while (now := time.perf_counter_ns()) < end:
            if now < due:
                self._note(self._sockets[turn % CLIENTS], replies)
                turn += 1
                time.sleep(max(0, due - time.perf_counter_ns()) / 1e9)
                continue
            due += GAP * (1 + (now - due) // GAP)
            share += rate * GAP / 1e9
            began = time.clock_gettime_ns(time.CLOCK_REALTIME)  # as the kernel's stamps
            sent.append((began, *self._send(self._sockets[turn % CLIENTS], int(share))))
            share -= int(share)
        time.sleep(STUCK)
        for sock in self._sockets:
            while self._note(sock, replies):
                pass
        return self._told(sent, replies, seconds)

    def _note(self, sock: socket.socket, replies: list[tuple[bytes, bytes]]) -> int:
        count = self._receive(sock)
        if count:
            replies.append((self._data[: count * KEPT], self._stamps[: count * STAMP]))
        return count

    def _told(
        self,
        sent: list[tuple[int, int, int]],
        replies: list[tuple[bytes, bytes]],
        seconds: float,
    ) -> Told:
        came: dict[int, list[int]] = {}
        for data, stamps in replies:
            times = memoryview(stamps).cast("q")
            for slot in range(len(data) // KEPT):
                stamp = times[4 * slot + 2] * 1_000_000_000 + times[4 * slot + 3]
                ident = int.from_bytes(data[slot * KEPT : slot * KEPT + 2], "big")
                came.setdefault(ident, []).append(stamp)
        asked_at: dict[int, list[int]] = {}
        for began, first, count in sent:
            for ident in range(first, first + count):
                asked_at.setdefault(ident, []).append(began)
        took, lost = list[float](), 0
        for ident, times_asked in asked_at.items():
            ends = [*times_asked[1:], 1 << 62]
            for began, until in zip(times_asked, ends, strict=True):
                found = [stamp for stamp in came.get(ident, ()) if began <= stamp < until]
                took += [(stamp - began) / 1e9 for stamp in found[:1]]
                lost += not found
        return Told((len(took) + lost) / seconds, sorted(took), lost)

    def at_once(self, seconds: float, window: int = 512) -> Told:
        """As fast as it goes, with so many queries under way; how long each took isn't noted."""
        begin = last = time.perf_counter()
        under_way = came = lost = turn = 0
        while (now := time.perf_counter()) < begin + seconds:
            sock = self._sockets[turn % CLIENTS]
            turn += 1
            if free := min(window - under_way, MOST // 4):
                under_way += self._send(sock, free)[1]
            if count := self._receive(sock):
                under_way, came, last = under_way - count, came + count, now
            elif now > last + STUCK:
                lost, under_way, last = lost + under_way, 0, now
        return Told(came / seconds, [], lost)

    def close(self) -> None:
        """Close the sockets."""
        for sock in self._sockets:
            sock.close()
