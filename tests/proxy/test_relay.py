"""The relay as a whole: many connections, and its end."""

import asyncio
import os
import random
import socket
from collections.abc import Iterator

import pytest

from netemu.model.service import Protocol
from netemu.proxy.choose import Address
from netemu.proxy.ledger import Ledger
from netemu.proxy.policy import NOWHERE, Reach
from netemu.proxy.relay import DRAIN_SECONDS, DRAIN_TICK
from netemu.proxy.route import ANY_DOOR, Path, Route
from netemu.proxy.site import Backend
from tests.proxy.harness import (
    SOCKETS,
    a_relay,
    ask,
    connector,
    eventually,
    listening,
    saying,
    silence,
    to,
)
from tests.support.clock import FakeClock


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_many_connections_at_once_each_get_their_answer() -> None:
    async with saying(b"hello") as backend, a_relay(to(backend)) as (relay, address):
        async with asyncio.TaskGroup() as group:
            answers = [group.create_task(ask(address)) for _ in range(300)]
        assert {answer.result() for answer in answers} == {b"hello"}
        await eventually(lambda: relay.connections == 0)


async def test_no_descriptor_is_left_by_connections_that_ended() -> None:
    async with saying(b"hello") as backend, a_relay(to(backend)) as (relay, address):
        await ask(address)
        await eventually(lambda: relay.connections == 0)
        before = open_files()
        for _ in range(50):
            await ask(address)
        await eventually(lambda: relay.connections == 0 and open_files() <= before)


async def test_the_address_of_the_client_is_known_to_the_route() -> None:
    seen: list[Address] = []
    async with saying(b"hello") as backend:

        def candidates(peer: Address) -> Iterator[Address]:
            seen.append(peer)
            return iter([backend])

        async with a_relay(candidates) as (_, address):
            await ask(address, source="127.0.0.77")
    assert [host for host, _ in seen] == ["127.0.0.77"]


async def test_closing_leaves_nothing_open() -> None:
    before = open_files()
    with listening() as backend, silence() as mute:
        clients = [connector() for _ in range(6)]
        async with a_relay(to(backend.getsockname())) as (relay, address):
            slow = SOCKETS.listen("127.0.0.1", 0)
            relay.listen(slow, to(mute))
            for number, client in enumerate(clients):
                client.connect_ex(slow.getsockname() if number % 2 else address)
            await eventually(lambda: relay.connections == 6)
        assert relay.connections == 0
        for number, client in enumerate(clients):
            client.settimeout(1)
            if number % 2:  # it never had an endpoint
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
            else:
                assert client.recv(1) == b""
            client.close()
    await eventually(lambda: open_files() <= before)


async def test_draining_delivers_what_was_read() -> None:
    with listening() as backend:
        async with a_relay(to(backend.getsockname())) as (relay, address):
            client = await asyncio.to_thread(socket.create_connection, address, 10)
            server, _ = await asyncio.to_thread(backend.accept)
            server.setblocking(False)
            sent = 0
            try:
                for _ in range(1000):
                    sent += server.send(b"x" * 1_000_000)
                    await asyncio.sleep(0.001)
            except BlockingIOError:
                pass
            draining = asyncio.get_running_loop().create_task(relay.drain())
            server.close()
            received = await asyncio.to_thread(count_all, client)
            await draining
            client.close()
    assert received == sent


def count_all(sock: socket.socket) -> int:
    total = 0
    while data := sock.recv(1 << 20):
        total += len(data)
    return total


async def test_draining_takes_no_time_when_nothing_waits() -> None:
    async with saying(b"hello") as backend, a_relay(to(backend), FakeClock()) as (relay, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"?")
        assert await reader.read(10) == b"hello"
        await relay.drain()  # on a clock that stands still
        with pytest.raises(ConnectionRefusedError):
            await ask(address)
        writer.close()


async def test_draining_ends_at_its_deadline() -> None:
    clock = FakeClock()
    with listening() as backend:
        async with a_relay(to(backend.getsockname()), clock) as (relay, address):
            client = await asyncio.to_thread(socket.create_connection, address, 10)
            server, _ = await asyncio.to_thread(backend.accept)
            sending = asyncio.to_thread(send_for_ever, server)
            task = asyncio.get_running_loop().create_task(sending)
            await eventually(lambda: relay._undelivered())
            draining = asyncio.get_running_loop().create_task(relay.drain())
            await asyncio.sleep(0.01)
            assert not draining.done()
            await clock.advance(DRAIN_SECONDS + DRAIN_TICK)
            await draining
        client.close()
        await task


def send_for_ever(sock: socket.socket) -> None:
    with sock:
        try:
            while True:
                sock.sendall(b"x" * 100_000)
        except OSError:
            pass


async def test_connections_are_broken_off_by_client_and_address() -> None:
    route = Route(Backend(("default", "web"), "", Protocol.TCP), FakeClock(), random.Random(1))
    async with saying(b"hello") as backend:
        route.update(Reach((backend,)), None)
        way = Path(route, ANY_DOOR, lambda *_: NOWHERE)
        async with a_relay(way, ledger=Ledger(FakeClock())) as (relay, address):
            pairs = [await connected(address, f"127.0.0.{n}") for n in (77, 78)]
            relay.break_off(lambda client, front: client[0] == "127.0.0.77" and front == address)
            with pytest.raises(ConnectionResetError):
                await pairs[0][0].read(1)
            assert await said(pairs[1]) == b"hello"
            for _, writer in pairs:
                writer.close()


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connected(address: Address, source: str) -> Pair:
    """A connection that carries something."""
    pair = await asyncio.open_connection(*address, local_addr=(source, 0))
    assert await said(pair) == b"hello"
    return pair


async def said(pair: Pair) -> bytes:
    pair[1].write(b"?")
    return await pair[0].read(100)
