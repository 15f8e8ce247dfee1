"""DNS over TCP (RFC 7766): queries in any pieces, several at once, connections that may stay.

Nobody gets more than his share: a connection answers a batch of queries in one turn of the loop,
reads no further while its replies aren't taken, ends when no whole query comes for a while, and
makes room when there are too many: whoever has most of them loses the one that was quiet longest.
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import cast

from netemu.clock import Clock
from netemu.dns.responder import Responder

MOST_CONNECTIONS = 500
"""Open at once per listener."""
IDLE_SECONDS = 10.0
"""Without a whole query before a connection is closed (RFC 7766 §6.2.3: a few seconds)."""
BATCH = 64
"""Pipelined queries of one connection that are answered in one turn of the loop."""
WAITING = 1024
"""Connections that wait to be accepted."""
ACCEPTED = 32
"""Connections accepted in one turn of the loop; some milliseconds' work."""


class Connections:
    """The open connections of one listener, by client, the one quiet longest first."""

    def __init__(self, responder: Responder, clock: Clock) -> None:
        self.responder = responder
        self.clock = clock
        self._open: dict[str, OrderedDict[Connection, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator["Connection"]:
        return (connection for each in tuple(self._open.values()) for connection in tuple(each))

    def make(self) -> "Connection":
        """A protocol for a connection that was just accepted."""
        return Connection(self)

    def add(self, connection: "Connection") -> None:
        """Count it in; another one goes if there is no room."""
        if self._count >= MOST_CONNECTIONS:
            greediest = max(self._open, key=lambda address: len(self._open[address]))
            next(iter(self._open[greediest])).abort()
        self._open.setdefault(connection.client[0], OrderedDict())[connection] = None
        self._count += 1

    def touch(self, connection: "Connection") -> None:
        """It just asked something."""
        others = self._open.get(connection.client[0], ())
        if connection in others:
            self._open[connection.client[0]].move_to_end(connection)

    def remove(self, connection: "Connection") -> None:
        """Count it out."""
        address = connection.client[0]
        if connection not in self._open.get(address, ()):
            return
        self._count -= 1
        del self._open[address][connection]
        if not self._open[address]:
            del self._open[address]

    def close(self) -> None:
        """End them all."""
        for connection in self:
            connection.abort()


class Connection(asyncio.Protocol):
    """One client."""

    _transport: asyncio.Transport
    client: tuple[str, int] = ("", 0)
    """Address and port."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._received = bytearray()
        self._replies: Iterator[bytes] | None = None
        """Of the query at work, if it has many."""
        self._blocked = False
        self._clock = connections.clock
        self._last = self._clock.monotonic()
        self._timer = self._clock.call_later(IDLE_SECONDS, self._check)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take its place among the others."""
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")  # None: it is gone already
        self.client = (str(peer[0]), int(peer[1])) if peer else ("", 0)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give its place back."""
        self._timer.cancel()
        self._received.clear()
        self._connections.remove(self)

    def abort(self) -> None:
        """End it now."""
        self._connections.remove(self)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answer the queries that are whole by now."""
        self._received += data
        self._work()

    def pause_writing(self) -> None:
        """The client doesn't take its replies."""
        self._blocked = True

    def resume_writing(self) -> None:
        """It takes them again."""
        self._blocked = False
        self._work()

    def _has_query(self) -> bool:
        received = self._received
        return len(received) >= 2 and len(received) >= 2 + int.from_bytes(received[:2], "big")

    def _work(self) -> None:
        for _ in range(BATCH):
            if self._blocked or not self._step():
                break
        self._go_on()

    def _step(self) -> bool:
        """Send the next reply, or answer the next query; False when there is nothing to do."""
        if self._replies is not None:
            return self._step_of_many(self._replies)
        if not self._has_query():
            return False
        end = 2 + int.from_bytes(self._received[:2], "big")
        packet = bytes(self._received[2:end])
        del self._received[:end]
        self._touch()
        self._connections.responder.handle(packet, self.client, self._send, self._send_all)
        return True

    def _step_of_many(self, replies: Iterator[bytes]) -> bool:
        reply = next(replies, None)
        if reply is None:
            self._replies = None
        else:
            self._touch()
            self._send(reply)
        return True

    def _go_on(self) -> None:
        """Read no more until what has come is answered, so that it stays bounded.

        So the end of the client's data is only seen when all before it is answered.
        """
        if self._transport.is_closing():
            return
        if self._blocked:
            self._transport.pause_reading()
        elif self._replies is not None or self._has_query():
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._work)
        else:
            self._transport.resume_reading()

    def _send(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(len(reply).to_bytes(2, "big") + reply)

    def _send_all(self, replies: Iterator[bytes]) -> None:
        self._replies = replies

    def _touch(self) -> None:
        self._last = self._clock.monotonic()
        self._connections.touch(self)

    def _check(self) -> None:
        left = self._last + IDLE_SECONDS - self._clock.monotonic()
        if left <= 0:
            self.abort()
        else:
            self._timer = self._clock.call_later(left, self._check)


@asynccontextmanager
async def serve_streams(
    sock: socket.socket, responder: Responder, clock: Clock
) -> AsyncIterator[Connections]:
    """Answer on the listening `sock` inside the block, and close it afterwards."""
    connections = Connections(responder, clock)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connections.make, sock=sock, backlog=ACCEPTED)
    sock.listen(WAITING)  # asyncio has one number for both
    try:
        yield connections
    finally:
        server.close()
        connections.close()
        await server.wait_closed()
