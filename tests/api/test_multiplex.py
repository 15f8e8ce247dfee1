import asyncio
from collections.abc import AsyncIterator

import pytest

from netemu.api import spdy
from netemu.api.multiplex import STREAM_LIMIT, Multiplex
from netemu.tasks import Tasks, task_group
from tests.support.duplex import MemoryDuplex, SpdySpeaker


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    async with task_group() as group:
        yield group


async def test_streams_are_told_apart(tasks: Tasks) -> None:
    client = SpdySpeaker(MemoryDuplex())
    connection = Multiplex(client.duplex)
    tasks.start(connection.run(), name="run")
    first, second = client.open(streamtype="data"), client.open(streamtype="error")
    client.say(second, b"two")
    client.say(first, b"one", finished=True)
    one, two = await connection.accept(), await connection.accept()
    assert one is not None
    assert two is not None
    assert (one.headers["streamtype"], two.headers["streamtype"]) == ("data", "error")
    assert await two.read() == b"two"
    assert [await one.read(), await one.read()] == [b"one", b""]
    await one.write(b"answer")
    await one.close()
    assert await client.all_of(first) == b"answer"
    with pytest.raises(BrokenPipeError):
        await one.write(b"more")


async def test_pings_come_back(tasks: Tasks) -> None:
    client = SpdySpeaker(MemoryDuplex())
    tasks.start(Multiplex(client.duplex).run(), name="run")
    client.duplex.say(spdy.ping(5))
    assert await client.event() == spdy.Pinged(spdy.ping(5))


async def test_a_stream_that_nobody_reads_holds_up_the_connection(tasks: Tasks) -> None:
    client = SpdySpeaker(MemoryDuplex())
    connection = Multiplex(client.duplex)
    tasks.start(connection.run(), name="run")
    number = client.open()
    stream = await connection.accept()
    assert stream is not None
    piece = b"x" * (STREAM_LIMIT // 4)
    for _ in range(8):
        client.say(number, piece)
    await asyncio.sleep(0.01)
    assert client.duplex.incoming.qsize() >= 3
    for _ in range(8):
        assert await stream.read() == piece
    assert client.duplex.incoming.empty()


async def test_numbers_that_go_back_are_refused(tasks: Tasks) -> None:
    client = SpdySpeaker(MemoryDuplex())
    tasks.start(Multiplex(client.duplex).run(), name="run")
    client.open()
    client._next = 1
    client.open()
    assert await client.event() == spdy.WasReset(1)


async def test_streams_end_with_the_connection_or_a_reset(tasks: Tasks) -> None:
    client = SpdySpeaker(MemoryDuplex())
    connection = Multiplex(client.duplex)
    running = tasks.start(connection.run(), name="run")
    given_up, left = client.open(), client.open()
    one, two = await connection.accept(), await connection.accept()
    assert one is not None
    assert two is not None
    client.duplex.say(spdy.reset(given_up, spdy.Reset.CANCEL))
    assert await one.read() == b""
    with pytest.raises(BrokenPipeError):
        await one.write(b"x")
    client.duplex.say(None)
    await running
    assert await two.read() == b""
    assert await connection.accept() is None
    assert left == two.number
