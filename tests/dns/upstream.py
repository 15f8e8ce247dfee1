"""Other DNS servers on the loopback, which answer as a test wants."""

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import dnslib

from netemu.clock import Clock, SystemClock
from netemu.dns.answer import Answer
from netemu.dns.forward import Forwarder
from netemu.dns.forwarding import Address, Cache, Forward
from netemu.dns.outcome import Wish
from netemu.dns.records import Question, Type, name_from
from netemu.tasks import task_group

Behaviour = Callable[[bytes], list[bytes]]
"""What is sent for a query, by UDP or TCP."""


def answered(query: bytes, *records: str, rcode: int = 0, flags: int = 0, ttl: int = 60) -> bytes:
    """A reply with records of a zone file, by default an address."""
    parsed = dnslib.DNSRecord.parse(query)
    reply = parsed.reply(aa=0)
    reply.header.rcode = rcode
    name = str(parsed.q.qname)
    for line in records or (f"{name} {ttl} IN A 192.0.2.1",):
        if line:
            reply.add_answer(*dnslib.RR.fromZone(line))
    octets = bytearray(reply.pack())
    octets[2] |= flags >> 8
    octets[3] |= flags & 0xFF
    return bytes(octets)


def well(query: bytes) -> list[bytes]:
    return [answered(query)]


def silent(_: bytes) -> list[bytes]:
    return []


@dataclass
class Upstream(asyncio.DatagramProtocol):
    """One server, on the same port by UDP and TCP."""

    behaviour: Behaviour
    by_tcp: Behaviour | None = None
    asked: list[bytes] = field(default_factory=list)
    asked_by_tcp: list[bytes] = field(default_factory=list)
    clients: list[Any] = field(default_factory=list)
    address: Address = ("", 0)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked.append(data)
        self.clients.append(addr)
        for reply in self.behaviour(data):
            self.transport.sendto(reply, addr)

    async def accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        self.asked_by_tcp.append(query)
        for reply in (self.by_tcp or self.behaviour)(query):
            framed = len(reply).to_bytes(2, "big") + reply
            writer.write(framed[:1])
            await writer.drain()
            writer.write(framed[1:])
        writer.close()


@asynccontextmanager
async def upstream(
    behaviour: Behaviour,
    by_tcp: Behaviour | None = None,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Upstream]:
    """A server that is answering; with `tls` over TCP only to whoever speaks that."""
    made = Upstream(behaviour, by_tcp)
    loop = asyncio.get_running_loop()
    listening = await asyncio.start_server(made.accepted, host, 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    await loop.create_datagram_endpoint(lambda: made, (host, port))
    try:
        async with listening:
            yield made
    finally:
        made.transport.close()
        await asyncio.sleep(0)


class Outside:
    """Makes sockets where the tests run."""

    def listen(self, address: str, port: int) -> socket.socket:
        raise NotImplementedError

    def bind_udp(self, address: str, port: int) -> socket.socket:
        raise NotImplementedError

    def connector(
        self, kind: socket.SocketKind, family: socket.AddressFamily = socket.AF_INET
    ) -> socket.socket:
        return socket.socket(family, kind | socket.SOCK_NONBLOCK)


@dataclass
class Asking:
    """A forwarder and the rules it is asked by."""

    forwarder: Forwarder
    rules: Forward

    def ask(self, name: str, kind: int = Type.A, **wish: bool) -> "asyncio.Future[Answer]":
        found: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        question = Question(name_from(name), kind)
        self.forwarder.ask(question, self.rules, Wish(**wish), found.set_result)
        return found

    async def answer(self, name: str, kind: int = Type.A, **wish: bool) -> Answer:
        async with asyncio.timeout(5):
            return await self.ask(name, kind, **wish)


@asynccontextmanager
async def asking(
    *servers: Upstream | Address, clock: Clock | None = None, **rules: Any
) -> AsyncIterator[Asking]:
    """A forwarder for those servers."""
    addresses = tuple(
        server.address if isinstance(server, Upstream) else server for server in servers
    )
    rules.setdefault("cache", Cache(success=30, denial=30))
    told = rules.pop("tell", None)
    async with task_group() as tasks:
        forwarder = Forwarder(
            Outside().connector, random.Random(5), tasks, clock or SystemClock(), tell=told
        )
        yield Asking(forwarder, Forward(servers=addresses, **rules))
