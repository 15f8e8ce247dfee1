"""A real server behind the proxy subresource of a real API server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from netemu.api.credentials import Credentials
from tests.support.node import shell
from tests.support.pods import Pods, serving_pods

PODS = "/api/v1/namespaces/default/pods"


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    match request.path:
        case "/page":
            return web.Response(text='<a href="/next">next</a>', content_type="text/html")
        case "/moved":
            return web.Response(status=302, headers={"Location": "/next"})
        case "/socket":
            socket = web.WebSocketResponse(protocols=("chat",))
            await socket.prepare(request)
            async for message in socket:
                if message.data == "bye":
                    break
                await socket.send_str(f"{request.query['name']}: {message.data}")
            await socket.close(code=4001)
            return socket
        case "/no-socket":
            response = web.StreamResponse(status=403, headers={"X-Own": "yes"})
            response.enable_chunked_encoding()
            await response.prepare(request)
            await response.write(b"not ")
            await response.write(b"here")
            return response
        case "/slow":
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"first")
            await asyncio.sleep(60)
            return response
        case _:
            told = {
                "method": request.method,
                "path": request.raw_path,
                "body": (await request.read()).decode(),
                "headers": dict(request.headers),
            }
            return web.json_response(told, status=418, headers={"X-Own": "yes"})


@dataclass(frozen=True, slots=True)
class Proxied:
    pods: Pods
    port: int
    session: aiohttp.ClientSession

    @asynccontextmanager
    async def ask(self, method: str, path: str, **more: Any) -> AsyncIterator[Any]:
        url = URL(f"{self.pods.server.url}{PODS}/{path}", encoded=True)
        async with self.session.request(method, url, allow_redirects=False, **more) as found:
            yield found


@pytest.fixture
async def proxied(tmp_path: Path, credentials: Credentials) -> AsyncIterator[Proxied]:
    async with serving_pods(tmp_path, credentials) as pods:
        await pods.world.run(shell("exec sleep 60"))
        await pods.world.ready()
        runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, pods.world.pod()["status"]["podIP"], 0)
        await site.start()
        connector = aiohttp.TCPConnector(ssl=pods.server.client_tls())
        try:
            async with aiohttp.ClientSession(connector=connector) as session:
                yield Proxied(pods, runner.addresses[0][1], session)
        finally:
            await runner.cleanup()


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@pytest.mark.parametrize("method", METHODS)
async def test_requests_go_on_as_they_are(proxied: Proxied, method: str) -> None:
    path = f"web:{proxied.port}/proxy/some//pa%20th?a=b&c=%2F"
    body = b"" if method == "GET" else b"told"
    headers = {"X-Mine": "1", "Authorization": "Bearer secret"}
    async with proxied.ask(method, path, data=body, headers=headers) as found:
        told = json.loads(await found.read())
        assert (found.status, found.headers["X-Own"]) == (418, "yes")
    assert (told["method"], told["path"]) == (method, "/some//pa%20th?a=b&c=%2F")
    assert told["body"] == body.decode()
    assert told["headers"]["X-Mine"] == "1"
    assert "Authorization" not in told["headers"]
    assert told["headers"]["X-Forwarded-Uri"].endswith("/proxy/some//pa%20th")


async def test_a_missing_slash_is_a_redirection_for_who_reads(proxied: Proxied) -> None:
    for method in ("GET", "HEAD"):
        async with proxied.ask(method, f"web:{proxied.port}/proxy?a=b") as found:
            assert found.status == 301
            assert found.headers["Location"] == f"{PODS}/web:{proxied.port}/proxy/?a=b"
    async with proxied.ask("POST", f"web:{proxied.port}/proxy?a=b") as found:
        assert (await found.json())["path"] == "/?a=b"


async def test_links_lead_through_the_proxy(proxied: Proxied) -> None:
    prefix = f"{PODS}/web:{proxied.port}/proxy"
    async with proxied.ask("GET", f"web:{proxied.port}/proxy/page") as found:
        assert await found.text() == f'<a href="{prefix}/next">next</a>'
    async with proxied.ask("GET", f"web:{proxied.port}/proxy/moved") as found:
        assert found.headers["Location"] == f"{prefix}/next"


async def test_pieces_come_as_they_are_written(proxied: Proxied) -> None:
    async with proxied.ask("GET", f"web:{proxied.port}/proxy/slow") as found:
        async with asyncio.timeout(5):
            assert await found.content.readany() == b"first"


async def test_where_nobody_listens_the_service_is_unavailable(proxied: Proxied) -> None:
    async with proxied.ask("GET", "web:1/proxy/") as found:
        status = await found.json(content_type=None)
    address = proxied.pods.world.pod()["status"]["podIP"]
    assert (found.status, status["reason"]) == (503, "ServiceUnavailable")
    assert status["message"] == (
        f"error trying to reach service: dial tcp {address}:1: connect: connection refused"
    )


async def test_a_node_tells_of_itself(proxied: Proxied) -> None:
    node = f"{proxied.pods.server.url}/api/v1/nodes/node-1/proxy"
    async with proxied.session.get(f"{node}/healthz") as found:
        assert await found.text() == "ok"
    async with proxied.session.get(f"{node}/pods") as found:
        names = [item["metadata"]["name"] for item in (await found.json())["items"]]
        assert names == ["web"]
    async with proxied.session.get(f"{node}/nothing") as found:
        assert (found.status, await found.text()) == (404, "404 page not found\n")
    async with proxied.session.post(f"{node}/pods") as found:
        assert found.status == 405


async def test_web_sockets_go_through(proxied: Proxied) -> None:
    url = f"{proxied.pods.server.url}{PODS}/web:{proxied.port}/proxy/socket?name=me"
    async with proxied.session.ws_connect(url, protocols=["other", "chat"]) as socket:
        assert socket.protocol == "chat"
        large = "x" * 300_000
        for text in ("hello", large):
            await socket.send_str(text)
            assert await socket.receive_str() == f"me: {text}"
        await socket.send_str("bye")
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 4001


async def test_many_web_sockets_at_once(proxied: Proxied) -> None:
    async def talk(name: str) -> str:
        url = f"{proxied.pods.server.url}{PODS}/web:{proxied.port}/proxy/socket?name={name}"
        async with proxied.session.ws_connect(url) as socket:
            await socket.send_str("hello")
            return await socket.receive_str()

    names = [f"client-{number}" for number in range(50)]
    answers = await asyncio.gather(*map(talk, names))
    assert answers == [f"{name}: hello" for name in names]


async def test_what_does_not_switch_answers(proxied: Proxied) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
    async with proxied.ask("GET", f"web:{proxied.port}/proxy/no-socket", headers=headers) as found:
        assert (found.status, await found.read()) == (403, b"not here")
        assert found.headers["X-Own"] == "yes"
    async with proxied.ask("GET", f"web:{proxied.port}/proxy/page", headers=headers) as found:
        assert found.status == 200


async def test_nobody_to_switch_with(proxied: Proxied) -> None:
    headers = {"Connection": "keep-alive, Upgrade", "Upgrade": "websocket"}
    async with proxied.ask("GET", "web:1/proxy/", headers=headers) as found:
        status = await found.json(content_type=None)
    address = proxied.pods.world.pod()["status"]["podIP"]
    assert (found.status, status["reason"]) == (500, "InternalError")
    assert status["message"] == f"dial tcp {address}:1: connect: connection refused"
