"""Streams inside one connection, by SPDY frames: accepted, read and written side by side."""

from collections.abc import Mapping
from typing import Final

from netemu.api import spdy
from netemu.api.duplex import Backlog, Duplex

STREAM_LIMIT: Final = 256 * 1024
"""Bytes kept of one stream that nobody reads; beyond, the whole connection waits, as the clients'
own library lets it."""
STREAMS_LIMIT: Final = 4096
"""Streams at once; a connection through port-forward takes two."""
PIECE: Final = 64 * 1024
"""Bytes of one data frame that is sent."""


class Stream:
    """One stream, opened by the client."""

    def __init__(self, owner: "Multiplex", number: int, headers: Mapping[str, str]) -> None:
        self.number = number
        self.headers = headers
        self._owner = owner
        self._backlog: Backlog[bytes] = Backlog(STREAM_LIMIT)
        self._closed = False

    async def read(self) -> bytes:
        """The next piece, b"" at the end."""
        return await self._backlog.take() or b""

    async def write(self, data: bytes) -> None:
        """Send data. Raises ConnectionError."""
        for at in range(0, len(data), PIECE):
            if self._closed:
                raise BrokenPipeError("the stream is closed")
            await self._owner.send(spdy.data(self.number, data[at : at + PIECE]))

    async def close(self) -> None:
        """Send no more. Raises ConnectionError."""
        if not self._closed:
            self._closed = True
            await self._owner.send(spdy.data(self.number, b"", finished=True))

    def forget(self) -> None:
        """Nobody reads this stream any more."""
        self._backlog.end(discard=True)
        self._owner.forget(self.number)

    async def take(self, data: bytes, *, finished: bool) -> None:
        """What came for this stream."""
        if data:
            await self._backlog.add(data, len(data))
        if finished:
            self._backlog.end()

    def lost(self) -> None:
        """The client has given it up, or is gone."""
        self._closed = True
        self._backlog.end()


class Multiplex:
    """One connection of a client; `run` reads it, `accept` gives the streams it opens."""

    def __init__(self, duplex: Duplex) -> None:
        self._duplex = duplex
        self._sender = spdy.Sender()
        self._streams: dict[int, Stream] = {}
        self._opened: Backlog[Stream] = Backlog(STREAMS_LIMIT)
        self._last = 0

    async def accept(self) -> Stream | None:
        """The next stream that the client opens; None when there will be none."""
        return await self._opened.take()

    async def run(self) -> None:
        """Read until the client goes. Raises SpdyError, ConnectionError."""
        receiver = spdy.Receiver()
        try:
            while (data := await self._duplex.receive()) is not None:
                for event in receiver.feed(data):
                    await self._heed(event)
        finally:
            self._opened.end()
            for stream in self._streams.values():
                stream.lost()

    async def _heed(self, event: spdy.Event) -> None:
        match event:
            case spdy.Opened():
                await self._open(event)
            case spdy.Received():
                stream = self._streams.get(event.stream)
                if stream is not None:
                    await stream.take(event.data, finished=event.finished)
            case spdy.WasReset():
                stream = self._streams.pop(event.stream, None)
                if stream is not None:
                    stream.lost()
            case spdy.Pinged():
                await self.send(event.frame)
            case spdy.GoneAway():
                self._opened.end()

    async def _open(self, event: spdy.Opened) -> None:
        if event.stream <= self._last or event.stream % 2 == 0:
            await self.send(spdy.reset(event.stream, spdy.Reset.PROTOCOL_ERROR))
            return
        if len(self._streams) >= STREAMS_LIMIT:
            await self.send(spdy.reset(event.stream, spdy.Reset.REFUSED_STREAM))
            return
        self._last = event.stream
        stream = self._streams[event.stream] = Stream(self, event.stream, event.headers)
        if event.finished:
            await stream.take(b"", finished=True)
        await self.send(self._sender.accepted(event.stream))
        await self._opened.add(stream)

    def forget(self, number: int) -> None:
        """Throw away what still comes for a stream."""
        self._streams.pop(number, None)

    async def send(self, frame: bytes) -> None:
        """Send a frame, whole. Raises ConnectionError."""
        await self._duplex.send(frame)

    async def goodbye(self) -> None:
        """Say that no more streams are taken. Raises ConnectionError."""
        await self.send(spdy.going_away(self._last))
