"""DNS over UDP: the socket is drained whenever it is readable, up to a batch."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

from netemu.dns.observation import Observation
from netemu.dns.records import Source
from netemu.dns.replies import Octets
from netemu.dns.responder import Responder

BATCH = 64
"""Queries answered in one turn of the loop: half a millisecond's worth, two if none was kept."""
LONGEST_QUERY = 4096
"""Octets read of one query; the rest of a longer one is dropped, which makes it malformed."""


@contextmanager
def serve_datagrams(sock: socket.socket, responder: Responder) -> Iterator[None]:
    """Answer on `sock` inside the block, and close it afterwards."""
    loop = asyncio.get_running_loop()
    sock.setblocking(False)
    loop.add_reader(sock, _drain_of(sock, responder))
    try:
        yield
    finally:
        loop.remove_reader(sock)
        sock.close()


def _drain_of(sock: socket.socket, responder: Responder) -> Callable[[], None]:
    receive, send, known = sock.recvfrom, sock.sendto, responder.known
    observers = responder.observers

    def drain() -> None:
        observe, started = observers.observe, 0.0
        for _ in range(BATCH):
            try:
                packet, client = receive(LONGEST_QUERY)
            except OSError:  # nothing more to read
                return
            if observe is not None:
                started = perf_counter()
            reply = known(packet)
            if reply is None:
                responder.work_out(packet, client, partial(_send, sock, client))
                continue
            try:
                send(reply, client)
            except OSError:  # no room, or no way back: as good as lost, the client asks again
                continue
            if observe is not None:
                seconds = perf_counter() - started
                observe(
                    Observation(client[0], client[1], "udp", packet, reply, seconds, Source.KEPT)
                )

    return drain


def _send(sock: socket.socket, client: Any, reply: Octets) -> None:
    try:
        sock.sendto(reply, client)
    except OSError:
        return
