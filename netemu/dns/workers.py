"""More cores: processes that answer over UDP beside the daemon, from the same sockets.

Each has a copy of the snapshot that follows the daemon's within about a millisecond. The daemon
answers, too, and alone: TCP, names of others, and everything if a worker is gone, falls too far
behind, or can't answer by the configuration in force (see `feed.suits_workers`).
"""

import asyncio
import logging
import random
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from netemu.dns.chain import Configuration
from netemu.dns.feed import (
    Handed,
    Message,
    Seen,
    Start,
    feed_between,
    next_message,
    packed,
    suits_workers,
)
from netemu.dns.nodes import View
from netemu.dns.observation import Batch, Observation, Observers
from netemu.dns.responder import Responder
from netemu.model.latest import Latest
from netemu.model.snapshot import EMPTY, Snapshot
from netemu.tasks import task_group

log = logging.getLogger(__name__)

MOST_UNSENT = 64 * 1024 * 1024
"""Octets that may wait for one worker before it is given up: it hangs."""
END_SECONDS = 2.0
"""A worker has to end, once its socket is closed, before it is killed."""


class Worker:
    """One process, seen from the daemon."""

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        responders: Sequence[tuple[socket.socket, Responder]],
        observers: Observers,
    ) -> None:
        self._writer = writer
        self._responders = responders
        self._observers = observers
        self._known = EMPTY
        self.missed = 0
        """Answers that weren't told of."""

    def follow(self, snapshot: Snapshot) -> None:
        """Feed it what it lacks."""
        self.send(feed_between(self._known, snapshot))
        self._known = snapshot

    def configure(self, configuration: Configuration) -> None:
        """Tell it the configuration, or let it go if it can't answer by that."""
        if suits_workers(configuration):
            self.send(configuration)
        else:
            log.warning(
                "dns.workers: answers depend on pods or labels now; one process answers all"
            )
            self._writer.close()

    def send(self, message: Message) -> None:
        """Send without waiting; a worker that doesn't read is given up."""
        if self._writer.is_closing():
            return
        self._writer.write(packed(message))
        if self._writer.transport.get_write_buffer_size() > MOST_UNSENT:
            log.error("a DNS worker hangs and is given up")
            self._writer.transport.abort()

    def take(self, message: Message) -> None:
        """Do what it asks for."""
        match message:
            case Handed(listener, packet, client):
                sock, responder = self._responders[listener]

                def send(reply: bytes) -> None:
                    try:
                        sock.sendto(reply, client)
                    except OSError:  # as good as lost, the client asks again
                        return

                responder.handle(packet, client, send)
            case Seen():
                self._take_seen(message)
            case _:
                log.error("a DNS worker says what it shouldn't")

    def _take_seen(self, seen: Seen) -> None:
        observers = self._observers
        self.missed += seen.missed
        observers.panics += seen.panics
        for kind, count in seen.tallies:
            observers.tallies.of(kind).count += count
        if observers.observe is not None and observers.observe_batch is not None:
            for observation in seen.observations:
                observers.observe(Observation(*observation))
            for batch in seen.batches:
                observers.observe_batch(Batch(*batch))


@asynccontextmanager
async def run_workers(
    count: int,
    latest: Latest[Snapshot],
    configuration: Latest[Configuration],
    listeners: Sequence[tuple[socket.socket, View, Responder]],
    rng: random.Random,
    observers: Observers,
) -> AsyncIterator[list[Worker]]:
    """Have `count` processes answer on the sockets of `listeners` inside the block."""
    workers: list[Worker] = []
    async with AsyncExitStack() as stack:
        for _ in range(count if suits_workers(configuration.value) else 0):
            start = Start(
                tuple(view for _, view, _ in listeners),
                configuration.value,
                rng.getrandbits(32),
            )
            responders = [(sock, responder) for sock, _, responder in listeners]
            worker = await stack.enter_async_context(_worker(start, responders, observers))
            worker.follow(latest.value)
            stack.callback(latest.subscribe(worker.follow))
            stack.callback(configuration.subscribe(worker.configure))
            workers.append(worker)
        yield workers


@asynccontextmanager
async def _worker(
    start: Start,
    responders: Sequence[tuple[socket.socket, Responder]],
    observers: Observers,
) -> AsyncIterator[Worker]:
    ours, theirs = socket.socketpair()
    with theirs:
        numbers = [theirs.fileno(), *(sock.fileno() for sock, _ in responders)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "netemu.dns.worker", *map(str, numbers)),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=numbers,
        )
    reader, writer = await asyncio.open_connection(sock=ours)
    worker = Worker(writer, responders, observers)
    worker.send(start)
    try:
        async with task_group() as tasks:
            tasks.start(_listen(reader, worker), name="dns worker")
            yield worker
    finally:
        writer.close()
        await _end(process)


async def _listen(reader: asyncio.StreamReader, worker: Worker) -> None:
    while (message := await next_message(reader)) is not None:
        worker.take(message)


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
