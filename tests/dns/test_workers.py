"""Processes that answer beside the daemon: the same answers, whoever gives them."""

import asyncio
import os
import random
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import dnslib
import pytest

from netemu.config.settings import DnsSettings
from netemu.dns.observation import Observation
from netemu.dns.server import Dns, DnsListener, serve_dns
from netemu.model import resources
from netemu.model.latest import Latest
from netemu.model.snapshot import EMPTY, Snapshot, advance
from tests.dns.cluster import CLUSTER, packet, service
from tests.dns.upstream import Outside, upstream, well

SVC = "default.svc.cluster.local"


@dataclass
class Served:
    dns: Dns
    latest: Latest[Snapshot]
    port: int
    daemon: socket.socket
    seen: list[Observation]

    async def answer(self, name: str) -> list[str]:
        """From whichever process takes it; one that doesn't read is asked in vain."""
        async with asyncio.timeout(10):
            while (octets := await self.ask(packet(name))) is None:
                pass
        reply = dnslib.DNSRecord.parse(octets)
        return [str(rr.rdata) for rr in reply.rr] or [dnslib.RCODE[reply.header.rcode]]

    async def ask(self, query: bytes) -> bytes | None:
        """One client; the kernel leads it to one of the processes."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect(("127.0.0.1", self.port))
            client.send(query)
            try:
                async with asyncio.timeout(0.5):
                    return await asyncio.get_running_loop().sock_recv(client, 4096)
            except TimeoutError:
                return None


@asynccontextmanager
async def served(*, alone: bool = True, **settings: object) -> AsyncIterator[Served]:
    """A server with a worker; the worker is `alone` if the daemon itself doesn't read."""
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(tcp.getsockname())
    latest = Latest(EMPTY)
    chosen = DnsSettings(workers=2, **{"forward": "", **settings})  # type: ignore[arg-type]
    async with serve_dns(
        latest, chosen, [DnsListener(udp, tcp)], random.Random(1), outside=Outside()
    ) as dns:
        if alone:
            asyncio.get_running_loop().remove_reader(udp)
        seen: list[Observation] = []
        dns.observers.subscribe(seen.append)
        latest.replace(CLUSTER)
        yield Served(dns, latest, udp.getsockname()[1], udp, seen)


async def test_a_worker_answers_as_the_daemon_does() -> None:
    async with served() as server:
        assert await server.answer(f"web.{SVC}") == ["10.96.0.7"]
        assert await server.answer(f"nope.{SVC}") == ["NXDOMAIN"]
        assert await server.answer("bare.svc.cluster.local") == ["NOERROR"]


async def test_changes_reach_it() -> None:
    async with served() as server:
        new = service("new", "10.96.0.99")
        assert await server.answer(f"new.{SVC}") == ["NXDOMAIN"]
        server.latest.replace(advance(server.latest.value, resources.SERVICES, None, new))
        await until(server, f"new.{SVC}", ["10.96.0.99"])
        server.latest.replace(advance(server.latest.value, resources.SERVICES, new, None))
        await until(server, f"new.{SVC}", ["NXDOMAIN"])


async def until(server: Served, name: str, expected: list[str]) -> None:
    async with asyncio.timeout(5):
        while await server.answer(name) != expected:
            await asyncio.sleep(0.001)


async def test_names_of_others_are_handed_back() -> None:
    async with upstream(well) as other, served(forward=f"127.0.0.1:{other.address[1]}") as server:
        assert await server.answer("www.example.org") == ["192.0.2.1"]
        assert await server.answer(f"ext.{SVC}") == ["www.example.org.", "192.0.2.1"]


async def test_another_configuration_reaches_it() -> None:
    async with served() as server:
        assert await server.answer(f"web.{SVC}") == ["10.96.0.7"]
        server.dns.configurer.use('. {\n template IN A {\n answer "{{ .Name }} A 10.9.9.9"\n }\n}')
        await until(server, f"web.{SVC}", ["10.9.9.9"])


async def test_what_it_answers_is_seen() -> None:
    async with served() as server:
        await server.answer(f"web.{SVC}")
        await server.answer(f"nope.{SVC}")
        async with asyncio.timeout(5):
            while len(server.seen) < 2:
                await asyncio.sleep(0.01)
        assert [(each.rcode, each.client) for each in server.seen] == [
            (0, "127.0.0.1"),
            (3, "127.0.0.1"),
        ]


async def test_where_answers_depend_on_pods_the_daemon_answers_alone() -> None:
    async with served(alone=False, pods="verified") as server:
        assert await server.answer(f"web.{SVC}") == ["10.96.0.7"]
    async with served(alone=False) as server:
        server.dns.configurer.use(". {\n autopath @kubernetes\n kubernetes cluster.local\n}")
        for _ in range(20):
            assert await server.answer(f"web.{SVC}") == ["10.96.0.7"]


@pytest.mark.parametrize("workers", [0, 65])
def test_their_number_is_bounded(workers: int) -> None:
    with pytest.raises(ValueError, match="dns.workers"):
        replace(DnsSettings(), workers=workers)


async def test_when_a_worker_has_died_the_daemon_answers_everybody() -> None:
    async with served(alone=False) as server:
        [worker] = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        os.kill(int(worker), signal.SIGKILL)
        async with asyncio.timeout(5):
            while Path(f"/proc/{worker}/fd").is_dir() and os.listdir(f"/proc/{worker}/fd"):
                await asyncio.sleep(0.01)
        for _ in range(20):
            assert await server.ask(packet(f"web.{SVC}"))
