"""Calls webhooks: by URL, or by a Service as the proxy subresource does; one connection a call.

What goes wrong is told in the words of Go's HTTP client, which upstream's messages end with.
"""

import asyncio
import base64
import binascii
import errno
import os
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from netemu.api import proxying
from netemu.api.passing import HEAD_LIMIT, Other, head_from
from netemu.api.proxying import Lookup
from netemu.model.errors import ApiError, CallFailed
from netemu.model.meta import Object

ANSWER_LIMIT: Final = 3 * 1024 * 1024
"""Bytes of an answer that are read (as much as a request may have)."""


class Outside(Protocol):
    """The network beyond the cluster."""

    def connector(
        self, kind: socket.SocketKind, family: socket.AddressFamily = socket.AF_INET
    ) -> socket.socket:
        """An unconnected socket there. Raises OSError."""

    async def resolve(self, name: str) -> list[str]:
        """The addresses of a name. Raises OSError."""


class _Place(Struct, frozen=True):
    """Where a webhook is, and the name it must show a certificate for."""

    host: str
    port: int
    name: str
    path: str
    url: str


class WebhookClient:
    """Posts reviews to webhooks."""

    def __init__(
        self,
        lookup: Lookup,
        rng: random.Random,
        inside: Callable[[str], bool],
        outside: Outside | None = None,
    ) -> None:
        self._lookup = lookup
        self._rng = rng
        self._inside = inside
        self._outside = outside

    async def post(self, config: Object, review: Object, seconds: float) -> Object:
        """What a webhook answers to a review. Raises CallFailed."""
        place = _place(config)
        shown = f'Post "{place.url}?timeout={seconds:g}s"'
        try:
            async with asyncio.timeout(seconds):
                return await self._post(config, place, review, seconds)
        except TimeoutError:
            raise CallFailed(f"{shown}: context deadline exceeded") from None
        except ssl.SSLError as error:
            raise CallFailed(f"{shown}: {_tls(error)}") from None
        except OSError as error:
            raise CallFailed(
                f"{shown}: dial tcp {_shown(place)}: connect: {_words(error)}"
            ) from None
        except (ApiError, _Odd) as error:
            raise CallFailed(f"{shown}: {error}") from None
        except (EOFError, ValueError) as error:
            raise CallFailed(f"{shown}: {str(error) or 'EOF'}") from None

    async def _post(self, config: Object, place: _Place, review: Object, seconds: float) -> Object:
        sock = await self._connected(config, place)
        try:
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=_trusting(config), server_hostname=place.name, limit=HEAD_LIMIT
            )
        except BaseException:
            sock.close()
            raise
        try:
            return await _exchanged(reader, writer, place, review, seconds)
        finally:
            writer.close()

    async def _connected(self, config: Object, place: _Place) -> socket.socket:
        """A connection to the webhook. Raises ApiError, OSError."""
        if "service" in config and config["service"]:
            said = config["service"]
            host, port = proxying.endpoint(
                said["name"], said["namespace"], place.port, self._lookup, self._rng
            )
            return await _connect(_local, host, port)
        if self._inside(place.host):
            return await _connect(_local, place.host, place.port)
        if self._outside is None:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
            return await _connect(_local, str(found[0][4][0]), place.port)
        addresses = await self._outside.resolve(place.host)
        return await _connect(self._outside.connector, addresses[0], place.port)


def _local(kind: socket.SocketKind, family: socket.AddressFamily) -> socket.socket:
    sock = socket.socket(family, kind)
    sock.setblocking(False)
    return sock


async def _connect(
    make: Callable[[socket.SocketKind, socket.AddressFamily], socket.socket], host: str, port: int
) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = make(socket.SOCK_STREAM, family)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _place(config: Object) -> _Place:
    service = config.get("service")
    if service:
        port = service.get("port") or 443
        name = f"{service['name']}.{service['namespace']}.svc"
        path = service.get("path") or "/"
        return _Place(name, port, name, path, f"https://{name}:{port}{path}")
    url = config.get("url") or ""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return _Place(host, parts.port or 443, host, parts.path or "/", url)


def _shown(place: _Place) -> str:
    return f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}"


def _trusting(config: Object) -> ssl.SSLContext:
    """Trusts the webhook's own authority, or the machine's if it names none. Raises _Odd."""
    given = config.get("caBundle")
    if not given:
        return ssl.create_default_context()
    try:
        bundle = base64.b64decode(given).decode()
        context = ssl.create_default_context(cadata=bundle)
    except (binascii.Error, UnicodeDecodeError, ssl.SSLError):
        raise _Odd("unable to load root certificates: unable to parse bytes as PEM block") from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class _Odd(Exception):
    """What else is wrong with a call."""


async def _exchanged(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    place: _Place,
    review: Object,
    seconds: float,
) -> Object:
    body = msgspec.json.encode(review)
    head = (
        f"POST {place.path}?timeout={seconds:g}s HTTP/1.1\r\nHost: {_shown(place)}\r\n"
        "User-Agent: kube-apiserver-admission\r\nAccept: application/json, */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    try:
        answer = Other(reader, writer, head_from(await reader.readuntil(b"\r\n\r\n")))
        page = await answer.body(ANSWER_LIMIT)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise EOFError("EOF") from None
    if not 200 <= answer.head.status < 300:
        raise _Odd(_refusal(answer.head.status, page))
    return _read(page)


def _refusal(status: int, page: bytes) -> str:
    if status == 404:
        return "the server could not find the requested resource"
    text = page.decode("utf-8", "replace").strip()
    return (
        f'an error on the server ("{text or "unknown"}") has prevented the request from succeeding'
    )


def _read(page: bytes) -> Object:
    try:
        found: Any = msgspec.json.decode(page)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _Odd("couldn't get version/kind; json parse error: invalid character") from None
    if not isinstance(found, dict):
        raise _Odd("couldn't get version/kind; json parse error: it is no object")
    return found


def _words(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host"
    number = error.errno or errno.ECONNREFUSED
    return os.strerror(number).lower()


def _tls(error: ssl.SSLError) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: {error.reason or error}"
    why = str(error.verify_message or error)
    if "self-signed" in why or "self signed" in why or "unable to get" in why:
        why = "certificate signed by unknown authority"
    return f"tls: failed to verify certificate: x509: {why}"


Post = Callable[[Object, Object, float], Awaitable[Object]]
"""Calls a webhook: its clientConfig, the review, how long it may take."""
