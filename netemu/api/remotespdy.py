"""exec and attach over SPDY, for kubectl before 1.30: a stream for each channel."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import msgspec

from netemu.api.duplex import Backlog, Duplex
from netemu.api.multiplex import Multiplex, Stream
from netemu.api.remotecommand import RESIZES_LIMIT, STDIN_LIMIT, Size, size_from
from netemu.api.spdy import SpdyError
from netemu.model.meta import Object
from netemu.model.streams import ExecOptions, Output
from netemu.tasks import task_group

STREAMS_SECONDS: Final = 30.0
"""How long a client may take to open its streams (the kubelet's bound)."""
SIZES_TEXT: Final = 4096
"""Bytes of a client's sizes that are looked at together."""

SPDY_PROTOCOLS: Final = (
    "v4.channel.k8s.io",
    "v3.channel.k8s.io",
    "v2.channel.k8s.io",
    "channel.k8s.io",
)
_RESIZES: Final = frozenset({"v4.channel.k8s.io", "v3.channel.k8s.io"})
_STATUS: Final = "v4.channel.k8s.io"
_NAMES: Final = {Output.STDOUT: "stdout", Output.STDERR: "stderr"}


class SpdyClient:
    """A client with a stream for each channel."""

    def __init__(self, duplex: Duplex, protocol: str, options: ExecOptions) -> None:
        self.stdin: Backlog[bytes] = Backlog(STDIN_LIMIT)
        self.sizes: Backlog[Size] = Backlog(RESIZES_LIMIT)
        self._connection = Multiplex(duplex)
        self._protocol = protocol
        self._streams: dict[str, Stream] = {}
        self._missing = {"error", *(_NAMES[output] for output in options.outputs)}
        if options.stdin:
            self._missing.add("stdin")
        if options.tty and protocol in _RESIZES:
            self._missing.add("resize")
        self._complete = asyncio.Event()

    async def run(self) -> None:
        """Take the client's streams, and read them until it goes."""
        async with task_group() as tasks:
            tasks.start(self._accept(tasks.start), name="streams")
            with suppress(ConnectionError, SpdyError):
                await self._connection.run()
        self.stdin.end()
        self.sizes.end()

    async def _accept(self, start: Callable[..., Any]) -> None:
        readers = {"stdin": self._read_stdin, "resize": self._read_sizes}
        while (stream := await self._connection.accept()) is not None:
            kind = stream.headers.get("streamtype", "")
            self._streams.setdefault(kind, stream)
            self._missing.discard(kind)
            if kind in readers:
                start(readers[kind](stream), name=kind)
            if not self._missing:
                self._complete.set()

    async def _read_stdin(self, stream: Stream) -> None:
        while data := await stream.read():
            await self.stdin.add(data, len(data))
        self.stdin.end()

    async def _read_sizes(self, stream: Stream) -> None:
        text = b""
        while data := await stream.read():
            # One JSON object after the other, each with a line end in most clients.
            *whole, text = (text + data).replace(b"}", b"}\n")[-SIZES_TEXT:].split(b"\n")
            for each in filter(None, whole):
                size = size_from(each)
                if size is not None:
                    await self.sizes.add(size)

    async def ready(self) -> bool:
        """Wait until every stream that the client must open is there; False if it doesn't."""
        try:
            async with asyncio.timeout(STREAMS_SECONDS):
                await self._complete.wait()
        except TimeoutError:
            return False
        return True

    async def write(self, output: Output, data: bytes) -> None:
        """Send what the process wrote."""
        await self._streams[_NAMES[output]].write(data)

    async def finish(self, status: Object) -> None:
        """Send the Status and finish every stream."""
        if self._protocol == _STATUS:
            await self._streams["error"].write(msgspec.json.encode(status))
        elif status["status"] != "Success":
            await self._streams["error"].write(str(status["message"]).encode())
        for stream in self._streams.values():
            await stream.close()
        await self._connection.goodbye()
