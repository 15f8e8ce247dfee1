"""Leaving HTTP: the two handshakes, and the connection behind them as a `Duplex`."""

import asyncio
from typing import Final

from aiohttp import web

from netemu.api.request import Transport, Upgrade

MESSAGE_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of one WebSocket message; clients send 32 KiB, some as much as they were given."""
UNREAD_LIMIT: Final = 256 * 1024
"""Bytes kept of what a client sends and nobody takes yet; beyond, the socket isn't read."""
IDLE_SECONDS: Final = 4 * 3600.0
"""How long a client may leave what it was sent unread (the kubelet's bound on idle streams)."""
CLOSE_SECONDS: Final = 2.0
"""How long a client may take to close its side."""


async def upgraded(http: web.BaseRequest, found: Upgrade) -> web.StreamResponse:
    """Do the handshake and what follows; the connection ends with it."""
    if found.transport is Transport.WEBSOCKET:
        return await _websocket(http, found)
    return await _raw(http, found)


async def _websocket(http: web.BaseRequest, found: Upgrade) -> web.StreamResponse:
    socket = web.WebSocketResponse(
        protocols=(found.protocol,) if found.protocol else (),
        timeout=CLOSE_SECONDS,
        max_msg_size=MESSAGE_LIMIT,
        compress=False,
    )
    await socket.prepare(http)
    await found.run(_Messages(socket))
    await socket.close()
    return socket


class _Messages:
    """A WebSocket as a `Duplex`."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def receive(self) -> bytes | None:
        message = await self._socket.receive()
        match message.type:
            case web.WSMsgType.BINARY:
                data: bytes = message.data
                return data
            case web.WSMsgType.TEXT:  # Python's client sends text as it was given
                text: str = message.data
                return text.encode()
            case _:
                return None

    async def send(self, data: bytes, *, text: bool = False) -> None:
        async with asyncio.timeout(IDLE_SECONDS):
            if text:
                await self._socket.send_str(data.decode())
            else:
                await self._socket.send_bytes(data)


async def _raw(http: web.BaseRequest, found: Upgrade) -> web.StreamResponse:
    head = (
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        f"X-Stream-Protocol-Version: {found.protocol}\r\n\r\n"
    )
    bare = Bare(http)
    try:
        await found.run(bare.begun(head.encode()))
    finally:
        bare.close()
    return Spent()


class Bare:
    """A bare connection as a `Duplex`, and what aiohttp hands its bytes to."""

    def __init__(self, http: web.BaseRequest) -> None:
        """Take it over. Raises ConnectionResetError."""
        if http.transport is None:
            raise ConnectionResetError("the client has gone")
        self._http = http
        self._transport = http.transport
        self._pieces: list[bytes] = []
        self._size = 0
        self._ended = False
        self._changed = asyncio.Event()

    def begun(self, head: bytes) -> "Bare":
        """Send the head of the answer that leaves HTTP."""
        # No response of aiohttp's: it would go on speaking HTTP.
        self._http.protocol.set_parser(self)  # type: ignore[arg-type]  # feed_data, feed_eof do
        self._transport.write(head)
        return self

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Called by aiohttp."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= UNREAD_LIMIT:
            self._transport.pause_reading()
        self._changed.set()
        return False, b""

    def feed_eof(self) -> None:
        """Called by aiohttp."""
        self._ended = True
        self._changed.set()

    async def receive(self) -> bytes | None:
        """What has come since; None at the end."""
        while not self._pieces:
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        data = b"".join(self._pieces)
        self._pieces.clear()
        if self._size >= UNREAD_LIMIT and not self._ended:
            self._transport.resume_reading()
        self._size = 0
        return data

    async def send(self, data: bytes, *, text: bool = False) -> None:
        """Send, whole. Raises ConnectionResetError, TimeoutError."""
        if self._ended or self._transport.is_closing():
            raise ConnectionResetError("the client has gone")
        self._transport.write(data)
        async with asyncio.timeout(IDLE_SECONDS):
            await self._http.writer.drain()


class Spent(web.StreamResponse):
    """What aiohttp is told when the connection is used up: nothing is left to be written."""

    def __init__(self) -> None:
        super().__init__()
        self.force_close()

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing is to be sent first."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nor last."""
