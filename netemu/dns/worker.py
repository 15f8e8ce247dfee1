"""A worker process: answers over UDP what it can from its own snapshot, and hands back the rest.

``python -m netemu.dns.worker CONTROL SOCKET…`` with numbers of inherited descriptors; the sockets
are bound when there is something to answer with. It ends when the daemon's end of CONTROL does.
"""

import asyncio
import random
import signal
import socket
import sys
from contextlib import ExitStack
from functools import partial

from netemu.dns.chain import Configuration
from netemu.dns.datagrams import serve_datagrams
from netemu.dns.feed import Feed, Handed, Seen, Start, fed, next_message, packed
from netemu.dns.observation import Batch, Observation, Observers
from netemu.dns.replies import Room
from netemu.dns.responder import Job, Responder
from netemu.model.latest import Latest
from netemu.model.snapshot import EMPTY, Snapshot

TELL_SECONDS = 0.05
"""Between two reports of what was answered."""
MOST_SEEN = 10_000
"""Answers remembered until the next report; more are only counted."""


class Reports:
    """What was answered, told in batches."""

    def __init__(self, observers: Observers) -> None:
        self._observers = observers
        self._seen: list[tuple[object, ...]] = []
        self._batches: list[tuple[object, ...]] = []
        self._count = self._missed = 0
        observers.subscribe(self.note, self.note_batch)

    def note(self, seen: Observation) -> None:
        """Remember one answer."""
        if self._has_room(1):
            self._seen.append(tuple(seen))

    def note_batch(self, batch: Batch) -> None:
        """Remember several."""
        if self._has_room(len(batch.queries)):
            self._batches.append(tuple(batch))

    def _has_room(self, count: int) -> bool:
        if self._count + count > MOST_SEEN:
            self._missed += count
            return False
        self._count += count
        return True

    def taken(self) -> Seen | None:
        """All since the last time."""
        tallies, panics = tuple(self._observers.tallies.taken()), self._observers.panics
        if not tallies and not self._count and not panics:
            return None
        made = Seen(tuple(self._seen), tuple(self._batches), self._missed, tallies, panics)
        self._seen, self._batches = [], []
        self._count = self._missed = self._observers.panics = 0
        return made


async def work(control: socket.socket, sockets: list[socket.socket]) -> None:
    """Answer until the daemon is gone. Raises OSError when an address can't be bound."""
    reader, writer = await asyncio.open_connection(sock=control)
    start, feed = await next_message(reader), await next_message(reader)
    if not (isinstance(start, Start) and isinstance(feed, Feed)):
        return
    latest: Latest[Snapshot] = Latest(fed(EMPTY, feed))
    configuration = Latest(start.configuration)
    observers, room = Observers(), Room()
    reports = Reports(observers)
    loop = asyncio.get_running_loop()

    def tell() -> None:
        seen = reports.taken()
        if seen is not None:
            writer.write(packed(seen))
        loop.call_later(TELL_SECONDS, tell)

    def hand(listener: int, job: Job) -> None:
        writer.write(packed(Handed(listener, job.packet, job.client)))

    tell()
    with ExitStack() as stack:
        for number, (sock, view) in enumerate(zip(sockets, start.views, strict=True)):
            responder = Responder(
                latest,
                configuration,
                view,
                random.Random(start.seed + number),
                observers=observers,
                room=room,
                by_ipv6=sock.family == socket.AF_INET6,
                hand=partial(hand, number),
            )
            sock.bind(start.addresses[number])
            stack.enter_context(serve_datagrams(sock, responder))
        await _follow(reader, latest, configuration)
    tell()


async def _follow(
    reader: asyncio.StreamReader, latest: Latest[Snapshot], configuration: Latest[Configuration]
) -> None:
    while True:
        match await next_message(reader):
            case Feed() as feed:
                latest.replace(fed(latest.value, feed))
            case Configuration() as changed:
                configuration.replace(changed)
            case _:
                return


def main() -> None:
    """Take over the descriptors and work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the daemon says when it is over
    control, *others = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    try:
        asyncio.run(work(control, others))
    except OSError as error:
        sys.exit(f"dns.workers: a worker has ended: {error}")


if __name__ == "__main__":
    main()
