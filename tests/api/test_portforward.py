"""Connections carried to a real socket, by SPDY and by WebSocket messages in memory."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from netemu.api import portforward
from netemu.api.portforward import over_spdy, over_websocket, ports_from, refusal
from netemu.model.streams import NotRunning
from netemu.tasks import task_group
from tests.support.duplex import MemoryDuplex, SpdySpeaker


@asynccontextmanager
async def upper() -> AsyncIterator[int]:
    """A server that answers in capitals once it has heard all; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def connect(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        await asyncio.get_running_loop().sock_connect(made, ("127.0.0.1", port))
    except OSError:
        made.close()
        raise
    return made


@asynccontextmanager
async def forwarding() -> AsyncIterator[SpdySpeaker]:
    speaker = SpdySpeaker(MemoryDuplex())
    async with task_group() as tasks:
        serving = tasks.start(over_spdy(speaker.duplex, connect, "default/web"), name="serve")
        yield speaker
        speaker.duplex.say(None)
        async with asyncio.timeout(10):
            await serving


def pair(speaker: SpdySpeaker, port: object, request: int = 0) -> tuple[int, int]:
    text, number = str(port), str(request)
    error = speaker.open(finished=True, streamtype="error", port=text, requestid=number)
    return error, speaker.open(streamtype="data", port=text, requestid=number)


async def test_many_connections_over_one() -> None:
    async with upper() as port, forwarding() as speaker:
        streams = [pair(speaker, port, number) for number in range(100)]
        for number, (_, data) in enumerate(streams):
            speaker.say(data, f"text {number}".encode(), finished=True)
        for number, (error, data) in enumerate(streams):
            assert await speaker.all_of(data) == f"TEXT {number}".encode()
            assert await speaker.all_of(error) == b""


async def test_a_port_where_nobody_listens() -> None:
    async with forwarding() as speaker:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        error, data = pair(speaker, port)
        assert (
            await speaker.all_of(error)
            == (
                f"error forwarding port {port} to pod default/web, uid : failed to connect to "
                f"localhost:{port} inside namespace: dial tcp: connect: connection refused"
            ).encode()
        )
        assert await speaker.all_of(data) == b""


async def test_a_port_that_is_none() -> None:
    async with forwarding() as speaker:
        error, _ = pair(speaker, "http")
        assert b'parsing "http": invalid syntax' in await speaker.all_of(error)


async def test_half_a_connection_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portforward, "PAIR_SECONDS", 0.05)
    async with forwarding() as speaker:
        alone = speaker.open(streamtype="data", port="80", requestid="7")
        assert await speaker.all_of(alone) == b"timed out waiting for the other stream of 7"


@asynccontextmanager
async def messages(protocol: str, *ports: int) -> AsyncIterator[MemoryDuplex]:
    duplex = MemoryDuplex()
    async with task_group() as tasks:
        work = over_websocket(duplex, protocol, ports, connect, "default/web")
        serving = tasks.start(work, name="serve")
        yield duplex
        duplex.say(None)
        async with asyncio.timeout(10):
            await serving


async def test_two_channels_for_each_port_that_begin_with_its_number() -> None:
    async with upper() as port, messages("v4.channel.k8s.io", port, port) as duplex:
        number = port.to_bytes(2, "little")
        greetings = {await duplex.heard() for _ in range(4)}
        assert greetings == {bytes([channel]) + number for channel in range(4)}
        duplex.say(b"\x00one", b"\x02two", b"\x01no", b"\x09no", b"")


async def test_a_text_dialect_is_spoken_too() -> None:
    async with messages("v4.base64.channel.k8s.io", 9) as duplex:
        assert await duplex.heard() == b"0CQA="


async def test_it_ends_with_its_last_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    duplex = MemoryDuplex()
    async with asyncio.timeout(10):
        await over_websocket(duplex, "", [port], connect, "default/web")
    assert [(await duplex.heard())[0] for _ in range(2)] == [0, 1]
    assert b"connection refused" in await duplex.heard()


def test_ports_are_numbers() -> None:
    assert ports_from(["80,443", "8080"]) == [80, 443, 8080]
    for text, said in (("x", "invalid syntax"), ("0", "out of range"), ("65536", "out of range")):
        with pytest.raises(ValueError, match=said):
            ports_from([text])


def test_refusals_name_port_and_pod() -> None:
    said = refusal(80, "default/web", NotRunning("pod not found"))
    assert said == "error forwarding port 80 to pod default/web, uid : pod not found"
    assert refusal(80, "default/web", TimeoutError()).endswith("connect: i/o timeout")
