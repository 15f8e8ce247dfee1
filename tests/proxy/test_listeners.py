"""Open sockets follow the wanted ones, by difference."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest

from netemu.model.service import Protocol
from netemu.proxy.choose import Address
from netemu.proxy.datagrams import Datagrams
from netemu.proxy.limits import LISTENERS_AT_ONCE
from netemu.proxy.listeners import RETRY_SECONDS, Listeners
from netemu.proxy.relay import Relay
from netemu.proxy.site import Listener, Network
from tests.proxy.harness import ON_LOOPBACK, SOCKETS, ask, connector, free_port, saying, to
from tests.support.clock import FakeClock

IN_USE = os.strerror(errno.EADDRINUSE)


def at(address: Address, network: Network = Network.HOST) -> Listener:
    return Listener(network, *address, Protocol.TCP)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def listeners(clock: FakeClock) -> AsyncIterator[Listeners]:
    loop = asyncio.get_running_loop()
    relay = Relay(loop, connector, clock)
    networks = {Network.CLUSTER: SOCKETS, Network.HOST: SOCKETS}
    datagrams = Datagrams(loop, partial(SOCKETS.connector, socket.SOCK_DGRAM), clock)
    listeners = Listeners(relay, datagrams, networks, clock, loop.call_soon)
    yield listeners
    listeners.close()
    datagrams.close()
    relay.close()


@pytest.fixture
def address() -> Address:
    return "127.0.0.1", free_port()


async def test_a_wanted_listener_opens_and_an_unwanted_one_closes(
    listeners: Listeners, address: Address
) -> None:
    async with saying(b"hello") as backend:
        listeners.want(at(address), to(backend))
        listeners.sync()
        assert await ask(address) == b"hello"
        listeners.want(at(address), None)
        listeners.sync()
        with pytest.raises(ConnectionRefusedError):
            await ask(address)
    assert len(listeners) == 0


async def test_one_that_comes_and_goes_before_it_opened_never_does(
    listeners: Listeners, address: Address
) -> None:
    listeners.want(at(address), to())
    listeners.want(at(address), None)
    listeners.sync()
    assert len(listeners) == 0


async def test_one_that_stays_keeps_its_socket_and_takes_the_new_route(
    listeners: Listeners, address: Address
) -> None:
    async with saying(b"old") as old, saying(b"new") as new:
        listeners.want(at(address), to(old))
        listeners.sync()
        sockets = set(os.listdir("/proc/self/fd"))
        listeners.want(at(address), to(new))
        listeners.sync()
        assert set(os.listdir("/proc/self/fd")) == sockets
        assert await ask(address) == b"new"


async def test_a_taken_port_is_told_once_and_opens_when_it_is_free(
    listeners: Listeners, address: Address, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        with socket.create_server(address):
            listeners.want(at(address), to())
            listeners.sync()
            assert listeners.failures == {at(address): IN_USE}
            for _ in range(3):
                await clock.advance(RETRY_SECONDS)
            assert listeners.failures == {at(address): IN_USE}
        await clock.advance(RETRY_SECONDS)
    assert not listeners.failures
    assert len(listeners) == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"proxy: 127.0.0.1:{address[1]}/TCP: {IN_USE}"
    ]


async def test_a_taken_port_holds_up_no_other(listeners: Listeners, address: Address) -> None:
    with socket.create_server(address):
        other = "127.0.0.2", address[1]
        listeners.want(at(address), to())
        listeners.want(at(other), to())
        listeners.sync()
        assert len(listeners) == 1
        assert list(listeners.failures) == [at(address)]


async def test_a_failure_that_is_no_longer_wanted_is_forgotten(
    listeners: Listeners, address: Address, clock: FakeClock
) -> None:
    with socket.create_server(address):
        listeners.want(at(address), to())
        listeners.sync()
        listeners.want(at(address), None)
        listeners.sync()
        assert not listeners.failures
    await clock.advance(RETRY_SECONDS)
    assert len(listeners) == 0


async def test_an_address_the_machine_lacks_is_a_failure(listeners: Listeners) -> None:
    lacking = at(("192.0.2.1", 80))  # TEST-NET-1, RFC 5737
    listeners.want(lacking, to())
    listeners.sync()
    assert listeners.failures == {lacking: os.strerror(errno.EADDRNOTAVAIL)}


async def test_many_changes_are_spread_over_turns_of_the_loop(
    listeners: Listeners, address: Address
) -> None:
    first = int(ON_LOOPBACK.services.network_address) + 1024
    many = LISTENERS_AT_ONCE + 10
    for number in range(many):
        packed = (first + number).to_bytes(4, "big")
        listeners.want(at((socket.inet_ntoa(packed), address[1])), to())
    listeners.sync()
    assert len(listeners) == LISTENERS_AT_ONCE
    assert not listeners.settled
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(listeners) == many
    assert listeners.settled
