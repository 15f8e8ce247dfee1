import asyncio
import logging
import random
import ssl
from pathlib import Path

import aiohttp
import pytest

from netemu.api import http
from netemu.api.authority import ensure_credentials
from netemu.api.credentials import Credentials, load
from tests.support.api import ApiServer, serving, session

MAPS = "/api/v1/namespaces/default/configmaps"


async def test_the_administrator_is_served(client: aiohttp.ClientSession) -> None:
    async with client.get("/version") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert (await answer.json())["minor"] == "32"


async def test_who_shows_no_certificate_is_nobody(api_server: ApiServer) -> None:
    async with session(api_server, certificate=False) as stranger:
        async with stranger.get("/version") as answer:
            assert answer.status == 401
            assert (await answer.json())["reason"] == "Unauthorized"
        async with stranger.post(MAPS, json={}) as answer:
            assert answer.status == 401
        async with stranger.get("/livez") as answer:
            assert await answer.text() == "ok"


async def test_a_certificate_of_another_authority_gets_nothing(
    api_server: ApiServer, tmp_path: Path
) -> None:
    ensure_credentials(tmp_path / "other", hosts=())
    tls = api_server.client_tls(certificate=False)
    tls.load_cert_chain(*load(tmp_path / "other").admin_files)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as stranger:
        with pytest.raises(aiohttp.ClientError):
            await stranger.get(api_server.url + "/version")
    async with session(api_server) as known, known.get("/version") as answer:
        assert answer.status == 200


async def test_the_servers_own_certificate_is_none_for_clients(api_server: ApiServer) -> None:
    tls = api_server.client_tls(certificate=False)
    tls.load_cert_chain(*api_server.credentials.server_files)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as stranger:
        with pytest.raises(aiohttp.ClientError):
            await stranger.get(api_server.url + "/version")


GARBAGE = [
    pytest.param(b"\x00" * 400, id="zeros"),
    pytest.param(random.Random(1).randbytes(4000), id="noise"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="plain http"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="half a hello"),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_disturbs_nobody(
    client: aiohttp.ClientSession,
    api_server: ApiServer,
    garbage: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", api_server.port)
    writer.write(garbage)
    if writer.can_write_eof():
        writer.write_eof()
    await client.post(MAPS, json={"metadata": {"name": "meanwhile"}})
    writer.close()
    async with client.post(MAPS, json={"metadata": {"name": "after"}}) as answer:
        assert answer.status == 201
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"NONSENSE\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_no_http_ends_its_own_connection(
    client: aiohttp.ClientSession,
    api_server: ApiServer,
    garbage: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", api_server.port, ssl=api_server.client_tls()
    )
    writer.write(garbage)
    async with asyncio.timeout(5):
        first = await reader.readline()
    assert first.split()[1].startswith(b"4")
    writer.close()
    async with client.post(MAPS, json={"metadata": {"name": "after"}}) as answer:
        assert answer.status == 201
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_streams_end_when_the_server_does(tmp_path: Path, credentials: Credentials) -> None:
    async with serving(tmp_path, credentials) as server:
        client = session(server)
        watch = await client.get(f"{MAPS}?watch=1")
        moment = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - moment < http.CLOSE_SECONDS
    with pytest.raises(aiohttp.ClientError):
        await watch.read()
    await client.close()


async def test_tls_1_2_is_spoken_to_older_clients(api_server: ApiServer) -> None:
    tls = api_server.client_tls()
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection("127.0.0.1", api_server.port, ssl=tls)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
    writer.close()
