import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from netemu.api import edge
from netemu.api.credentials import Credentials
from netemu.config.settings import ApiSettings
from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.model.streams import LogOptions
from tests.support.api import ApiServer, FixedLogs, serving, session

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
POD: Object = {
    "metadata": {"name": "p"},
    "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]},
}


async def create(client: aiohttp.ClientSession, name: str, **more: Any) -> None:
    async with client.post(MAPS, json={"metadata": {"name": name}, **more}) as answer:
        assert answer.status == 201


async def test_warnings_and_parameters_pass_the_edge(client: aiohttp.ClientSession) -> None:
    body = {"metadata": {"name": "m"}, "daat": 1}
    async with client.post(f"{MAPS}?dryRun=All", json=body) as answer:
        assert answer.status == 201
        assert answer.headers["Warning"] == '299 - "unknown field \\"daat\\""'
        assert answer.headers["Cache-Control"] == "no-cache, private"
    async with client.get(f"{MAPS}/m") as answer:
        assert answer.status == 404


async def test_a_watch_sends_its_headers_at_once_and_then_each_change(
    client: aiohttp.ClientSession,
) -> None:
    async with client.get(f"{MAPS}?watch=1") as watch:
        assert watch.status == 200
        await create(client, "a")
        await create(client, "b")
        events = [msgspec.json.decode(await watch.content.readline()) for _ in range(2)]
    assert [event["object"]["metadata"]["name"] for event in events] == ["a", "b"]


async def test_a_watch_ends_when_its_time_is_up(client: aiohttp.ClientSession) -> None:
    async with client.get(f"{MAPS}?watch=1&timeoutSeconds=1") as watch:
        assert await watch.read() == b""


async def test_a_watcher_that_leaves_is_forgotten(
    api_server: ApiServer, client: aiohttp.ClientSession
) -> None:
    store: Any = api_server.registry.store
    before = len(store._watches)
    async with client.get(f"{MAPS}?watch=1") as watch:
        assert watch.status == 200
        assert len(store._watches) == before + 1
    async with asyncio.timeout(5):
        while len(store._watches) > before:
            await asyncio.sleep(0.005)


async def test_a_watcher_that_does_not_read_is_cut_off(
    tmp_path: Path, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "WRITE_SECONDS", 0.05)
    async with serving(tmp_path, credentials) as server, session(server) as client:
        store: Any = server.registry.store
        before = len(store._watches)
        raw = socket.create_connection(("127.0.0.1", server.port))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle = await asyncio.to_thread(
            server.client_tls().wrap_socket, raw, server_hostname="localhost"
        )
        idle.sendall(f"GET {MAPS}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(20):
            while len(store._watches) == before:
                await asyncio.sleep(0.005)
            big = "x" * 500_000
            number = 0
            while len(store._watches) > before:
                number += 1
                await create(client, f"m{number}", data={"big": big})
        idle.close()
        async with client.get("/version") as answer:
            assert answer.status == 200


async def test_a_body_over_the_limit_is_refused(tmp_path: Path, credentials: Credentials) -> None:
    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    settings = ApiSettings(body_limit=1000)
    async with (
        serving(tmp_path, credentials, settings=settings) as server,
        session(server) as client,
    ):
        async with client.post(MAPS, data=b"x" * 100_000) as answer:
            status = await answer.json()
        assert (answer.status, status["reason"]) == (413, "RequestEntityTooLarge")
        assert status["message"] == "Request entity too large: limit is 1000"
        async with client.post(MAPS, data=unannounced()) as answer:
            assert answer.status == 413
        await create(client, "after")


async def test_a_hundred_megabytes_are_refused_before_they_are_sent(
    client: aiohttp.ClientSession, api_server: ApiServer
) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", api_server.port, ssl=api_server.client_tls()
    )
    writer.write(f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n".encode())
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"413"
    writer.close()
    await create(client, "after")


async def test_a_client_may_wait_for_the_server_to_want_its_body(
    client: aiohttp.ClientSession,
) -> None:
    body = {"metadata": {"name": "patient"}}
    async with client.post(MAPS, json=body, expect100=True) as answer:
        assert answer.status == 201


class LateLogs(FixedLogs):
    """A log whose first line comes late, or never because there is no log."""

    def __init__(self, error: Exception | None = None) -> None:
        self.go_on = asyncio.Event()
        self.error = error

    async def logs(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        if self.error is not None:
            raise self.error
        await self.go_on.wait()
        yield b"late\n"


async def test_a_log_is_plain_text(tmp_path: Path, credentials: Credentials) -> None:
    logs = FixedLogs(b"one\n", b"two\n")
    async with serving(tmp_path, credentials, streams=logs) as server, session(server) as client:
        await client.post(PODS, json=POD)
        async with client.get(f"{PODS}/p/log") as answer:
            assert answer.content_type == "text/plain"
            assert await answer.text() == "one\ntwo\n"


async def test_a_log_that_is_quiet_is_followed(
    tmp_path: Path, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "REFUSAL_SECONDS", 0.01)
    logs = LateLogs()
    async with serving(tmp_path, credentials, streams=logs) as server, session(server) as client:
        await client.post(PODS, json=POD)
        async with client.get(f"{PODS}/p/log?follow=true") as answer:
            assert answer.status == 200
            logs.go_on.set()
            assert await answer.text() == "late\n"


@pytest.mark.parametrize(
    ("error", "code"), [(BadRequest("nothing to show"), 400), (RuntimeError("oops"), 500)]
)
async def test_a_log_that_is_refused_is_a_status(
    tmp_path: Path, credentials: Credentials, error: Exception, code: int
) -> None:
    logs = LateLogs(error)
    async with serving(tmp_path, credentials, streams=logs) as server, session(server) as client:
        await client.post(PODS, json=POD)
        async with client.get(f"{PODS}/p/log") as answer:
            assert (answer.status, (await answer.json())["code"]) == (code, code)


async def test_a_write_goes_on_when_its_client_hangs_up(api_server: ApiServer) -> None:
    _, writer = await asyncio.open_connection(
        "127.0.0.1", api_server.port, ssl=api_server.client_tls()
    )
    body = b'{"metadata":{"name":"left"}}'
    head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
    async with asyncio.timeout(5):
        while api_server.registry.store.get("configmaps", ("default", "left")) is None:
            await asyncio.sleep(0.005)
