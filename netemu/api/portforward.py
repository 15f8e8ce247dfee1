"""port-forward: a client's connections, each carried to a port of a pod.

kubectl multiplexes any number of connections by SPDY, two streams each: the data, and an error if
there is one. Clients in Python and JavaScript use WebSocket messages instead, with two channels for
each port, one connection per port.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from netemu.api.duplex import Backlog, Duplex
from netemu.api.multiplex import Multiplex, Stream
from netemu.api.remotewebsocket import DIALECTS, Dialect, packed, unpacked
from netemu.api.spdy import SpdyError
from netemu.model.streams import NotRunning
from netemu.tasks import Tasks, task_group

PAIR_SECONDS: Final = 30.0
"""How long the second stream of a connection may take to come (the kubelet's bound)."""
CHUNK: Final = 64 * 1024
"""Bytes read from a pod at once."""
PORT_LIMIT: Final = 256 * 1024
"""Bytes kept for one port's connection that doesn't read, in WebSocket messages."""

Connect = Callable[[int], Awaitable[socket.socket]]
"""A connection to a port of the pod. Raises NotRunning, OSError."""


class Caller(Protocol):
    """The client's end of one connection."""

    async def read(self) -> bytes:
        """What the client sends next, b"" at the end. Raises ConnectionError."""

    async def write(self, data: bytes) -> None:
        """Send to the client. Raises ConnectionError."""


async def carry(caller: Caller, pod: socket.socket) -> None:
    """Move bytes both ways until the pod has said all; a half-close of the client is passed on."""
    loop = asyncio.get_running_loop()
    async with task_group() as tasks:
        tasks.start(_send(caller, pod), name="to the pod")
        with suppress(ConnectionError):
            while data := await loop.sock_recv(pod, CHUNK):
                await caller.write(data)


async def _send(caller: Caller, pod: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while data := await caller.read():
            await loop.sock_sendall(pod, data)
        pod.shutdown(socket.SHUT_WR)


def refusal(port: int, pod: str, error: Exception) -> str:
    """What a client is told whose connection can't be had."""
    why = str(error)
    if isinstance(error, OSError):
        # Not its own text: asyncio's has the address in it, in words of its own.
        words = os.strerror(error.errno).lower() if error.errno else "i/o timeout"
        why = f"failed to connect to localhost:{port} inside namespace: dial tcp: connect: {words}"
    return f"error forwarding port {port} to pod {pod}, uid : {why}"


# SPDY


async def over_spdy(duplex: Duplex, connect: Connect, pod: str) -> None:
    """Serve a client that multiplexes its connections, until it goes."""
    connection, waiting = Multiplex(duplex), dict[str, Stream]()
    async with task_group() as tasks:
        reading = tasks.start(_quietly(connection.run()), name="frames")
        while (stream := await connection.accept()) is not None:
            request = stream.headers.get("requestid", "")
            other = waiting.pop(request, None)
            if other is None:
                waiting[request] = stream
                tasks.start(_expire(waiting, request, stream), name="half a connection")
            else:
                tasks.start(_quietly(_serve(stream, other, connect, pod)), name="connection")
        await reading


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    with suppress(ConnectionError, SpdyError):
        await work


async def _expire(waiting: dict[str, Stream], request: str, stream: Stream) -> None:
    await asyncio.sleep(PAIR_SECONDS)
    if waiting.get(request) is stream:
        del waiting[request]
        with suppress(ConnectionError):
            await stream.write(f"timed out waiting for the other stream of {request}".encode())
            await stream.close()
        stream.forget()


async def _serve(one: Stream, two: Stream, connect: Connect, pod: str) -> None:
    pair = {stream.headers.get("streamtype", ""): stream for stream in (one, two)}
    error, data = pair.get("error", one), pair.get("data", two)
    try:
        port = _port(data.headers.get("port", ""))
        with await connect(port) as there:
            await carry(data, there)
    except (NotRunning, OSError, ValueError) as refused:
        port = port_or_zero(data.headers.get("port", ""))
        await error.write(refusal(port, pod, refused).encode())
    finally:
        for stream in (data, error):
            with suppress(ConnectionError):
                await stream.close()
            stream.forget()


def _port(text: str) -> int:
    """A port's number. Raises ValueError in Go's words."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if not 0 < int(text) < 2**16:
        raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)


def port_or_zero(text: str) -> int:
    """A port's number, 0 for what is none."""
    try:
        return _port(text)
    except ValueError:
        return 0


# WebSocket


def ports_from(values: Sequence[str]) -> list[int]:
    """The ports of a query: several parameters, several in one. Raises ValueError."""
    return [_port(text) for value in values for text in value.split(",")]


class _Channel:
    """The client's end of the connection to one of its ports."""

    def __init__(self, duplex: Duplex, number: int, dialect: Dialect) -> None:
        self.backlog: Backlog[bytes] = Backlog(PORT_LIMIT)
        self._duplex = duplex
        self._number = number
        self._dialect = dialect

    async def read(self) -> bytes:
        return await self.backlog.take() or b""

    async def write(self, data: bytes) -> None:
        await self._send(self._number, data)

    async def fail(self, text: str) -> None:
        await self._send(self._number + 1, text.encode())

    async def begin(self, port: int) -> None:
        """Both channels begin with the port's number (the kubelet's websocket.go)."""
        for number in (self._number, self._number + 1):
            await self._send(number, port.to_bytes(2, "little"))

    async def _send(self, number: int, data: bytes) -> None:
        message = packed(number, data, self._dialect)
        await self._duplex.send(message, text=self._dialect.base64)


async def over_websocket(
    duplex: Duplex, protocol: str, ports: Sequence[int], connect: Connect, pod: str
) -> None:
    """Serve a client that named its ports, until it or every one of them is done."""
    dialect = DIALECTS[protocol]
    channels = [_Channel(duplex, 2 * index, dialect) for index in range(len(ports))]
    async with task_group() as tasks:
        reading = tasks.start(_quietly(_sort(duplex, dialect, channels)), name="messages")
        working = tasks.start(_all(tasks, channels, ports, connect, pod), name="connections")
        await asyncio.wait({reading, working}, return_when=asyncio.FIRST_COMPLETED)


async def _sort(duplex: Duplex, dialect: Dialect, channels: Sequence[_Channel]) -> None:
    while (message := await duplex.receive()) is not None:
        if not message:
            continue
        number, data = unpacked(message, dialect)
        # Those of errors are the server's alone.
        if data and number % 2 == 0 and 0 <= number < 2 * len(channels):
            await channels[number // 2].backlog.add(data, len(data))


async def _all(
    tasks: Tasks, channels: Sequence[_Channel], ports: Sequence[int], connect: Connect, pod: str
) -> None:
    running = {
        tasks.start(_quietly(_one(channel, port, connect, pod)), name=f"port {port}")
        for channel, port in zip(channels, ports, strict=True)
    }
    await asyncio.wait(running)


async def _one(channel: _Channel, port: int, connect: Connect, pod: str) -> None:
    await channel.begin(port)
    try:
        with await connect(port) as there:
            await carry(channel, there)
    except (NotRunning, OSError) as refused:
        await channel.fail(refusal(port, pod, refused))
    finally:
        channel.backlog.end(discard=True)
