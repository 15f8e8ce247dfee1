import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dnslib
import pytest

from netemu.daemon.webproxy import serve_web_proxy
from netemu.tasks import task_group

KNOWN = {
    "web.default.svc.cluster.local.": "127.0.0.1",
    "web.other.svc.cluster.local.": "127.0.0.1",
    "dead.default.svc.cluster.local.": "127.0.0.1",
}


async def answer_names(sock: socket.socket, asked: list[str]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        packet, client = await loop.sock_recvfrom(sock, 512)
        query = dnslib.DNSRecord.parse(packet)
        name = str(query.q.qname)
        asked.append(name)
        reply = query.reply()
        if name in KNOWN:
            reply.add_answer(*dnslib.RR.fromZone(f"{name} 5 IN A {KNOWN[name]}"))
        await loop.sock_sendto(sock, reply.pack(), client)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers with the head it got, then with all that follows."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + head)
    writer.write(await reader.read())
    writer.close()


class World:
    def __init__(self, proxy: int, backend: int, asked: list[str]) -> None:
        self.proxy, self.backend, self.asked = proxy, backend, asked

    async def ask(self, request: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy)
        writer.write(request.encode())
        writer.write_eof()
        try:
            return (await asyncio.wait_for(reader.read(), 10)).decode()
        finally:
            writer.close()


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    asked: list[str] = []
    backend = await asyncio.start_server(echo, "127.0.0.1", 0)
    proxy = socket.create_server(("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
        names.setblocking(False)
        names.bind(("127.0.0.1", 0))
        dns = f"127.0.0.1:{names.getsockname()[1]}"
        async with backend, task_group() as tasks:
            tasks.start(answer_names(names, asked), name="dns")
            async with serve_web_proxy(proxy, dns, "cluster.local"):
                ports = proxy.getsockname()[1], backend.sockets[0].getsockname()[1]
                yield World(*ports, asked)


async def test_a_request_is_passed_on_to_the_service() -> None:
    async with world() as it:
        url = f"http://web:{it.backend}/path?q=1"
        head = "Host: web\r\nProxy-Connection: x\r\nConnection: keep-alive\r\n\r\n"
        said = await it.ask(f"GET {url} HTTP/1.1\r\n{head}body")
        assert said.startswith("HTTP/1.0 200 OK")
        assert "GET /path?q=1 HTTP/1.1\r\nConnection: close\r\nHost: web\r\n\r\nbody" in said
        assert it.asked == ["web.default.svc.cluster.local."]


async def test_the_user_name_is_the_namespace_of_the_search_list() -> None:
    async with world() as it:
        head = "Proxy-Authorization: Basic b3RoZXI6\r\n\r\n"  # other:
        await it.ask(f"GET http://web:{it.backend}/ HTTP/1.1\r\n{head}")
        assert it.asked == ["web.other.svc.cluster.local."]


async def test_a_tunnel_carries_anything() -> None:
    async with world() as it:
        said = await it.ask(f"CONNECT web:{it.backend} HTTP/1.1\r\n\r\nraw\r\n\r\nmore")
        assert said.startswith("HTTP/1.1 200 Connection established\r\n\r\n")
        assert said.endswith("raw\r\n\r\nmore")


REFUSED = [
    ("GET http://nobody/ HTTP/1.1\r\n\r\n", "502", "could not resolve nobody"),
    ("GET http://dead:9/ HTTP/1.1\r\n\r\n", "502", "dead:9: "),
    ("GET / HTTP/1.1\r\n\r\n", "400", "this is a proxy"),
    ("GET ftp://web/ HTTP/1.1\r\n\r\n", "400", "this is a proxy"),
    ("GET http://web:x/ HTTP/1.1\r\n\r\n", "400", "is no address"),
    ("what\r\n\r\n", "400", "not a request"),
]


@pytest.mark.parametrize(("request_", "status", "said"), REFUSED)
async def test_what_cannot_be_is_refused_with_its_reason(
    request_: str, status: str, said: str
) -> None:
    async with world() as it:
        answer = await it.ask(request_)
        assert answer.startswith(f"HTTP/1.1 {status}")
        assert said in answer
