"""DNS over TLS (RFC 7858) to other servers: whom to believe, and one query over a connection."""

import asyncio
import socket
import ssl
from functools import lru_cache
from typing import Final

from netemu.dns.forwarding import Tls

MOST_CONTEXTS: Final = 16
"""Kept, as reading a machine's certificates takes 10 ms and more."""


@lru_cache(MOST_CONTEXTS)
def context_of(tls: Tls) -> ssl.SSLContext:
    """What connections are made with. Raises OSError for certificates that can't be used."""
    context = ssl.create_default_context(cadata=tls.authorities or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


async def ask_securely(sock: socket.socket, tls: Tls, query: bytes) -> bytes:
    """Send `query` over the connected `sock`, and give the reply. Raises OSError."""
    reader, writer = await asyncio.open_connection(
        sock=sock, ssl=context_of(tls), server_hostname=tls.name
    )
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        size = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        raise ConnectionError("the server hung up") from error
    finally:
        writer.transport.abort()
