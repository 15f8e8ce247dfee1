"""The HTTPS server: sockets and TLS.

Nothing a client sends or omits disturbs the others: what is no TLS or no HTTP ends its own
connection. What answers is loaded with the first request: a cluster is ready before anybody asks.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Final

from aiohttp import http_exceptions, web

from netemu.api.credentials import Credentials
from netemu.api.registry import Registry
from netemu.config.settings import ApiSettings
from netemu.late import late
from netemu.model.streams import PodStreams
from netemu.model.usage import NoUsage, Usage
from netemu.tasks import task_group

if TYPE_CHECKING:
    from netemu.api import access, context, edge, tokens, watching
else:
    edge = late("netemu.api.edge")
    access = late("netemu.api.access")
    context = late("netemu.api.context")
    tokens = late("netemu.api.tokens")
    watching = late("netemu.api.watching")

HANDSHAKE_SECONDS: Final = 10.0
"""How long a client may take to agree on TLS."""
LINGER_SECONDS: Final = 2.0
"""How long a body that is too large is read and thrown away, so that the answer gets through."""
CLOSE_SECONDS: Final = 2.0
"""How long requests may go on when the server closes."""


@asynccontextmanager
async def serve_api(
    registry: Registry,
    *,
    settings: ApiSettings,
    sockets: Sequence[socket.socket],
    credentials: Credentials,
    streams: PodStreams,
    ready: Callable[[], bool],
    usage: Usage | None = None,
    rng: random.Random | None = None,
) -> AsyncIterator[None]:
    """Serve the API on bound sockets (the first is how the server calls itself) for the block.

    The sockets are listened on here and closed at the end. Raises OSError, ssl.SSLError.
    """
    host, port = sockets[0].getsockname()[:2]

    def begin() -> context.Context:
        return context.Context(
            registry=registry,
            streams=streams,
            frames=watching.Frames(registry.clock),
            rng=rng or random.Random(),
            ready=ready,
            tokens=tokens.ServiceAccountTokens(
                registry.lookup, registry.clock, credentials.token_key
            ),
            access=access.Access(registry.store),
            usage=usage or NoUsage(),
            address=f"{host}:{port}",
        )

    async with task_group() as tasks:

        @cache
        def first() -> edge.Edge:
            return edge.Edge(begin(), settings, tasks)

        async def handle(http: web.BaseRequest) -> web.StreamResponse:
            return await first().handle(http)

        server = web.Server(
            handle,
            handler_cancellation=True,
            access_log=None,
            logger=_connection_log(),
            lingering_time=LINGER_SECONDS,
        )
        listeners = await _listen(server, sockets, _tls(credentials))
        try:
            yield
        finally:
            for listener in listeners:
                listener.close()
            if first.cache_info().currsize:
                first().end_streams()
            server.pre_shutdown()
            await server.shutdown(CLOSE_SECONDS)


async def _listen(
    server: web.Server, sockets: Sequence[socket.socket], tls: ssl.SSLContext
) -> list[asyncio.Server]:
    loop = asyncio.get_running_loop()
    return [
        await loop.create_server(
            server, sock=sock, ssl=tls, ssl_handshake_timeout=HANDSHAKE_SECONDS, backlog=1024
        )
        for sock in sockets
    ]


def _tls(credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*credentials.server_files)
    context.load_verify_locations(credentials.ca_file)
    # Asked for, not demanded: who has none gets a Status that says so.
    context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1"])
    return context


class _NotOurs(logging.Filter):
    """Garbage on the port is the client's affair, and no error of the server."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, http_exceptions.HttpProcessingError)


def _connection_log() -> logging.Logger:
    found = logging.getLogger(f"{__name__}.connections")
    if not found.filters:
        found.addFilter(_NotOurs())
    return found
