"""Handlers of the proxy subresource: the request goes on to another server, its answer comes back.

Both are passed on as they are but for what belongs to one connection (RFC 9110, 7.6.1), the
client's own credentials, and links.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from netemu.api import passing, rewriting
from netemu.api.context import Context, Handlers
from netemu.api.paths import Target
from netemu.api.proxying import Kubelet, Location, location
from netemu.api.request import (
    TEXT,
    Answer,
    Asker,
    Headers,
    Relay,
    Request,
    json_answer,
)
from netemu.model.errors import ApiError, MethodNotAllowed, ServiceUnavailable
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, PODS

if TYPE_CHECKING:
    from aiohttp import StreamReader

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CONNECT_SECONDS: Final = 10.0
"""How long another server may take to take a connection."""
SILENT_SECONDS: Final = 3600.0
"""How long it may be silent: a watch or an event stream is, for long."""
CHUNK: Final = 64 * 1024

_HOP_BY_HOP: Final = frozenset(
    (
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "proxy-connection",
    )
)  # fmt: skip
_OWN: Final = frozenset(("authorization", "content-length", "expect"))
"""Of a request: what is the server's business, or made anew."""


async def proxy(context: Context, target: Target, request: Request) -> Answer | Relay:
    """Go on to a pod, a Service's endpoint or a node."""
    prefix, rest, query = _parted(request.target)
    if not rest and request.method in ("GET", "HEAD"):
        # So that the links of the page that comes lead below it.
        return Answer(body=b"", status=301, headers=[("Location", f"{prefix}/{query}")])

    def lookup(resource: str, namespace: str, name: str) -> Object | None:
        record = context.registry.store.get(resource, (namespace, name))
        return None if record is None else record.obj

    found = location(target, lookup, context.rng)
    if isinstance(found, Kubelet):
        return _kubelet(context, found.node, rest, request.method)

    async def run(asker: Asker) -> None:
        way = _pass if passing.wanted(request) else _relay
        await way(found, prefix, f"{rest or '/'}{query}", request, asker)

    return Relay(run=run)


def _parted(target: str) -> tuple[str, str, str]:
    """The path up to ``…/proxy``, what is behind it, and the query, as they were sent."""
    path, mark, query = target.partition("?")
    parts = path.split("/")
    end = 8 if target.startswith("/api/v1/namespaces/") else 6
    rest = "/".join(["", *parts[end:]]) if len(parts) > end else ""
    return "/".join(parts[:end]), rest, mark + query


async def _pass(found: Location, prefix: str, asked: str, request: Request, asker: Asker) -> None:
    """Go on with the handshake of another protocol. Raises ApiError."""
    message = passing.handshake(request, asked, _forwarded(request))
    try:
        other = await passing.connected(found, message)
    except (OSError, ValueError) as error:
        raise ApiError(_reason(found, error)) from None
    try:
        if other.head.status == passing.SWITCHING:
            await other.exchange(await asker.switch(other.head.raw))
            return
        headers = [*_answered(other.head.headers, prefix, found)]
        put = await asker.begin(other.head.status, headers)
        with suppress(OSError, ValueError, EOFError):
            await put(await other.body())
    finally:
        other.writer.close()


async def _relay(found: Location, prefix: str, asked: str, request: Request, asker: Asker) -> None:
    """Raises ServiceUnavailable."""
    from aiohttp import ClientError, ClientSession, ClientTimeout
    from yarl import URL

    timeout = ClientTimeout(None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS)
    url = URL(f"{found.scheme}://{found.authority}{asked}", encoded=True)
    async with ClientSession(auto_decompress=False, timeout=timeout) as session:
        try:
            # As upstream: whoever serves HTTPS in a pod signs its certificate itself.
            answer = await session.request(
                request.method,
                url,
                headers=list(_forwarded(request)),
                data=request.body or None,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                ssl=False,
            )
        except (ClientError, TimeoutError) as error:
            raise ServiceUnavailable(
                f"error trying to reach service: {_reason(found, error)}"
            ) from None
        async with answer:
            headers = list(_answered(answer.headers.items(), prefix, found))
            page = b""
            if answer.content_type == "text/html" and "Content-Encoding" not in answer.headers:
                page = await _page(answer.content, prefix)
                headers = [(k, v) for k, v in headers if k.lower() != "content-length"]
            put = await asker.begin(answer.status, headers)
            if page:
                await put(page)
            async for piece in answer.content.iter_chunked(CHUNK):
                await put(piece)


async def _page(content: "StreamReader", prefix: str) -> bytes:
    """The beginning of a page, with its links rewritten if that is all of it."""
    page = bytearray()
    while len(page) < rewriting.HTML_LIMIT:
        piece = await content.readany()
        if not piece:
            return rewriting.links(bytes(page), prefix)
        page += piece
    return bytes(page)


def _reason(found: Location, error: Exception) -> str:
    """What Go says of a connection that can't be had."""
    number = getattr(error, "errno", None)
    words = os.strerror(number).lower() if number else "i/o timeout"
    if isinstance(error, TimeoutError) or number:
        return f"dial tcp {found.authority}: connect: {words}"
    return str(error) or "EOF"


def _forwarded(request: Request) -> Iterable[tuple[str, str]]:
    for name, value in request.headers:
        if name.lower() not in _HOP_BY_HOP | _OWN:
            yield name, value
    yield "X-Forwarded-Uri", request.target.partition("?")[0]
    yield "X-Forwarded-Proto", "https"


def _answered(headers: Iterable[tuple[str, str]], prefix: str, found: Location) -> Headers:
    kept = []
    for name, value in headers:
        if name.lower() == "location":
            kept.append((name, rewriting.redirect(value, prefix, found.authority)))
        elif name.lower() not in _HOP_BY_HOP:
            kept.append((name, value))
    return kept


def _kubelet(context: Context, node: str, rest: str, method: str) -> Answer:
    """What a node tells of itself: that it is well, and its pods."""
    if method not in ("GET", "HEAD"):
        raise MethodNotAllowed
    match rest.rstrip("/"):
        case "/healthz":
            return Answer(body=b"ok", content_type=TEXT)
        case "/pods" | "/runningpods":
            found = context.registry.store.list(PODS)
            pods = [record.obj for record in found if record.obj["spec"].get("nodeName") == node]
            kind = BY_KEY[PODS].kind + "List"
            return json_answer({"kind": kind, "apiVersion": "v1", "metadata": {}, "items": pods})
        case _:
            return Answer(body=b"404 page not found\n", status=404, content_type=TEXT)


HANDLERS: Final[Handlers] = {("proxy", method): proxy for method in METHODS}
