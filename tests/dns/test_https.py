"""Other servers asked over HTTPS, with an authority of the test's own."""

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from netemu.dns.forwarding import Address, Tls
from netemu.dns.https import request
from netemu.dns.records import Rcode
from tests.dns.authority import Authority
from tests.dns.cluster import shown
from tests.dns.upstream import asking, well

MESSAGE = "application/dns-message"
Say = Callable[[bytes], bytes]


def plain(reply: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {MESSAGE}\r\nContent-Length: {len(reply)}\r\n\r\n"
    return head.encode() + reply


def until_the_end(reply: bytes) -> bytes:
    return f"HTTP/1.0 200 OK\r\nContent-Type: {MESSAGE}; x=y\r\n\r\n".encode() + reply


def chunked(reply: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {MESSAGE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = (reply[at : at + 20] for at in range(0, len(reply), 20))
    body = b"".join(b"%x;a=b\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head.encode() + body + b"0\r\n\r\n"


BAD: dict[str, Say] = {
    "another status": lambda _: b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "another type": lambda reply: plain(reply).replace(b"dns-message", b"json"),
    "no HTTP": lambda _: b"\0\1\2",
    "a cut body": lambda reply: plain(reply)[:-1],
    "too much": lambda _: plain(b"").replace(b"Length: 0", b"Length: 99999"),
    "a bad chunk": lambda reply: chunked(reply).replace(b"0\r\n\r\n", b"x\r\n\r\n"),
    "a head without end": lambda _: b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 5000,
}


@asynccontextmanager
async def web(authority: Authority, say: Say) -> AsyncIterator[tuple[Address, list[bytes]]]:
    """A server that answers each request with what `say` makes of the DNS reply."""
    heads: list[bytes] = []

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        line, *headers = head.decode().split("\r\n")
        size = [h.partition(": ")[2] for h in headers if h.startswith("Content-Length: ")]
        text = line.split(" ")[1].partition("?dns=")[2]
        query = await reader.readexactly(int(size[0])) if size else urlsafe_b64decode(text + "==")
        writer.write(say(well(query)[0]))
        writer.close()

    server = await asyncio.start_server(
        accepted, "127.0.0.1", 0, ssl=authority.server("dns.example.org")
    )
    async with server:
        yield server.sockets[0].getsockname(), heads


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def over_https(authority: Authority, *, get: bool = False) -> Tls:
    return Tls(name="dns.example.org", authorities=authority.pem, https=True, get=get)


@pytest.mark.parametrize("get", [False, True])
@pytest.mark.parametrize("say", [plain, until_the_end, chunked])
async def test_a_query_is_a_request(authority: Authority, say: Say, get: bool) -> None:
    tls = over_https(authority, get=get)
    async with (
        web(authority, say) as (address, heads),
        asking(address, secured=((address, tls),)) as client,
    ):
        answer = await client.answer("www.example.org")
    assert [shown(record) for record in answer.records] == ["A 192.0.2.1"]
    start = b"GET /dns-query?dns=" if get else b"POST /dns-query HTTP/1.1\r\n"
    assert heads[0].startswith(start)
    assert b"\r\nHost: dns.example.org\r\n" in heads[0]


@pytest.mark.parametrize("say", BAD.values(), ids=BAD)
async def test_other_replies_are_failures(authority: Authority, say: Say) -> None:
    async with (
        web(authority, say) as (address, _),
        asking(address, secured=((address, over_https(authority)),), attempts=1) as client,
    ):
        assert (await client.answer("www.example.org")).rcode is Rcode.SERVFAIL


def test_an_ipv6_host_stands_in_brackets() -> None:
    text = request(Tls(name="2001:db8::1", https=True), b"\0\xff")
    assert text == (
        b"POST /dns-query HTTP/1.1\r\nHost: [2001:db8::1]\r\nAccept: application/dns-message\r\n"
        b"Connection: close\r\nContent-Type: application/dns-message\r\nContent-Length: 2\r\n\r\n"
        b"\0\xff"
    )
