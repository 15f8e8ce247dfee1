"""What is open, and what became of what was."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from functools import partial
from random import Random

import pytest

from netemu.model.service import Protocol
from netemu.proxy.choose import Address
from netemu.proxy.datagrams import Datagrams
from netemu.proxy.ledger import Ledger
from netemu.proxy.limits import TALLIES
from netemu.proxy.metrics import ProxyMetrics
from netemu.proxy.policy import NOWHERE, Door, Reach
from netemu.proxy.relay import Relay
from netemu.proxy.route import Path, Route, Tally
from netemu.proxy.site import Backend
from tests.proxy.harness import RESET, SOCKETS, ask, connector, eventually, listening, saying
from tests.proxy.test_datagrams import Client, Pod, exchange
from tests.support.clock import FakeClock

BULK = 5_000_000
"""Bytes, more than a few reads."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(clock: FakeClock) -> Ledger:
    return Ledger(clock)


@pytest.fixture
async def relay(ledger: Ledger) -> AsyncIterator[Relay]:
    relay = Relay(asyncio.get_running_loop(), connector, ledger=ledger)
    yield relay
    relay.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def route_to(clock: FakeClock, *endpoints: Address, protocol: Protocol = Protocol.TCP) -> Route:
    route = Route(Backend(("default", "web"), "http", protocol), clock, Random(1))
    route.update(Reach(endpoints), None)
    return route


def path(route: Route) -> Path:
    return Path(route, Door(), lambda *_: NOWHERE)


def listen(relay: Relay, route: Route) -> Address:
    sock = SOCKETS.listen("127.0.0.1", 0)
    relay.listen(sock, path(route))
    address: Address = sock.getsockname()
    return address


async def test_a_connection_is_listed_while_it_is_open_and_summed_when_it_ended(
    relay: Relay, ledger: Ledger, clock: FakeClock
) -> None:
    async with saying(b"hello") as backend:
        route = route_to(clock, backend)
        reader, writer = await asyncio.open_connection(*listen(relay, route))
        writer.write(b"12345678")
        assert await reader.read(5) == b"hello"
        await clock.advance(3)
        [row] = ledger.rows()
        assert row == {
            "protocol": "TCP",
            "client": "{}:{}".format(*writer.get_extra_info("sockname")),
            "namespace": "default",
            "service": "web",
            "port": "http",
            "endpoint": "{}:{}".format(*backend),
            "seconds": 3.0,
            "received": 8,
            "sent": 5,
        }
        assert route.tallies[backend] == Tally(connections=1, open=1)
        writer.close()
        await eventually(lambda: not ledger.links)
        assert route.tallies[backend] == Tally(connections=1, received=8, sent=5)


async def test_bulk_data_is_counted_though_it_is_not_copied(
    relay: Relay, ledger: Ledger, clock: FakeClock
) -> None:
    async def pour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(BULK))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(pour, "127.0.0.1", 0) as server:
        route = route_to(clock, server.sockets[0].getsockname())
        reader, writer = await asyncio.open_connection(*listen(relay, route))
        assert len(await reader.read(-1)) == BULK
        writer.close()
        await eventually(lambda: not ledger.links)
    [tally] = route.tallies.values()
    assert tally == Tally(connections=1, sent=BULK)


async def test_a_reset_is_counted(relay: Relay, ledger: Ledger, clock: FakeClock) -> None:
    with listening() as backend:
        route = route_to(clock, backend.getsockname())
        with socket.create_connection(listen(relay, route)) as client:
            await eventually(lambda: len(ledger.links) == 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        await eventually(lambda: not ledger.links)
        assert route.tallies[backend.getsockname()].broken == 1


async def test_flows_are_followed_as_connections_are(
    ledger: Ledger, clock: FakeClock, stack: ExitStack
) -> None:
    connector = partial(SOCKETS.connector, socket.SOCK_DGRAM)
    relay = Datagrams(asyncio.get_running_loop(), connector, clock, ledger=ledger)
    old, new = Pod(stack), Pod(stack)
    route = route_to(clock, old.address, protocol=Protocol.UDP)
    sock = SOCKETS.bind_udp("127.0.0.1", 0)
    front = relay.listen(sock, path(route))
    client = Client(stack, sock.getsockname())
    await exchange(client, old, b"1234", b"123")
    [row] = ledger.rows()
    assert (row["protocol"], row["received"], row["sent"]) == ("UDP", 4, 3)
    route.update(Reach((new.address,)), None)
    relay.review(front)
    await exchange(client, new, b"12", b"1")
    relay.close()
    assert route.tallies == {
        old.address: Tally(connections=1, received=4, sent=3),
        new.address: Tally(connections=1, received=2, sent=1),
    }
    assert not ledger.links


def test_endpoints_that_went_are_forgotten_before_there_are_too_many(clock: FakeClock) -> None:
    route = route_to(clock, ("10.244.0.1", 80))
    for number in range(TALLIES + 50):
        route.tally((f"10.244.{number >> 8}.{number & 255}", 80)).connections += 1
    assert len(route.tallies) == TALLIES
    assert ("10.244.0.1", 80) in route.tallies


async def test_metrics_tell_the_sums(relay: Relay, ledger: Ledger, clock: FakeClock) -> None:
    async with saying(b"hello") as backend:
        route, unserved = route_to(clock, backend), route_to(clock)
        metrics = ProxyMetrics(
            lambda: {route.backend: route, unserved.backend._replace(port="none"): unserved}
        )
        assert await ask(listen(relay, route)) == b"hello"
        with pytest.raises(ConnectionResetError):
            await ask(listen(relay, unserved))
        await eventually(lambda: not ledger.links)
        lines = metrics.all.text().splitlines()
    labels = 'namespace="default",service="web",port="http",protocol="TCP"'
    endpoint = f'{labels},endpoint="{backend[0]}:{backend[1]}"'
    assert f"netemu_service_connections_total{{{endpoint}}} 1" in lines
    assert f"netemu_service_sent_bytes_total{{{endpoint}}} 5" in lines
    assert f"netemu_service_open_connections{{{endpoint}}} 0" in lines
    labels = labels.replace("http", "none")
    assert f"netemu_service_unserved_total{{{labels}}} 1" in lines
    names = {line.replace("{", " ").split()[0] for line in lines}
    assert {
        "kubeproxy_sync_proxy_rules_duration_seconds_bucket",
        "kubeproxy_network_programming_duration_seconds_count",
        "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
        "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
        "kubeproxy_sync_proxy_rules_service_changes_pending",
        "kubeproxy_sync_proxy_rules_endpoint_changes_pending",
    } <= names
