import asyncio
import resource
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dnslib
import pytest

from netemu.dns import streams
from netemu.dns.streams import IDLE_SECONDS, Connections, serve_streams
from tests.dns.cluster import packet, responder
from tests.support.clock import FakeClock, settle

SVC = "default.svc.cluster.local"


def framed(*queries: bytes) -> bytes:
    return b"".join(len(query).to_bytes(2, "big") + query for query in queries)


WEB = packet(f"web.{SVC}")


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def octets(self, seconds: float = 5.0) -> bytes:
        async with asyncio.timeout(seconds):
            size = int.from_bytes(await self.reader.readexactly(2), "big")
            return await self.reader.readexactly(size)

    async def reply(self) -> Any:
        return dnslib.DNSRecord.parse(await self.octets())

    async def is_closed(self) -> bool:
        try:
            async with asyncio.timeout(5):
                return await self.reader.read(1) == b""
        except ConnectionResetError:
            return True


@dataclass
class Server:
    connections: Connections
    address: tuple[str, int]
    clock: FakeClock
    clients: list[Client]

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection(*self.address))
        self.clients.append(client)
        return client


@asynccontextmanager
async def served() -> AsyncIterator[Server]:
    clock, sock = FakeClock(), socket.create_server(("127.0.0.1", 0))
    async with serve_streams(sock, responder(stream=True), clock) as connections:
        server = Server(connections, sock.getsockname(), clock, [])
        yield server
        for client in server.clients:
            client.writer.close()


async def test_a_query_is_answered() -> None:
    async with served() as server:
        client = await server.connect()
        client.writer.write(framed(WEB))
        assert [str(rr.rdata) for rr in (await client.reply()).rr] == ["10.96.0.7"]


async def test_pieces_make_a_query() -> None:
    async with served() as server:
        client = await server.connect()
        for octet in framed(WEB):
            client.writer.write(bytes([octet]))
            await settle()
        assert (await client.reply()).header.rcode == 0


async def test_several_queries_in_one_write_are_answered_in_order() -> None:
    async with served() as server:
        client = await server.connect()
        count = streams.BATCH * 3
        client.writer.write(
            framed(*(packet(f"x{number}.{SVC}", ident=number) for number in range(count)))
        )
        assert [(await client.reply()).header.id for _ in range(count)] == list(range(count))


async def test_a_connection_is_used_again() -> None:
    async with served() as server:
        client = await server.connect()
        for ident in range(3):
            client.writer.write(framed(packet(f"web.{SVC}", ident=ident)))
            assert (await client.reply()).header.id == ident


async def test_what_gets_no_reply_doesnt_end_it() -> None:
    async with served() as server:
        client = await server.connect()
        client.writer.write(framed(b"", b"x", WEB[:2] + b"\x80" + WEB[3:], WEB))
        assert (await client.reply()).header.rcode == 0


async def test_everything_is_sent_however_long() -> None:
    async with served() as server:
        client = await server.connect()
        client.writer.write(framed(packet(f"big.{SVC}")))
        assert len((await client.reply()).rr) == 60


async def test_who_has_said_all_still_gets_the_replies() -> None:
    async with served() as server:
        client = await server.connect()
        client.writer.write(framed(*[WEB] * (streams.BATCH * 2)))
        client.writer.write_eof()
        for _ in range(streams.BATCH * 2):
            assert (await client.reply()).header.rcode == 0
        assert await client.is_closed()


async def test_who_asks_nothing_is_closed() -> None:
    async with served() as server:
        client = await server.connect()
        await until(lambda: len(server.connections) == 1)
        await server.clock.advance(IDLE_SECONDS + 1)
        assert await client.is_closed()
        assert len(server.connections) == 0


async def test_who_asks_in_time_stays() -> None:
    async with served() as server:
        client = await server.connect()
        for _ in range(3):
            await server.clock.advance(IDLE_SECONDS - 1)
            client.writer.write(framed(WEB))
            await client.reply()
        assert len(server.connections) == 1


async def test_half_a_query_doesnt_count_as_one() -> None:
    async with served() as server:
        client = await server.connect()
        for octet in framed(WEB)[:6]:
            client.writer.write(bytes([octet]))
            await settle()
            await server.clock.advance(IDLE_SECONDS / 5)
        assert await client.is_closed()


async def test_the_one_quiet_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_CONNECTIONS", 3)
    async with served() as server:
        clients = [await server.connect() for _ in range(3)]
        for client in clients:
            client.writer.write(framed(WEB))
            await client.reply()
        clients[0].writer.write(framed(WEB))
        await clients[0].reply()
        newest = await server.connect()
        newest.writer.write(framed(WEB))
        assert (await newest.reply()).header.rcode == 0
        assert await clients[1].is_closed()
        assert len(server.connections) == 3
        clients[0].writer.write(framed(WEB))
        assert (await clients[0].reply()).header.rcode == 0


async def test_who_doesnt_read_is_not_read_from() -> None:
    async with served() as server:
        deaf = await server.connect()
        sock = deaf.writer.get_extra_info("socket")
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's has it
        query, sent = framed(packet(f"big.{SVC}")), 0
        while sent < 50_000_000:
            try:
                sent += sock._sock.send(query * 1000)
            except BlockingIOError:
                await settle()
                if server.connections and all(c._blocked for c in server.connections):
                    break
        (connection,) = server.connections
        assert connection._blocked
        assert len(connection._received) < 600_000
        client = await server.connect()
        client.writer.write(framed(WEB))
        assert (await client.reply()).header.rcode == 0
        await server.clock.advance(IDLE_SECONDS + 1)
        assert len(server.connections) <= 1


async def test_a_backlog_is_answered_when_the_client_reads_again() -> None:
    async with served() as server:
        client = await server.connect()
        count = 3000  # two and a half megabytes of replies
        client.writer.write(framed(*(packet(f"big.{SVC}", ident=n) for n in range(count))))
        await settle()
        idents = [int.from_bytes((await client.octets())[:2], "big") for _ in range(count)]
        assert idents == list(range(count))


async def test_whoever_opens_many_is_bounded_and_starves_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "MOST_CONNECTIONS", 20)
    async with served() as server:
        for number in range(200):
            client = await server.connect()
            client.writer.write(framed(WEB)[: number % len(framed(WEB))])
        good = await server.connect()
        good.writer.write(framed(WEB))
        assert (await good.reply()).header.rcode == 0
        assert len(server.connections) <= 20
        held = sum(len(connection._received) for connection in server.connections)
        assert held <= 20 * len(WEB)


ATTACK = """
import resource, socket, struct, sys, time
address, count = ("127.0.0.1", int(sys.argv[1])), int(sys.argv[2])
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
most = min(count, hard - 100)
opened, halves = [], (b"", b"\\0", b"\\0\\x2a", b"\\0\\x2a" + bytes(20))
for number in range(count):
    if len(opened) == most:
        opened.pop(0).close()
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no TIME_WAIT
    sock.bind((f"127.0.0.{2 + number % 8}", 0))
    sock.setblocking(False)
    sock.connect_ex(address)
    opened.append(sock)
    try:
        opened[-min(len(opened), 200)].send(halves[number % 4])
    except OSError:
        pass
print(len(opened), flush=True)
time.sleep(1)
"""
"""Opens many connections from eight addresses, as many at once as its limit of descriptors allows,
and sends nothing or half a query on each.
"""
MANY = 50_000
PATIENCE = 40.0
"""Seconds; a lost SYN is sent again after 1, 3, 7 and 15."""
MOST_GROWTH = 64
"""MB that the server may grow by meanwhile."""


def resident() -> float:
    """MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_fifty_thousand_idle_or_half_sent_connections_are_bounded() -> None:
    async with served() as server:
        before, most = resident(), 0
        attack = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ATTACK, str(server.address[1]), str(MANY)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert attack.stdout is not None
        asked = 0
        ending = asyncio.get_running_loop().create_task(attack.stdout.read())
        while not ending.done():
            async with asyncio.timeout(PATIENCE):
                good = Client(*await asyncio.open_connection(*server.address))
            good.writer.write(framed(WEB))
            assert (await good.octets(PATIENCE))[3] & 15 == 0
            good.writer.close()
            asked += 1
            most = max(most, len(server.connections))
            await asyncio.sleep(0.01)
        assert int(await ending) > 1000
        assert asked > 0
        assert most <= streams.MOST_CONNECTIONS
        assert resident() - before < MOST_GROWTH
        await attack.wait()
        while len(server.connections):  # some are only accepted now
            await server.clock.advance(IDLE_SECONDS + 1)
            await asyncio.sleep(0.01)


async def test_a_client_among_many_of_another_keeps_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "MOST_CONNECTIONS", 5)
    async with served() as server:
        quiet = await server.connect()
        for _ in range(30):
            with socket.socket() as other:
                other.bind(("127.0.0.9", 0))
                other.connect(server.address)
                await until(lambda: len(server.connections) >= 2)
                server.clients.append(Client(*await asyncio.open_connection(sock=other.dup())))
        quiet.writer.write(framed(WEB))
        assert (await quiet.reply()).header.rcode == 0
        assert len(server.connections) == 5


async def test_a_transfer_waits_for_a_client_that_reads_slowly() -> None:
    messages, made = 20_000, list[int]()

    def endless() -> Iterator[bytes]:
        for number in range(messages):
            made.append(number)
            yield bytes(2000)

    async with served() as server:
        one = server.connections.responder
        original = one.handle

        def handle(packet: bytes, client: Any, send: Any, send_all: Any) -> None:
            if packet[-4:-2] == b"\0\xfc":
                send_all(endless())
            else:
                original(packet, client, send, send_all)

        one.handle = handle  # type: ignore[method-assign, assignment]  # a zone of forty megabytes
        slow, other = await server.connect(), await server.connect()
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's has it
        slow.writer.write(framed(packet("cluster.local", "AXFR"), WEB))
        await until(lambda: any(c._blocked for c in server.connections))
        assert len(made) < messages
        other.writer.write(framed(WEB))
        assert (await other.reply()).header.rcode == 0
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]  # a stream's has it
        for _ in range(messages):
            assert len(await slow.octets()) == 2000
        assert (await slow.reply()).header.rcode == 0


async def test_leaving_closes_everything() -> None:
    async with served() as server:
        client = await server.connect()
        client.writer.write(framed(WEB))
        await client.reply()
    assert await client.is_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*server.address)


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)
