"""Plain pages over HTTP: what probes and Prometheus fetch, and nothing more.

One request per connection, GET or HEAD, no body, no credentials: enough for ``/health``, ``/ready``
and ``/metrics``. A client that says nothing, or too much, loses its connection; there are only so
many of them.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeAlias

from msgspec import Struct

PLAIN: Final = "text/plain; charset=utf-8"
SECONDS: Final = 5.0
"""For one request and its reply (CoreDNS' timeouts)."""
HEAD_LIMIT: Final = 16 * 1024
"""Bytes of a request's line and headers."""
MOST_CONNECTIONS: Final = 50
"""Open at once per socket; probes and scrapers are few."""


class Page(Struct, frozen=True):
    """What to reply."""

    text: str
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = PLAIN


Pages: TypeAlias = Mapping[str, Callable[[], Page]]
"""Path -> what is there now; called from the event loop."""

_NOT_FOUND = Page("404 page not found\n", HTTPStatus.NOT_FOUND)
_NOT_ALLOWED = Page("Method Not Allowed\n", HTTPStatus.METHOD_NOT_ALLOWED)
_BAD = Page("400 Bad Request", HTTPStatus.BAD_REQUEST)


@asynccontextmanager
async def serve_pages(sock: socket.socket, pages: Pages) -> AsyncIterator[None]:
    """Serve on the listening `sock` inside the block, and close it afterwards."""
    under_way: set[asyncio.StreamWriter] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(under_way) >= MOST_CONNECTIONS:
            writer.close()
            return
        under_way.add(writer)
        try:
            async with asyncio.timeout(SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(reply(head, pages))
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # the client went away, or never asked properly
        finally:
            under_way.discard(writer)
            writer.close()

    server = await asyncio.start_server(converse, sock=sock, limit=HEAD_LIMIT)
    try:
        yield
    finally:
        server.close()
        for writer in under_way:
            writer.transport.abort()
        await server.wait_closed()


def reply(head: bytes, pages: Pages) -> bytes:
    """The whole response to a request's line and headers."""
    words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return _response(_BAD, body=True)
    method, target, _ = words
    page = pages.get(target.partition("?")[0])
    if page is None:
        return _response(_NOT_FOUND, body=method != "HEAD")
    if method not in ("GET", "HEAD"):
        return _response(_NOT_ALLOWED, body=True)
    return _response(page(), body=method == "GET")


def _response(page: Page, *, body: bool) -> bytes:
    content = page.text.encode()
    head = (
        f"HTTP/1.1 {page.status.value} {page.status.phrase}\r\n"
        f"Content-Type: {page.content_type}\r\n"
        f"Content-Length: {len(content)}\r\n"
        "Connection: close\r\n\r\n"
    ).encode("latin-1")
    return head + content if body else head
