"""More cores: processes that answer over UDP beside the daemon, at the same addresses.

Each has sockets of its own there, and the kernel leads a client's queries to one of them all
(SO_REUSEPORT, socket(7)). Each has a copy of the snapshot that follows the daemon's within about a
millisecond. The daemon answers, too, and alone: TCP, names of others, and everything if a worker is
gone, falls too far behind, or can't answer by the configuration in force (see
`feed.suits_workers`).
"""

import asyncio
import logging
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from functools import partial

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
from netemu.model.sockets import Connector
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
        kill: Callable[[], None],
        responders: Sequence[tuple[socket.socket, Responder]],
        observers: Observers,
    ) -> None:
        self._writer = writer
        self._kill = kill
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
            self._kill()  # or its clients would wait for it as long as it has its sockets

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
    listeners: Sequence[tuple[socket.socket, View, Responder, Connector]],
    rng: random.Random,
    observers: Observers,
) -> AsyncIterator[list[Worker]]:
    """Have `count` processes answer where `listeners` do inside the block. Raises OSError."""
    workers: list[Worker] = []
    async with AsyncExitStack() as stack:
        for _ in range(count if suits_workers(configuration.value) else 0):
            start = Start(
                tuple(view for _, view, _, _ in listeners),
                tuple(sock.getsockname() for sock, _, _, _ in listeners),
                configuration.value,
                rng.getrandbits(32),
            )
            with ExitStack() as made:
                sockets = [
                    made.enter_context(_beside(sock, connector))
                    for sock, _, _, connector in listeners
                ]
                responders = [(sock, responder) for sock, _, responder, _ in listeners]
                process = _worker(start, sockets, responders, observers)
                worker = await stack.enter_async_context(process)
            worker.follow(latest.value)
            stack.callback(latest.subscribe(worker.follow))
            stack.callback(configuration.subscribe(worker.configure))
            workers.append(worker)
        yield workers


def _beside(sock: socket.socket, connector: Connector) -> socket.socket:
    """An unbound socket that may be bound where `sock` is. Raises OSError."""
    # Not before it is bound: another server's port is none to share.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made = connector(socket.SOCK_DGRAM, sock.family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return made


@asynccontextmanager
async def _worker(
    start: Start,
    sockets: Sequence[socket.socket],
    responders: Sequence[tuple[socket.socket, Responder]],
    observers: Observers,
) -> AsyncIterator[Worker]:
    ours, theirs = socket.socketpair()
    with theirs:
        numbers = [theirs.fileno(), *(sock.fileno() for sock in sockets)]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "netemu.dns.worker", *map(str, numbers)),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=numbers,
        )
    reader, writer = await asyncio.open_connection(sock=ours)
    worker = Worker(writer, partial(_kill, process), responders, observers)
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


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        _kill(process)
        await process.wait()
