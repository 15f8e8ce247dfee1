"""Both ends of a connection in memory."""

import asyncio

import pytest

from netemu.api import spdy


class MemoryDuplex:
    """The server's end; the test plays the client."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.sent: asyncio.Queue[bytes] = asyncio.Queue()
        self.texts: list[bool] = []

    async def receive(self) -> bytes | None:
        return await self.incoming.get()

    async def send(self, data: bytes, *, text: bool = False) -> None:
        self.texts.append(text)
        self.sent.put_nowait(data)

    def say(self, *messages: bytes | None) -> None:
        """What the client sends; None: it goes."""
        for message in messages:
            self.incoming.put_nowait(message)

    async def heard(self) -> bytes:
        """The next that the server sent."""
        async with asyncio.timeout(10):
            return await self.sent.get()


class SpdySpeaker:
    """A client that speaks SPDY over it."""

    def __init__(self, duplex: MemoryDuplex) -> None:
        self.duplex = duplex
        self._sender = spdy.Sender()
        self._receiver = spdy.Receiver()
        self._next = 1
        self._events: list[spdy.Event] = []

    def open(self, finished: bool = False, **headers: str) -> int:
        number, self._next = self._next, self._next + 2
        self.duplex.say(self._sender.opened(number, headers, finished=finished))
        return number

    def say(self, stream: int, data: bytes = b"", *, finished: bool = False) -> None:
        self.duplex.say(spdy.data(stream, data, finished=finished))

    async def event(self) -> spdy.Event:
        """The next event but for accepted streams."""
        while not self._events:
            self._events += self._receiver.feed(await self.duplex.heard())
        return self._events.pop(0)

    async def all_of(self, stream: int) -> bytes:
        """What comes on a stream until it is finished; what comes on others stays for later."""
        data, kept = b"", []
        while True:
            event = await self.event()
            if not isinstance(event, spdy.Received) or event.stream != stream:
                kept.append(event)
                continue
            data += event.data
            if event.finished:
                self._events = kept + self._events
                return data


@pytest.fixture
async def duplex() -> MemoryDuplex:
    return MemoryDuplex()
