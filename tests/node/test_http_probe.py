import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from netemu.api.authority import ensure_credentials
from netemu.api.credentials import load
from netemu.node.http_probe import HEAD_LIMIT, dial_error, http_get
from netemu.node.probe import HttpGet, Outcome, Result

HOST = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def server(
    answer: Callable[[bytes], bytes], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Answers each request head and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(head))
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, HOST, 0, ssl=tls)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@asynccontextmanager
async def plain(answer: bytes, *, reset: bool = False) -> AsyncIterator[int]:
    """Answers whatever comes, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return
        writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, HOST, 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


def get(port: int, path: str = "/", **fields: object) -> HttpGet:
    return HttpGet(port=port, path=path, **fields)  # type: ignore[arg-type]  # by name below


async def test_the_request_is_the_kubelets() -> None:
    seen: list[bytes] = []

    def answer(head: bytes) -> bytes:
        seen.append(head)
        return OK

    async with server(answer) as port:
        outcome = await http_get(
            get(port, "/a?b", headers=(("X-A", "1"), ("Host", "h"))), HOST, port
        )
    assert outcome == Outcome(Result.SUCCESS)
    assert seen[0].decode().split("\r\n") == [
        "GET /a?b HTTP/1.1",
        "Host: h",
        "User-Agent: kube-probe/1.32",
        "Accept: */*",
        "Connection: close",
        "X-A: 1",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", Outcome(Result.SUCCESS)),
        (b"HTTP/1.0 399 Odd\r\n\r\n", Outcome(Result.SUCCESS)),
        (
            b"HTTP/1.1 500 Oh\r\n\r\n",
            Outcome(Result.FAILURE, "HTTP probe failed with statuscode: 500"),
        ),
        (b"", Outcome(Result.FAILURE, 'Get "http://127.0.0.1:PORT/": EOF')),
        (
            b"hello\r\n\r\n",
            Outcome(
                Result.FAILURE,
                'Get "http://127.0.0.1:PORT/": net/http: HTTP/1.x transport connection broken: '
                'malformed HTTP response "hello"',
            ),
        ),
    ],
)
async def test_what_an_answer_means(reply: bytes, outcome: Outcome) -> None:
    async with server(lambda _: reply) as port:
        found = await http_get(get(port), HOST, port)
    assert found == Outcome(outcome.result, outcome.message.replace("PORT", str(port)))


async def test_nobody_listens() -> None:
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    outcome = await http_get(get(port, "/x"), HOST, port)
    words = (
        f'Get "http://127.0.0.1:{port}/x": dial tcp 127.0.0.1:{port}: connect: connection refused'
    )
    assert outcome == Outcome(Result.FAILURE, words, refused=True)


async def test_a_redirect_on_the_same_host_is_followed() -> None:
    def answer(head: bytes) -> bytes:
        if head.startswith(b"GET /bad"):
            return b"HTTP/1.1 503 No\r\n\r\n"
        return b"HTTP/1.1 302 Found\r\nLocation: /bad?x\r\n\r\n"

    async with server(answer) as port:
        outcome = await http_get(get(port), HOST, port)
    assert outcome == Outcome(Result.FAILURE, "HTTP probe failed with statuscode: 503")


async def test_a_redirect_elsewhere_is_a_success_with_a_warning() -> None:
    reply = b"HTTP/1.1 302 Found\r\nLocation: http://0.0.0.0/\r\n\r\n"
    async with server(lambda _: reply) as port:
        outcome = await http_get(get(port), HOST, port)
    assert outcome.result is Result.WARNING
    assert outcome.ok


async def test_redirects_without_end() -> None:
    reply = b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"
    async with server(lambda _: reply) as port:
        outcome = await http_get(get(port), HOST, port)
    assert outcome.message.endswith("stopped after 10 redirects")


async def test_https_takes_any_certificate(tmp_path: Path) -> None:
    ensure_credentials(tmp_path, hosts=("other.test",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*load(tmp_path).server_files)
    async with server(lambda _: OK, context) as port:
        outcome = await http_get(get(port, scheme="https"), HOST, port)
    assert outcome == Outcome(Result.SUCCESS)


async def test_https_where_plain_http_is_spoken() -> None:
    """A common slip, so it gets Go's words rather than OpenSSL's."""
    async with plain(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n") as port:
        outcome = await http_get(get(port, scheme="https"), HOST, port)
    words = f'Get "https://127.0.0.1:{port}/": http: server gave HTTP response to HTTPS client'
    assert outcome == Outcome(Result.FAILURE, words)


async def test_a_connection_that_is_reset() -> None:
    async with plain(b"", reset=True) as port:
        outcome = await http_get(get(port), HOST, port)
    ends = re.escape(f'Get "http://127.0.0.1:{port}/": read tcp 127.0.0.1:')
    rest = re.escape(f"->127.0.0.1:{port}: read: connection reset by peer")
    assert re.fullmatch(rf"{ends}\d+{rest}", outcome.message)


async def test_a_head_that_is_too_long() -> None:
    async with plain(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2 * HEAD_LIMIT) as port:
        outcome = await http_get(get(port), HOST, port)
    assert outcome.message.endswith("server response headers exceeded 65536 bytes; aborted")


async def test_a_connection_that_ends_while_tls_is_agreed_on() -> None:
    async with plain(b"") as port:
        outcome = await http_get(get(port, scheme="https"), HOST, port)
    assert outcome == Outcome(Result.FAILURE, f'Get "https://127.0.0.1:{port}/": EOF')


def test_a_host_that_nobody_knows() -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert dial_error("nowhere.test", 80, error) == "dial tcp: lookup nowhere.test: no such host"
