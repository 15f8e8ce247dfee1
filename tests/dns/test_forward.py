import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import dnslib
import pytest

from netemu.dns import forward
from netemu.dns.forward import Forwarder
from netemu.tasks import task_group
from tests.dns.cluster import packet, responder

SVC = "default.svc.cluster.local"
OUTSIDE = packet("www.example.org", ident=0x7777)
Behaviour = Callable[[bytes], list[bytes]]


def answered(query: bytes) -> list[bytes]:
    reply = dnslib.DNSRecord.parse(query).reply(aa=0)
    reply.add_answer(dnslib.RR("www.example.org", rdata=dnslib.A("192.0.2.1"), ttl=60))
    return [bytes(reply.pack())]


class Upstream(asyncio.DatagramProtocol):
    """Another DNS server."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.asked: list[bytes] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.address: tuple[str, int] = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.asked.append(data)
        for reply in self.behaviour(data):
            self.transport.sendto(reply, addr)  # type: ignore[arg-type]


def connector(kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_INET, kind)
    sock.setblocking(False)
    return sock


@asynccontextmanager
async def forwarding(*behaviours: Behaviour) -> AsyncIterator[tuple[Forwarder, list[Upstream]]]:
    loop, upstreams = asyncio.get_running_loop(), list[Upstream]()
    for behaviour in behaviours:
        _, upstream = await loop.create_datagram_endpoint(
            partial(Upstream, behaviour), ("127.0.0.1", 0)
        )
        upstreams.append(upstream)
    async with task_group() as tasks:
        addresses = [upstream.address for upstream in upstreams]
        yield Forwarder(addresses, connector, random.Random(5), tasks), upstreams
    for upstream in upstreams:
        upstream.transport.close()
    await asyncio.sleep(0)


async def reply_of(forwarder: Forwarder, query: bytes) -> bytes:
    sent: asyncio.Queue[bytes] = asyncio.Queue()
    one = responder(elsewhere=forwarder.take)
    one.handle(query, lambda reply: sent.put_nowait(bytes(reply)))
    async with asyncio.timeout(5):
        return await sent.get()


async def test_a_foreign_name_is_asked_of_the_server() -> None:
    async with forwarding(answered) as (forwarder, (upstream,)):
        reply = dnslib.DNSRecord.parse(await reply_of(forwarder, OUTSIDE))
        assert (reply.header.id, [str(rr.rdata) for rr in reply.rr]) == (0x7777, ["192.0.2.1"])
        assert upstream.asked[0][2:] == OUTSIDE[2:]
        assert upstream.asked[0][:2] != OUTSIDE[:2]


async def test_names_of_the_cluster_never_leave() -> None:
    async with forwarding(answered) as (forwarder, (upstream,)):
        for name in (f"web.{SVC}", f"nope.{SVC}", f"www.example.org.{SVC}", f"ext.{SVC}"):
            assert await reply_of(forwarder, packet(name))
        assert upstream.asked == []


async def test_reverse_names_of_others_are_asked() -> None:
    async with forwarding(answered) as (forwarder, (upstream,)):
        await reply_of(forwarder, packet("1.2.0.192.in-addr.arpa", "PTR"))
        await reply_of(forwarder, packet("7.0.96.10.in-addr.arpa", "PTR"))
        assert len(upstream.asked) == 1


LIES: dict[str, Behaviour] = {
    "another id": lambda query: [bytes([query[0] ^ 1]) + answered(query)[0][1:]],
    "another name": lambda query: answered(query[:2] + packet("www.example.com")[2:]),
    "another type": lambda query: answered(query[:2] + packet("www.example.org", "AAAA")[2:]),
    "no reply at all": lambda query: [query],
    "a scrap": lambda query: [query[:1], b"", query[:13]],
    "no question": lambda query: [query[:2] + b"\x80\0\0\0\0\0\0\0\0\0" + query[12:]],
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_what_doesnt_match_is_ignored(lie: Behaviour) -> None:
    def behave(query: bytes) -> list[bytes]:
        return lie(query) + answered(query)

    async with forwarding(behave) as (forwarder, _):
        assert dnslib.DNSRecord.parse(await reply_of(forwarder, OUTSIDE)).rr


async def test_a_dead_server_means_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "ANSWER_SECONDS", 0.02)
    async with forwarding(lambda _: [], answered) as (forwarder, _):
        assert dnslib.DNSRecord.parse(await reply_of(forwarder, OUTSIDE)).rr


async def test_no_server_means_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "ANSWER_SECONDS", 0.02)
    async with forwarding(lambda _: []) as (forwarder, _):
        reply = dnslib.DNSRecord.parse(await reply_of(forwarder, OUTSIDE))
        assert (reply.header.id, reply.header.rcode) == (0x7777, 2)


async def test_a_refused_port_is_a_dead_server() -> None:
    with connector(socket.SOCK_DGRAM) as unused:
        unused.bind(("127.0.0.1", 0))
        address = unused.getsockname()
    async with task_group() as tasks:
        forwarder = Forwarder([address], connector, random.Random(5), tasks)
        assert dnslib.DNSRecord.parse(await reply_of(forwarder, OUTSIDE)).header.rcode == 2


async def test_what_is_too_long_is_cut() -> None:
    async with forwarding(lambda query: [answered(query)[0] + bytes(600)]) as (forwarder, _):
        octets = await reply_of(forwarder, OUTSIDE)
        reply = dnslib.DNSRecord.parse(octets)
        assert len(octets) <= 512
        assert (reply.header.tc, str(reply.q.qname)) == (1, "www.example.org.")


async def test_too_many_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "MOST_UNDER_WAY", 0)
    async with forwarding(answered) as (forwarder, (upstream,)):
        assert dnslib.DNSRecord.parse(await reply_of(forwarder, OUTSIDE)).header.rcode == 5
        assert upstream.asked == []
