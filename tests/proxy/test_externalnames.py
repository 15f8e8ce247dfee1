"""Hosts outside that the proxy stands in for: names, virtual IPs, and back when they change."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import pytest

from netemu.clock import Clock
from netemu.model import resources
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.service import STANDS_IN, VIRTUAL_IP
from netemu.model.snapshot import EMPTY, Snapshot, advance
from netemu.proxy.choose import Address
from netemu.proxy.externalnames import AGAIN_SECONDS, RETRY_SECONDS, ExternalNames
from netemu.proxy.server import Proxy, serve_proxy
from tests.proxy.harness import ON_LOOPBACK, SOCKETS, ask, eventually, saying
from tests.support.clock import FakeClock, settle

VIRTUAL = str(ON_LOOPBACK.services[77])


class Names:
    """What a resolver finds."""

    def __init__(self, **addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def resolve(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        if name not in self.addresses:
            raise OSError("Name or service not known")
        return [self.addresses[name]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@asynccontextmanager
async def looking(names: Names, clock: FakeClock) -> AsyncIterator[tuple[ExternalNames, list[str]]]:
    changed: list[str] = []
    outside = ExternalNames(names.resolve, clock, changed.append)
    task = asyncio.get_running_loop().create_task(outside.run())
    await settle()
    yield outside, changed
    task.cancel()


async def test_a_name_is_looked_up_when_wanted_and_again(clock: FakeClock) -> None:
    names = Names(db="192.0.2.1")
    async with looking(names, clock) as (outside, changed):
        outside.want({"db"})
        await settle()
        assert outside.addresses == {"db": ("192.0.2.1",)}
        await clock.advance(AGAIN_SECONDS)
        assert changed == ["db"]
        names.addresses["db"] = "192.0.2.2"
        await clock.advance(AGAIN_SECONDS)
        assert (outside.addresses["db"], changed) == (("192.0.2.2",), ["db", "db"])
        outside.want(set())
        assert outside.addresses == {}


async def test_a_name_that_is_not_found_is_tried_again_soon(clock: FakeClock) -> None:
    names = Names()
    async with looking(names, clock) as (outside, _):
        outside.want({"db"})
        await settle()
        assert outside.addresses == {}
        names.addresses["db"] = "192.0.2.1"
        await clock.advance(RETRY_SECONDS)
        assert outside.addresses == {"db": ("192.0.2.1",)}
        del names.addresses["db"]
        await clock.advance(AGAIN_SECONDS)
        assert outside.addresses == {"db": ("192.0.2.1",)}  # the last that was known


async def test_an_address_is_nothing_to_ask_for(clock: FakeClock) -> None:
    names = Names()
    async with looking(names, clock) as (outside, _):
        outside.want({"192.0.2.9"})
        await settle()
        assert outside.addresses == {"192.0.2.9": ("192.0.2.9",)}
        assert names.asked == []


def alias(name: str, port: int, *, virtual: str = VIRTUAL) -> Object:
    annotations = {STANDS_IN: "true", VIRTUAL_IP: virtual}
    return {
        "metadata": {"namespace": "default", "name": "db", "annotations": annotations},
        "spec": {
            "type": "ExternalName",
            "externalName": name,
            "ports": [{"name": "http", "protocol": "TCP", "port": port}],
        },
    }


@asynccontextmanager
async def proxying(latest: Latest[Snapshot], clock: Clock, names: Names) -> AsyncIterator[Proxy]:
    async with serve_proxy(
        latest,
        ON_LOOPBACK,
        nodes=2,
        cluster=SOCKETS,
        host=None,
        clock=clock,
        rng=Random(5),
        resolve=names.resolve,
        real=clock,
    ) as proxy:
        yield proxy


async def reached(address: Address, answer: bytes) -> bool:
    try:
        return await ask(address) == answer
    except ConnectionRefusedError:
        return False


async def test_a_virtual_ip_leads_to_the_host_outside(clock: FakeClock) -> None:
    latest = Latest(replace(EMPTY, synced=True))
    names = Names()
    async with (
        saying(b"old", "127.0.0.21") as (first, port),
        saying(b"new", "127.0.0.22", port) as (second, _),
        saying(b"six", "::1", port) as (sixth, *_),
        proxying(latest, clock, names) as proxy,
    ):
        obj = alias("db.example", port)
        latest.replace(advance(latest.value, resources.SERVICES, None, obj))
        await settle()
        assert not await reached((VIRTUAL, port), b"old")  # refused while nobody knows where
        turns = (first, b"old"), (second, b"new"), (sixth, b"six"), (first, b"old")
        for address, answer in turns:
            names.addresses["db.example"] = address
            await clock.advance(AGAIN_SECONDS)
            await settle()
            assert await reached((VIRTUAL, port), answer)
        latest.replace(advance(latest.value, resources.SERVICES, obj, None))
        assert not await reached((VIRTUAL, port), b"old")
        await eventually(lambda: proxy.listening == 0)
