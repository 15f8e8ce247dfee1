import asyncio
import socket

import pytest

from netemu.dns import datagrams
from netemu.dns.datagrams import serve_datagrams
from tests.dns.cluster import packet, responder

WEB = packet("web.default.svc.cluster.local")


def bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return sock


def client_of(server: socket.socket) -> socket.socket:
    client = bound()
    client.connect(server.getsockname())
    client.setblocking(False)
    return client


async def received(client: socket.socket) -> bytes:
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(client, 65535)


async def test_each_query_is_answered_to_who_asked() -> None:
    server = bound()
    with serve_datagrams(server, responder()), client_of(server) as one, client_of(server) as two:
        one.send(b"\0\1" + WEB[2:])
        two.send(b"\0\2" + WEB[2:])
        assert (await received(one))[:2] == b"\0\1"
        assert (await received(two))[:2] == b"\0\2"


async def test_both_queries_of_one_port_are_answered() -> None:
    """A and AAAA sent back to back from one socket, as resolvers do."""
    server = bound()
    with serve_datagrams(server, responder()), client_of(server) as client:
        client.send(packet("web.default.svc.cluster.local", "A", ident=1))
        client.send(packet("web.default.svc.cluster.local", "AAAA", ident=2))
        assert {(await received(client))[:2] for _ in range(2)} == {b"\0\1", b"\0\2"}


def test_others_get_their_turn_within_a_flood() -> None:
    server = bound()
    server.setblocking(False)
    with server, client_of(server) as client:
        for _ in range(datagrams.BATCH * 2 + 1):
            client.send(WEB)
        drain = datagrams._drain_of(server, responder())
        for expected in (datagrams.BATCH, datagrams.BATCH, 1):
            drain()
            for _ in range(expected):
                assert client.recv(512)
            with pytest.raises(BlockingIOError):
                client.recv(512)


async def test_rubbish_and_oversize_dont_stop_it() -> None:
    server = bound()
    with serve_datagrams(server, responder()), client_of(server) as client:
        for rubbish in (b"", b"x", b"\xff" * 60_000, WEB + bytes(10_000), bytes(12)):
            client.send(rubbish)
        client.send(b"\xaa\xaa" + WEB[2:])
        while (await received(client))[:2] != b"\xaa\xaa":
            pass


async def test_a_client_that_went_away_doesnt_matter() -> None:
    server = bound()
    with serve_datagrams(server, responder()), client_of(server) as client:
        with client_of(server) as gone:
            gone.send(WEB)
            gone.send(packet("nope.default.svc.cluster.local"))
        await asyncio.sleep(0)
        client.send(WEB)
        assert await received(client)


async def test_leaving_closes_the_socket() -> None:
    server = bound()
    with serve_datagrams(server, responder()):
        assert server.fileno() >= 0
    assert server.fileno() == -1
