"""A webhook of a test's own: an HTTPS server that answers reviews as it is told."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from netemu.api.authority import ensure_credentials
from netemu.model.meta import Object

Answer = Callable[[Object], Object]


@dataclass
class Webhook:
    """Where the server is, and what it was asked."""

    port: int
    authority: str
    reviews: list[Object] = field(default_factory=list)

    def client_config(self, path: str = "/hook") -> Object:
        """How it is reached."""
        return {"url": f"https://localhost:{self.port}{path}", "caBundle": self.authority}


def encoded(value: object) -> str:
    """JSON in base 64, as patches are written."""
    return base64.b64encode(msgspec.json.encode(value)).decode()


@asynccontextmanager
async def webhook(folder: Path, answer: Answer) -> AsyncIterator[Webhook]:
    """Serve on a port of its own; `answer` makes a response of a request."""
    ensure_credentials(folder, hosts=("localhost",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    authority = base64.b64encode((folder / "ca.crt").read_bytes()).decode()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.partition(":")[2])
            for line in head.split("\r\n")
            if line.lower().startswith("content-length:")
        )
        review: Any = msgspec.json.decode(await reader.readexactly(length))
        found.reviews.append(review)
        asked = review.get("request") or {}
        said = answer(asked)
        status = said.pop("httpStatus", 200)
        body = {**review, "response": {"uid": asked.get("uid"), **said}}
        body.pop("request")
        page = msgspec.json.encode(body)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(page)}\r\n\r\n".encode() + page)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=context)
    found = Webhook(server.sockets[0].getsockname()[1], authority)
    async with server:
        yield found
