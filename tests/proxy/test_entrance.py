"""Accepting stops rather than fails."""

import asyncio
import logging
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from netemu.proxy.entrance import PAUSE_SECONDS
from tests.proxy.harness import RESET, a_relay, ask, connector, eventually, listening, saying, to
from tests.support.clock import FakeClock


def waiting_clients(address: tuple[str, int], count: int) -> list[socket.socket]:
    clients = [connector() for _ in range(count)]
    for client in clients:
        client.connect_ex(address)
    return clients


def go(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()


async def test_past_the_limit_clients_wait_for_their_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with listening() as backend:
        async with a_relay(to(backend.getsockname()), limit=2) as (relay, address):
            clients = waiting_clients(address, 5)
            await eventually(lambda: relay.pauses > 0)
            assert relay.connections == 2
            while clients:
                go(clients.pop(0))
                await eventually(lambda: relay.connections == min(2, len(clients)))
    assert caplog.text.count("new connections wait") == 1


@contextmanager
def few_descriptors(more: int) -> Iterator[None]:
    """Let the process open only so many files more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as probe:
        number = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (number + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_without_descriptors_clients_wait_and_are_all_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    served = 0
    with listening() as backend:
        target = backend.getsockname()

        def candidates(_peer: object) -> Iterator[tuple[str, int]]:
            nonlocal served
            served += 1
            yield target

        async with a_relay(candidates) as (relay, address):
            clients = waiting_clients(address, 20)
            with few_descriptors(6), caplog.at_level(logging.WARNING):
                await eventually(lambda: relay.pauses > 0)
                assert 0 < served < 20
                for client in clients:
                    go(client)
            await eventually(lambda: served == 20 and relay.connections == 0)
    assert caplog.text.count("Too many open files") == 1


async def test_accepting_is_tried_again_though_no_connection_ended() -> None:
    clock = FakeClock()
    async with saying(b"hello") as backend, a_relay(to(backend), clock) as (relay, address):
        client = waiting_clients(address, 1)[0]
        with few_descriptors(0):
            await eventually(lambda: relay.pauses == 1)
        assert relay.connections == 0
        await clock.advance(PAUSE_SECONDS)
        await eventually(lambda: relay.connections == 1)
        go(client)
        assert await ask(address) == b"hello"


async def test_a_pause_does_not_keep_the_processor_busy() -> None:
    async with saying(b"hello") as backend, a_relay(to(backend), FakeClock()) as (relay, address):
        client = waiting_clients(address, 1)[0]
        with few_descriptors(0):
            await eventually(lambda: relay.pauses == 1)
            for _ in range(20):
                await asyncio.sleep(0)
            assert relay.pauses == 1
        go(client)


async def test_a_closed_entrance_refuses_and_its_connections_stay() -> None:
    async with saying(b"hello") as backend, a_relay(to(backend)) as (relay, _):
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        address = sock.getsockname()
        entrance = relay.listen(sock, to(backend))
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"?")
        assert await reader.read(10) == b"hello"
        relay.unlisten(entrance)
        relay.unlisten(entrance)
        with pytest.raises(ConnectionRefusedError):
            await ask(address)
        writer.write(b"?")
        assert await reader.read(10) == b"hello"
        writer.close()


async def test_a_changed_route_acts_on_the_next_client() -> None:
    async with saying(b"old") as old, saying(b"new") as new, a_relay(to(old)) as (relay, _):
        sock = socket.create_server(("127.0.0.1", 0))
        sock.setblocking(False)
        address = sock.getsockname()
        entrance = relay.listen(sock, to(old))
        assert await ask(address) == b"old"
        entrance.route = to(new)
        assert await ask(address) == b"new"
