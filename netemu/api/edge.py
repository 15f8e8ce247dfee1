"""Between HTTP and the handlers: aiohttp's requests become ours, our answers its responses.

A request is read (its body only for those who showed a certificate or a token, and never beyond
the limit), answered by `endpoints.answer`, and written. A watcher that doesn't read is cut off.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, Final
from weakref import WeakKeyDictionary

from aiohttp import web
from multidict import CIMultiDict

from netemu.api.context import Context
from netemu.api.duplex import Duplex
from netemu.api.endpoints import answer
from netemu.api.request import (
    CREDENTIAL_ID,
    Answer,
    Headers,
    Put,
    Relay,
    Request,
    Stream,
    Upgrade,
    User,
    error_answer,
)
from netemu.api.tokens import TokenRefused
from netemu.api.upgrade import Bare, Spent, upgraded
from netemu.config.settings import ApiSettings
from netemu.model.errors import ApiError, BadRequest, InternalError, TooLarge
from netemu.tasks import Tasks

BODY_SECONDS: Final = 60.0
"""How long a client may take to send a body."""
WRITE_SECONDS: Final = 30.0
"""How long a client may leave a piece of a stream unread before it is cut off."""
REFUSAL_SECONDS: Final = 0.2
"""How long a stream that may be refused may take to say so before its headers are sent."""
CHUNK: Final = 64 * 1024

log = logging.getLogger(__name__)


class Edge:
    """Turns aiohttp's requests into ours and our answers into its responses."""

    def __init__(self, context: Context, settings: ApiSettings, tasks: Tasks) -> None:
        self._context = context
        self._limit = settings.body_limit
        self._tasks = tasks
        self._streaming: set[asyncio.Task[Any]] = set()
        self._certified: WeakKeyDictionary[asyncio.BaseTransport, User | None] = WeakKeyDictionary()
        """Whom the certificate of each connection names; it never changes."""

    def end_streams(self) -> None:
        """End every stream that is still running."""
        for task in self._streaming:
            task.cancel()

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        user = self._by_certificate(http.transport) or self._bearer(http)
        try:
            body = await self._body(http) if user is not None else b""
        except ApiError as error:
            return await self._send(http, error_answer(error), close=True)
        # A write goes on when its client hangs up: nobody could tell how far it had come.
        task = self._tasks.start(answer(self._context, _request(http, user, body)), name="request")
        found: Answer | Stream | Upgrade | Relay = await asyncio.shield(task)
        if isinstance(found, Relay):
            return await self._relay(http, found)
        if isinstance(found, Upgrade):
            return await self._upgrade(http, found)
        if isinstance(found, Answer):
            return await self._send(http, found, close=user is None and http.body_exists)
        return await self._stream(http, found)

    def _by_certificate(self, transport: asyncio.BaseTransport | None) -> User | None:
        if transport is None:
            return None
        if transport not in self._certified:
            self._certified[transport] = _certified(transport)
        return self._certified[transport]

    def _bearer(self, http: web.BaseRequest) -> User | None:
        """For whom the token in the Authorization header speaks."""
        scheme, _, token = http.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        try:
            return self._context.tokens.user(token.strip())[0]
        except TokenRefused as refused:
            log.info("a token was refused: %s", refused)
            return None

    async def _body(self, http: web.BaseRequest) -> bytes:
        """The body. Raises BadRequest, TooLarge."""
        if not http.body_exists:
            return b""
        if (http.content_length or 0) > self._limit:
            raise self._too_large()
        if http.headers.get("Expect", "").lower() == "100-continue":
            await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            http.writer.output_size = 0  # that was no part of the response
        pieces, size = [], 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for piece in http.content.iter_chunked(CHUNK):
                    size += len(piece)
                    if size > self._limit:
                        raise self._too_large()
                    pieces.append(piece)
        except TimeoutError:
            raise BadRequest("the request's body did not arrive in time") from None
        except web.RequestPayloadError:
            raise BadRequest("the request's body is malformed") from None
        return b"".join(pieces)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"Request entity too large: limit is {self._limit}")

    async def _send(
        self, http: web.BaseRequest, found: Answer, *, close: bool = False
    ) -> web.StreamResponse:
        response = web.Response(
            body=found.body,
            status=found.status,
            headers=_headers(found.content_type, found.headers),
        )
        if close:
            response.force_close()
        return response

    async def _upgrade(self, http: web.BaseRequest, found: Upgrade) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._streaming.add(task)
        try:
            return await upgraded(http, found)
        finally:
            self._streaming.discard(task)

    async def _relay(self, http: web.BaseRequest, found: Relay) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        asker = _Asker(http)
        self._streaming.add(task)
        try:
            await found.run(asker)
        except ApiError as error:
            return await self._send(http, error_answer(error))
        finally:
            self._streaming.discard(task)
            asker.close()
        assert asker.response is not None
        await asker.response.write_eof()
        return asker.response

    async def _stream(self, http: web.BaseRequest, found: Stream) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._streaming.add(task)
        first = self._tasks.start(_first(found.pieces), name="first piece")
        try:
            await asyncio.sleep(0)  # a watch subscribes before its client sees the headers
            if found.may_refuse:
                await asyncio.wait({first}, timeout=REFUSAL_SECONDS)
                if first.done() and isinstance(error := first.result(), ApiError):
                    return await self._send(http, error_answer(error))
            return await _write(http, found, first)
        finally:
            self._streaming.discard(task)
            if not first.done():
                first.cancel()
                await asyncio.wait({first})
            await found.pieces.aclose()


class _Asker:
    """A client that gets another server's answer."""

    def __init__(self, http: web.BaseRequest) -> None:
        self._http = http
        self._bare: Bare | None = None
        self.response: web.StreamResponse | None = None

    async def begin(self, status: int, headers: Headers) -> Put:
        self.response = web.StreamResponse(status=status, headers=CIMultiDict(headers))
        await self.response.prepare(self._http)
        return partial(_put, self.response)

    async def switch(self, head: bytes) -> Duplex:
        self._bare = Bare(self._http)
        self.response = Spent()
        return self._bare.begun(head)

    def close(self) -> None:
        """End what no longer speaks HTTP."""
        if self._bare is not None:
            self._bare.close()


async def _first(pieces: AsyncGenerator[bytes, None]) -> bytes | ApiError:
    """The first piece, empty when there is none, or why there is none."""
    try:
        return await anext(pieces, b"")
    except ApiError as error:
        return error
    except Exception as error:
        log.exception("a stream failed before its first piece")
        return InternalError(str(error))


async def _write(
    http: web.BaseRequest, found: Stream, first: asyncio.Task[bytes | ApiError]
) -> web.StreamResponse:
    """Send headers at once, then each piece as it comes."""
    response = web.StreamResponse(headers=_headers(found.content_type, ()))
    try:
        await response.prepare(http)
        piece = await first
        if isinstance(piece, bytes) and piece:
            await _put(response, piece)
        async for piece in found.pieces:
            await _put(response, piece)
        await response.write_eof()
    except (ConnectionError, TimeoutError):
        # Gone, or not reading: what waits in the socket will never be read.
        if http.transport is not None:
            http.transport.abort()
    except Exception:
        log.exception("%s %s failed while it streamed", http.method, http.path)
        if http.transport is not None:
            http.transport.abort()
    return response


async def _put(response: web.StreamResponse, piece: bytes) -> None:
    async with asyncio.timeout(WRITE_SECONDS):
        await response.write(piece)


def _headers(content_type: str, more: Headers) -> CIMultiDict[str]:
    headers = CIMultiDict([("Content-Type", content_type), ("Cache-Control", "no-cache, private")])
    for name, value in more:
        if name == "Cache-Control":
            headers[name] = value
        else:
            headers.add(name, value)
    return headers


def _request(http: web.BaseRequest, user: User | None, body: bytes) -> Request:
    query: dict[str, str] = {}
    for name, value in http.query.items():
        query.setdefault(name, value)
    headers = http.headers
    return Request(
        method=http.method,
        path=http.path,
        query=query,
        accept=",".join(headers.getall("Accept", [])),
        content_type=headers.get("Content-Type", ""),
        user_agent=headers.get("User-Agent", ""),
        if_none_match=headers.get("If-None-Match", ""),
        body=body,
        user=user,
        parameters=tuple(http.query.items()),
        target=http.raw_path,
        headers=tuple(headers.items()),
        upgrade=headers.get("Upgrade", ""),
        protocols=_listed(headers, "Sec-WebSocket-Protocol", "X-Stream-Protocol-Version"),
    )


def _listed(headers: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """What headers list, in one line or in several."""
    lines = [line for name in names for key, line in headers.items() if key.lower() == name.lower()]
    return tuple(word.strip() for line in lines for word in line.split(",") if word.strip())


def _certified(transport: asyncio.BaseTransport) -> User | None:
    """Whom the client's certificate names: CN the user, O the groups."""
    certificate = transport.get_extra_info("peercert")
    if not certificate:
        return None
    pairs = [pair for part in certificate.get("subject", ()) for pair in part]
    names = [value for key, value in pairs if key == "commonName"]
    groups = tuple(value for key, value in pairs if key == "organizationName")
    if not names:
        return None
    whole = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    fingerprint = sha256(whole).hexdigest()
    extra = {CREDENTIAL_ID: (f"X509SHA256={fingerprint}",)}
    return User(names[0], (*groups, "system:authenticated"), extra=extra)
