import asyncio
import contextlib
import http.client
import socket
from http import HTTPStatus

import pytest

import netemu.pages as module
from netemu.pages import Page, reply, serve_pages

PAGES = {
    "/health": lambda: Page("OK"),
    "/busy": lambda: Page("not yet", HTTPStatus.SERVICE_UNAVAILABLE),
}


@pytest.mark.parametrize(
    ("line", "status", "body"),
    [
        ("GET /health HTTP/1.1", "200 OK", "OK"),
        ("GET /health?verbose HTTP/1.0", "200 OK", "OK"),
        ("HEAD /health HTTP/1.1", "200 OK", ""),
        ("GET /busy HTTP/1.1", "503 Service Unavailable", "not yet"),
        ("GET /else HTTP/1.1", "404 Not Found", "404 page not found\n"),
        ("HEAD /else HTTP/1.1", "404 Not Found", ""),
        ("POST /health HTTP/1.1", "405 Method Not Allowed", "Method Not Allowed\n"),
        ("nonsense", "400 Bad Request", "400 Bad Request"),
        ("GET /health SPDY/3", "400 Bad Request", "400 Bad Request"),
        ("\xff\x00 / HTTP/1.1", "404 Not Found", "404 page not found\n"),
    ],
)
def test_replies(line: str, status: str, body: str) -> None:
    whole = reply(f"{line}\r\nHost: x\r\n\r\n".encode("latin-1"), PAGES).decode()
    head, _, content = whole.partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}\r\n")
    assert content == body


def listening() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def fetched(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


async def test_pages_are_served() -> None:
    sock = listening()
    port = sock.getsockname()[1]
    async with serve_pages(sock, PAGES):
        assert await asyncio.to_thread(fetched, port, "/health") == (200, "OK")
        assert await asyncio.to_thread(fetched, port, "/busy") == (503, "not yet")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


async def test_a_silent_or_endless_client_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.05)
    sock = listening()
    port = sock.getsockname()[1]
    async with serve_pages(sock, PAGES):
        for said in (b"GET /health", b"x" * 100_000, b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
        assert await asyncio.to_thread(fetched, port, "/health") == (200, "OK")


async def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 1)
    sock = listening()
    port = sock.getsockname()[1]
    async with serve_pages(sock, PAGES):
        first = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        first[1].write(b"GET /health HTTP/1.1\r\n\r\n")
        assert (await first[0].read()).endswith(b"\r\n\r\nOK")
        first[1].close()


async def test_leaving_ends_open_connections() -> None:
    sock = listening()
    port = sock.getsockname()[1]
    async with serve_pages(sock, PAGES):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.01)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
