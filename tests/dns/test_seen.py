"""Everything together: a real server that is asked, watched and read."""

import asyncio
import http.client
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from netemu.clock import SystemClock
from netemu.config.settings import DnsSettings
from netemu.dns.records import name_from
from netemu.dns.seen import Seen, see, serve_metrics
from netemu.dns.server import DnsListener, serve_dns
from netemu.model.latest import Latest
from tests.dns.cluster import CLUSTER, packet
from tests.dns.test_server import same_port
from tests.dns.upstream import Outside, upstream, well

SVC = "default.svc.cluster.local"


@dataclass
class Watched:
    seen: Seen
    port: int

    async def ask(self, name: str, kind: str = "A") -> bytes:
        return await asyncio.to_thread(self._ask, packet(name, kind))

    def _ask(self, query: bytes) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.sendto(query, ("127.0.0.1", self.port))
            return sock.recv(65535)


@asynccontextmanager
async def watched(settings: DnsSettings, outside: Outside | None = None) -> AsyncIterator[Watched]:
    latest, clock = Latest(CLUSTER), SystemClock()
    listener = DnsListener(*same_port())
    port = listener.udp.getsockname()[1]
    async with serve_dns(
        latest, settings, [listener], random.Random(1), clock=clock, outside=outside
    ) as dns:
        with see(dns, name_from("cluster.local"), clock) as seen:
            yield Watched(seen, port)


def fetched(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


async def test_what_is_asked_is_counted_logged_and_explained() -> None:
    async with watched(DnsSettings(forward="")) as server:
        await server.ask(f"web.{SVC}")
        await server.ask(f"web.{SVC}")
        await server.ask(f"gone.{SVC}")
        asked = server.seen.questions(lambda namespace, name: None)
        page = await asked.log({})
        assert [(e["name"], e["rcode"], e["source"]) for e in page["entries"]] == [
            (f"web.{SVC}.", "NOERROR", "cluster"),
            (f"web.{SVC}.", "NOERROR", "kept"),
            (f"gone.{SVC}.", "NXDOMAIN", "cluster"),
        ]
        assert {entry["client"] for entry in page["entries"]} == {"127.0.0.1"}
        text = server.seen.metrics.text()
        assert 'proto="udp",family="1",type="A"} 3\n' in text
        found = await asked.explain({"name": "web"})
        assert found["steps"][0]["answers"] == ("10.96.0.7",)


async def test_other_servers_and_the_cache_are_seen() -> None:
    async with upstream(well) as other:
        settings = DnsSettings(forward="{}:{}".format(*other.address))
        async with watched(settings, Outside()) as server:
            await server.ask("www.example.org")
            await server.ask("www.example.org")
            text = server.seen.metrics.text()
            page = await server.seen.questions(lambda *_: None).log({})
    assert [entry["source"] for entry in page["entries"]] == ["forward", "cache"]
    assert 'coredns_cache_hits_total{server="dns://:53",type="success",zones=".",view=""} 1' in text
    assert 'coredns_cache_entries{server="dns://:53",type="success",zones=".",view=""} 1' in text
    assert 'coredns_proxy_request_duration_seconds_count{proxy_name="forward",to="' in text


async def test_the_pages_are_served_each_on_its_port() -> None:
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    metrics, health, ready = (sock.getsockname()[1] for sock in socks)
    async with watched(DnsSettings(forward="")) as server:
        await server.ask(f"web.{SVC}")
        async with serve_metrics(server.seen, metrics=socks[0], health=socks[1], ready=socks[2]):
            status, text = await asyncio.to_thread(fetched, metrics, "/metrics")
            assert status == 200
            assert "coredns_dns_requests_total{" in text
            assert await asyncio.to_thread(fetched, health, "/health") == (200, "OK")
            assert await asyncio.to_thread(fetched, ready, "/ready") == (200, "OK")
            assert (await asyncio.to_thread(fetched, ready, "/health"))[0] == 404


async def test_nobody_watches_afterwards() -> None:
    async with watched(DnsSettings(forward="")) as server:
        observers = server.seen.dns.observers
        assert observers.observe is not None
    assert observers.observe is None
