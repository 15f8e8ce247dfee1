import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from netemu.api import passing
from netemu.api.proxying import Location
from netemu.api.request import Request

ASKED = b"GET / HTTP/1.1\r\n\r\n"


def asking(connection: str, upgrade: str, **more: Any) -> Request:
    headers = [("Connection", connection)] if connection else []
    return Request(method="GET", path="/", headers=headers, upgrade=upgrade, **more)


@pytest.mark.parametrize(
    ("connection", "upgrade", "wanted"),
    [
        ("Upgrade", "websocket", True),
        ("keep-alive, upgrade", "SPDY/3.1", True),
        ("keep-alive", "websocket", False),
        ("Upgrade", "", False),
        ("", "websocket", False),
    ],
)
def test_who_wants_to_switch(connection: str, upgrade: str, wanted: bool) -> None:
    assert passing.wanted(asking(connection, upgrade)) is wanted


def test_the_handshake_goes_on() -> None:
    message = passing.handshake(asking("Upgrade", "websocket"), "/a?b", [("Host", "web")])
    assert message == (
        b"GET /a?b HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    posted = passing.handshake(asking("Upgrade", "x", body=b"body"), "/", [])
    assert posted.endswith(b"Content-Length: 4\r\n\r\nbody")


def test_a_head_is_read() -> None:
    head = passing.head_from(b"HTTP/1.1 403 No Way\r\nX-A: b: c\r\n\r\n")
    assert (head.status, head.headers) == (403, [("X-A", "b: c")])
    assert (head.value("x-a"), head.value("x-b")) == ("b: c", "")


@pytest.mark.parametrize("raw", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 x\r\n\r\n", b"\r\n\r\n"])
def test_what_is_no_head(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"malformed|invalid literal"):
        passing.head_from(raw)


@asynccontextmanager
async def server(said: bytes) -> AsyncIterator[Location]:
    """A server that says this to whoever has asked, and ends."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    served: Callable[..., Coroutine[Any, Any, asyncio.Server]] = asyncio.start_server
    async with await served(answer, "127.0.0.1", 0) as listening:
        yield Location("http", "127.0.0.1", listening.sockets[0].getsockname()[1])


BODIES = [
    (b"Content-Length: 4\r\n\r\nbodymore", b"body"),
    (b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", b"body"),
    (b"X: y\r\n\r\nbody", b"body"),
]


@pytest.mark.parametrize(("answer", "body"), BODIES)
async def test_a_refusal_is_read_whole(answer: bytes, body: bytes) -> None:
    async with server(b"HTTP/1.1 400 Bad Request\r\n" + answer) as there:
        other = await passing.connected(there, ASKED)
        assert await other.body() == body
        other.writer.close()


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 101 Switching", b"x" * (passing.HEAD_LIMIT + 8), b"no http\r\n\r\n"]
)
async def test_what_is_no_answer_is_refused(said: bytes) -> None:
    async with server(said) as there:
        with pytest.raises((ValueError, ConnectionError)):
            await passing.connected(there, ASKED)
