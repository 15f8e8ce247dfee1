import asyncio
import socket
from contextlib import ExitStack

import dnslib
import pytest

from netemu.dns.datagrams import Datagrams, serve_datagrams
from netemu.dns.mailbox import LONGEST_REPLY, SLOTS
from netemu.dns.observation import Batch, Observation, Observers
from netemu.dns.records import Source
from netemu.dns.responder import Responder
from tests.dns.cluster import (
    NAMESPACES,
    endpoint,
    endpoint_slice,
    packet,
    responder,
    service,
    snapshot_of,
)

WEB = packet("web.default.svc.cluster.local")


def bound(family: int = socket.AF_INET) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
    return sock


def client_of(server: socket.socket) -> socket.socket:
    client = bound(server.family)
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


async def test_many_queries_wait_while_the_loop_does_something_else() -> None:
    server, each = bound(), 100
    with serve_datagrams(server, responder()), ExitStack() as stack:
        clients = [stack.enter_context(client_of(server)) for _ in range(5)]
        for client in clients:  # none is read before all are sent
            for _ in range(each):
                client.send(WEB)
        for client in clients:
            for _ in range(each):
                await received(client)


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
        for _ in range(SLOTS * 2 + 1):
            client.send(WEB)
        drain = Datagrams(server, responder()).drain
        for expected in (SLOTS, SLOTS, 1):
            drain()
            for _ in range(expected):
                assert client.recv(512)
            with pytest.raises(BlockingIOError):
                client.recv(512)


def drained(one: Responder, *queries: bytes, family: int = socket.AF_INET) -> list[bytes]:
    """What comes back for queries that are read in one batch."""
    with bound(family) as server, client_of(server) as client:
        for query in queries:
            client.send(query)
        Datagrams(server, one).drain()
        found = []
        while True:
            try:
                found.append(client.recv(65535))
            except BlockingIOError:
                return found


NOPE = packet("nope.default.svc.cluster.local")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_kept_and_other_replies_of_one_batch_find_their_way(family: int) -> None:
    one = responder()
    both = drained(one, WEB, NOPE, family=family)
    expected = {WEB[2:]: both[0][2:], NOPE[2:]: both[1][2:]}
    asked = (NOPE, WEB, b"??rubbish", b"", NOPE, ALL, WEB, WEB)
    queries = [number.to_bytes(2, "big") + query[2:] for number, query in enumerate(asked)]
    replies = {reply[:2]: reply[2:] for reply in drained(one, *queries, family=family)}
    assert len(replies) == 6
    for query in queries:
        if query[2:] in expected:
            assert replies[query[:2]] == expected[query[2:]]


ALL = packet("big.default.svc.cluster.local", edns=4096)
HUGE = packet("huge.default.svc.cluster.local", edns=4096)


def test_a_kept_reply_longer_than_a_slot_is_sent_whole() -> None:
    addresses = [endpoint(f"10.244.2.{number}") for number in range(120)]
    world = snapshot_of(
        NAMESPACES,
        [service("huge", "None", ports=("http:80",))],
        [endpoint_slice("huge", *addresses, ports=("http:80",))],
    )
    seen: list[Observation] = []
    observers = Observers()
    observers.subscribe(seen.append)
    one = responder(world, observers=observers)
    for _ in range(2):
        (reply,) = drained(one, HUGE)
        assert len(reply) > LONGEST_REPLY
        assert len(dnslib.DNSRecord.parse(reply).rr) == 120
    assert [one.source for one in seen] == [Source.CLUSTER, Source.KEPT]


def test_batches_are_told_with_their_clients() -> None:
    observers, batches = Observers(), list[Batch]()
    one = responder(observers=observers)
    drained(one, WEB)
    observers.subscribe(lambda _: None, batches.append)
    drained(one, WEB, NOPE, WEB)
    (batch,) = batches
    assert batch.queries == [WEB[2:]] * 2
    assert batch.seconds > 0
    clients = [(seen.client, seen.packet[2:]) for seen in batch.observations()]
    assert clients == [("127.0.0.1", WEB[2:])] * 2


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
