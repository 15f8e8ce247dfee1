"""Upgrades through the proxy subresource: the handshake goes on to the other server, then bytes do.

What that server answers instead of switching is passed on as its answer (apimachinery's
UpgradeAwareHandler).
"""

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from msgspec import Struct

from netemu.api.duplex import Duplex
from netemu.api.proxying import Location
from netemu.api.request import Headers, Request
from netemu.tasks import task_group

ANSWER_SECONDS: Final = 30.0
"""How long another server may take to take a connection, and again to answer the handshake."""
HEAD_LIMIT: Final = 64 * 1024
"""Bytes of the head of its answer; servers rarely send more than 8 KiB."""
BODY_LIMIT: Final = 1024 * 1024
"""Bytes of a refusal that are passed on."""
CHUNK: Final = 64 * 1024
SWITCHING: Final = 101


class Head(Struct, frozen=True):
    """How an answer begins."""

    status: int
    raw: bytes
    headers: Headers

    def value(self, name: str) -> str:
        """A header's value, "" when there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")


def wanted(request: Request) -> bool:
    """Whether the client asks to go on with something else than HTTP."""
    tokens = ",".join(value for name, value in request.headers if name.lower() == "connection")
    return bool(request.upgrade) and "upgrade" in tokens.lower()


def handshake(request: Request, asked: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The request as it goes on: path and query, headers, and the wish to switch."""
    lines = [
        f"{request.method} {asked} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers),
        "Connection: Upgrade",
        f"Upgrade: {request.upgrade}",
        *([f"Content-Length: {len(request.body)}"] if request.body else []),
    ]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + request.body


def head_from(raw: bytes) -> Head:
    """Read the head of an answer, its blank line and all. Raises ValueError."""
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    protocol, _, rest = first.partition(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError(f'malformed HTTP response "{first[:40]}"')
    pairs = [line.partition(":") for line in lines]
    return Head(int(rest[:3]), raw, [(name.strip(), value.strip()) for name, _, value in pairs])


class Other(Struct, frozen=True):
    """A connection to the other server, its answer's head read; to be closed."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: Head

    async def body(self, limit: int = BODY_LIMIT) -> bytes:
        """What it says, as much of it as is passed on. Raises OSError, ValueError."""
        async with asyncio.timeout(ANSWER_SECONDS):
            if "chunked" in self.head.value("transfer-encoding").lower():
                return await self._chunks(limit)
            length = self.head.value("content-length")
            if length:
                return await self.reader.readexactly(min(int(length), limit))
            return await self.reader.read(limit)

    async def _chunks(self, limit: int) -> bytes:
        found = bytearray()
        while size := int((await self.reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            if len(found) + size > limit:
                break
            found += (await self.reader.readexactly(size + 2))[:-2]
        return bytes(found)

    async def exchange(self, client: Duplex) -> None:
        """Pass bytes to and fro until one side ends."""
        async with task_group() as tasks:
            sending = tasks.start(_forth(client, self.writer), name="to the server")
            showing = tasks.start(_back(self.reader, client), name="to the client")
            await asyncio.wait({sending, showing}, return_when=asyncio.FIRST_COMPLETED)


async def connected(found: Location, message: bytes) -> Other:
    """Connect, send the handshake, read the answer's head. Raises OSError, ValueError."""
    tls = _trusting() if found.scheme == "https" else None
    async with asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection(
            found.host, found.port, ssl=tls, limit=HEAD_LIMIT
        )
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(message)
            await writer.drain()
            return Other(reader, writer, head_from(await reader.readuntil(b"\r\n\r\n")))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        writer.close()
        raise ValueError("unexpected EOF" if "bytes read" in str(error) else str(error)) from None
    except BaseException:
        writer.close()
        raise


def _trusting() -> ssl.SSLContext:
    """As upstream: whoever serves HTTPS in a pod signs its certificate itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _forth(client: Duplex, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while (data := await client.receive()) is not None:
            writer.write(data)
            await writer.drain()


async def _back(reader: asyncio.StreamReader, client: Duplex) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            await client.send(data)
