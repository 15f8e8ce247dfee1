"""DNS over HTTPS (RFC 8484) to other servers: each query is a request of HTTP/1.1 by itself."""

import asyncio
import socket
from base64 import urlsafe_b64encode
from typing import Final

from netemu.dns.forwarding import Tls
from netemu.dns.tls import context_of

PATH: Final = "/dns-query"
"""The only one, as with CoreDNS."""
MESSAGE: Final = "application/dns-message"
MOST_OCTETS: Final = 65535
"""Of a reply; what the length prefix of TCP could tell."""
LONGEST_HEAD: Final = 16 * 1024
"""Of its status and headers."""


async def ask_over_https(sock: socket.socket, tls: Tls, query: bytes) -> bytes:
    """Send `query` over the connected `sock`, and give the reply. Raises OSError."""
    reader, writer = await asyncio.open_connection(
        sock=sock, ssl=context_of(tls), server_hostname=tls.name, limit=LONGEST_HEAD
    )
    try:
        writer.write(request(tls, query))
        return await _reply(reader)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ConnectionError("the server sent no whole reply") from error
    finally:
        writer.transport.abort()


def request(tls: Tls, query: bytes) -> bytes:
    """The request for `query`."""
    host = f"[{tls.name}]" if ":" in tls.name else tls.name
    common = f"Host: {host}\r\nAccept: {MESSAGE}\r\nConnection: close\r\n"
    if tls.get:
        text = urlsafe_b64encode(query).rstrip(b"=").decode()
        return f"GET {PATH}?dns={text} HTTP/1.1\r\n{common}\r\n".encode()
    about = f"Content-Type: {MESSAGE}\r\nContent-Length: {len(query)}\r\n"
    return f"POST {PATH} HTTP/1.1\r\n{common}{about}\r\n".encode() + query


async def _reply(reader: asyncio.StreamReader) -> bytes:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    if status.split(" ")[1:2] != ["200"]:
        raise ConnectionError(f"the server says {status}")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != MESSAGE:
        raise ConnectionError("the server sent what is no DNS message")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _chunks(reader)
    size = headers.get("content-length", "")
    if size.isdigit():
        return await reader.readexactly(_bounded(int(size)))
    body = b""
    while piece := await reader.read(LONGEST_HEAD):
        body += piece
        _bounded(len(body))
    return body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        try:
            size = _bounded(int(line.partition(b";")[0], 16))
        except ValueError as error:
            raise ConnectionError("the server sent no whole reply") from error
        if not size:
            return body
        body += await reader.readexactly(size)
        _bounded(len(body))
        await reader.readexactly(2)


def _bounded(size: int) -> int:
    if not 0 <= size <= MOST_OCTETS:
        raise ConnectionError(f"a reply of {size} octets is no DNS message")
    return size
