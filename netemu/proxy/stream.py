"""The two ends of a relayed connection and how bytes go from one to the other.

Invariants: an end is read only while everything read from it before has been taken by the other
end or lies in that end's bounded buffer (`unsent`, or the pipe between them), so memory stays
bounded and the sender feels the receiver's pace. Readiness is edge-triggered: an end is read until
it has nothing more, or asked for again (`rearm`). Small messages are sent on in the turn in which
they came.
"""

import os
import select
import socket
from os import read, write
from typing import Final, Protocol

from netemu.proxy.ledger import Link
from netemu.proxy.pipes import PIPE_SIZE, Pipe, PipePool

INTEREST: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
"""Both directions, registered once for the life of the socket."""
READ_SIZE: Final = 16 * 1024
"""Bytes copied at a time; above, splice is cheaper."""
READS_PER_TURN: Final = 8
"""Copies of one end in a row before the others get their turn."""
BULK_AFTER: Final = 3
"""Full reads in a row that make it a bulk transfer."""
SPLICES_PER_TURN: Final = 4
"""Splices of one end in a row."""
BULK_LEAST: Final = 64 * 1024
"""Bytes one readiness must bring for a bulk transfer to stay one."""

_ENDING: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_READING: Final = select.EPOLLIN | _ENDING
_ERROR: Final = select.EPOLLERR
_WRITABLE: Final = select.EPOLLOUT
_SPLICE: Final = os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE


class Owner(Protocol):
    """What ends ask of their relay."""

    pipes: PipePool

    def rearm(self, end: "End") -> None:
        """Report `end` again though its readiness did not change."""

    def finish(self, end: "End") -> None:
        """Both directions have ended: close both sockets."""

    def reset(self, end: "End") -> None:
        """Close both sockets with a reset."""


class End:
    """One end of a relayed connection."""

    __slots__ = (
        "blocked",
        "broken",
        "bulk",
        "count",
        "ended",
        "ending",
        "fd",
        "finishing",
        "full_reads",
        "link",
        "other",
        "owner",
        "pipe",
        "sock",
        "unsent",
    )

    def __init__(self, owner: Owner, sock: socket.SocketType) -> None:
        self.owner = owner
        self.sock = sock
        self.fd = sock.fileno()
        self.other: End
        self.unsent: memoryview | None = None
        """Read from the other end, not yet taken by this one."""
        self.blocked = False
        """This end takes nothing at the moment; what waits for it lies in `unsent` or the pipe."""
        self.ending = False
        """An end of file or an error waits behind what can be read."""
        self.finishing = False
        """It is an end of file."""
        self.ended = False
        """Nothing more will be read from it."""
        self.broken = False
        """A write to it failed: it was reset, whatever reading it says."""
        self.link: Link | None = None
        """What is told of the connection, at the client's end."""
        self.count = 0
        """Bytes that were read here."""
        self.bulk = False
        self.full_reads = 0
        self.pipe: Pipe | None = None
        """Carries bulk data from here to the other end, while there is some."""

    def counted(self) -> tuple[int, int]:
        """Bytes from the client, whose end this is, and to it."""
        return self.count, self.other.count

    def event(self, mask: int) -> None:
        """Do what the readiness of the socket allows. Raises OSError when it was reset."""
        if mask & _ENDING:
            self.ending = True
            self.finishing = not mask & _ERROR
            if mask & _ERROR and self.other.blocked:
                # What waits for the other end is lost, as it is when nobody stands between.
                raise ConnectionResetError
        if self.blocked and mask & _WRITABLE:
            self._unblock()
        if mask & _READING:
            self.forward()

    def _unblock(self) -> None:
        if self.unsent:
            try:
                sent = write(self.fd, self.unsent)
            except BlockingIOError:
                return
            self.unsent = self.unsent[sent:] if sent < len(self.unsent) else None
            if self.unsent:
                return
        self.blocked = False
        self.other.forward()

    def forward(self) -> None:
        """Move what can be read here to the other end. Raises OSError when this one was reset."""
        reads = 0
        while not (self.ended or self.other.blocked):
            if self.bulk:
                self._splice()
                return
            try:
                data = read(self.fd, READ_SIZE)
            except BlockingIOError:
                return
            if not data:
                self._end()
                return
            size = len(data)
            self.count += size
            self.other.take(data)
            if size < READ_SIZE:
                # A short read has emptied the socket (epoll(7)), but for an end behind it.
                self.full_reads = 0
                if not self.ending:
                    return
            elif self._rests(reads):
                self.owner.rearm(self)
                return
            reads += 1

    def _rests(self, reads: int) -> bool:
        """Whether, after a full read, it is others' turn: now and then, and before bulk."""
        self.full_reads += 1
        if self.full_reads >= BULK_AFTER:
            self.full_reads = 0
            self.bulk = True
        return self.bulk or reads + 1 >= READS_PER_TURN

    def take(self, data: bytes) -> None:
        """Send what the other end said, and keep what doesn't fit."""
        try:
            if self.other.finishing:
                # What ends a stream travels with its end of file, in one segment.
                sent = self.sock.send(data, socket.MSG_MORE)
            else:
                sent = write(self.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._refuse()
            return
        if sent < len(data):
            self.unsent = memoryview(data)[sent:]
            self.blocked = True

    def _refuse(self) -> None:
        """This end was reset: deliver what it said before, then reset the other.

        The error was reported to the write, so reading ends as if all were well (tcp(7)).
        """
        self.broken = True
        self.other.ended = True
        if self.ended or self.other.broken:
            self.owner.reset(self)
        else:
            self.ending, self.finishing = True, False
            self.forward()

    def _end(self) -> None:
        """Pass the end of file on; what came before it has been sent."""
        if self.broken:
            self.owner.reset(self)
            return
        self.ended = True
        if self.other.ended:
            self.owner.finish(self)  # which passes it on as well
        else:
            self.other.sock.shutdown(socket.SHUT_WR)

    def _splice(self) -> None:
        """Move bulk data without copying it."""
        pipe = self.pipe = self.pipe or self.owner.pipes.take()
        if pipe is None:
            self.bulk = False
            self.forward()
            return
        moved = 0
        for _ in range(SPLICES_PER_TURN):
            if not self._drain(pipe):
                return
            try:
                count = os.splice(self.fd, pipe.sink, PIPE_SIZE, flags=_SPLICE)
            except BlockingIOError:
                self.bulk = moved >= BULK_LEAST
                self.release()
                return
            if not count:
                self.release()
                self._end()
                return
            pipe.filled = count
            moved += count
            self.count += count
        if self._drain(pipe):
            self.owner.rearm(self)

    def _drain(self, pipe: Pipe) -> bool:
        """Empty the pipe into the other end; False when that takes no more or was reset."""
        while pipe.filled:
            try:
                pipe.filled -= os.splice(pipe.source, self.other.fd, pipe.filled, flags=_SPLICE)
            except BlockingIOError:
                self.other.blocked = True
                return False
            except OSError:
                self.other._refuse()
                return False
        return True

    def release(self) -> None:
        """Give the pipe back."""
        if self.pipe is not None:
            self.owner.pipes.give(self.pipe)
            self.pipe = None
