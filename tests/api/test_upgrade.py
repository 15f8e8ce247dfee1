"""Streams through the real server: HTTPS, a WebSocket library's client, and bare SPDY."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from netemu.api import spdy
from netemu.api.credentials import Credentials
from tests.support.node import shell
from tests.support.pods import Pods, serving_pods

EXEC = "/api/v1/namespaces/default/pods/web/exec"


@pytest.fixture
async def pods(tmp_path: Path, credentials: Credentials) -> AsyncIterator[Pods]:
    async with serving_pods(tmp_path, credentials) as found:
        await found.world.run(shell("exec sleep 60"))
        await found.world.ready()
        yield found


async def test_a_command_by_websocket(pods: Pods) -> None:
    url = f"{pods.server.url}{EXEC}?command=cat&stdin=true&stdout=true"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            url, ssl=pods.server.client_tls(), protocols=["v5.channel.k8s.io"]
        ) as socket,
    ):
        assert socket.protocol == "v5.channel.k8s.io"
        big = b"x" * 1_000_000
        await socket.send_str("\x00text")
        await socket.send_bytes(b"\x00" + big)
        await socket.send_bytes(b"\xff\x00")
        heard: dict[int, bytes] = {}
        async for message in socket:
            heard[message.data[0]] = heard.get(message.data[0], b"") + message.data[1:]
        assert heard[1] == b"text" + big
        assert json.loads(heard[3])["status"] == "Success"
        assert socket.close_code == 1000


async def test_a_refusal_is_an_answer(pods: Pods) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{pods.server.url}{EXEC}?command=cat&stdout=true&container=nope"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url, ssl=pods.server.client_tls())
        assert refused.value.status == 400


async def bare(pods: Pods, query: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    tls: ssl.SSLContext = pods.server.client_tls()
    reader, writer = await asyncio.open_connection("127.0.0.1", pods.server.port, ssl=tls)
    writer.write(
        f"POST {EXEC}?{query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n"
        "X-Stream-Protocol-Version: channel.k8s.io\r\nContent-Length: 0\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"X-Stream-Protocol-Version: v4.channel.k8s.io\r\n" in head
    return reader, writer


async def test_a_command_by_spdy(pods: Pods) -> None:
    reader, writer = await bare(pods, "command=cat&stdin=true&stdout=true")
    sender, receiver = spdy.Sender(), spdy.Receiver()
    for number, kind in ((1, "error"), (3, "stdin"), (5, "stdout")):
        writer.write(sender.opened(number, {"streamtype": kind}))
    big = b"x" * 100_000
    for _ in range(10):
        writer.write(spdy.data(3, big))
    writer.write(spdy.data(3, b"", finished=True))
    heard: dict[int, bytes] = {}
    async with asyncio.timeout(10):
        while data := await reader.read(65536):
            for event in receiver.feed(data):
                if isinstance(event, spdy.Received):
                    heard[event.stream] = heard.get(event.stream, b"") + event.data
    writer.close()
    assert heard[5] == big * 10
    assert json.loads(heard[1])["status"] == "Success"


async def test_a_client_that_vanishes_takes_its_command_along(pods: Pods) -> None:
    _, writer = await bare(pods, "command=sleep&command=61.5&stdout=true")
    sender = spdy.Sender()
    for number, kind in ((1, "error"), (3, "stdout")):
        writer.write(sender.opened(number, {"streamtype": kind}))

    def running() -> bool:
        return any(b"61.5" in _command_line(path) for path in Path("/proc").glob("[0-9]*"))

    await pods.world.until(running)
    writer.transport.abort()
    await pods.world.until(lambda: not running())


def _command_line(path: Path) -> bytes:
    try:
        return (path / "cmdline").read_bytes()
    except OSError:
        return b""
