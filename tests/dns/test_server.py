"""The whole server on real sockets, asked by ``dig``."""

import asyncio
import random
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from netemu.config.settings import DnsSettings
from netemu.dns.server import DnsListener, serve_dns
from netemu.model import resources
from netemu.model.addressing import Addressing
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot, advance
from netemu.model.sockets import Sockets
from tests.dns.cluster import CLUSTER, service

SVC = "default.svc.cluster.local"
ADDRESSING = Addressing(
    services=IPv4Network("10.96.0.0/12"),
    pods=IPv4Network("10.244.0.0/16"),
    nodes=IPv4Network("172.30.0.0/24"),
    load_balancers=(IPv4Address("172.30.0.240"), IPv4Address("172.30.0.250")),
    block=77,
    mirrored=True,
)


def same_port() -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one port."""
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(tcp.getsockname())
    return udp, tcp


@dataclass
class Server:
    latest: Latest[Snapshot]
    inside: int
    """The port for clients in the cluster."""
    host: int
    """The port for clients on the host."""


@asynccontextmanager
async def served(
    settings: DnsSettings | None = None, outside: Sockets | None = None
) -> AsyncIterator[Server]:
    latest = Latest(CLUSTER)
    inside, host = same_port(), same_port()
    listeners = [
        DnsListener(*inside),
        DnsListener(*host, view=ADDRESSING.host_view, meant=ADDRESSING.cluster_view),
    ]
    ports = inside[0].getsockname()[1], host[0].getsockname()[1]
    async with serve_dns(
        latest, settings or DnsSettings(), listeners, random.Random(1), outside=outside
    ):
        yield Server(latest, *ports)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with served() as made:
        yield made


async def dig(port: int, *words: str) -> str:
    if not shutil.which("dig"):
        pytest.skip("dig isn't installed")
    process = await asyncio.create_subprocess_exec(
        *("dig", "@127.0.0.1", "-p", str(port), "+time=2", "+tries=1", *words),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return out.decode()


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
async def test_dig_gets_answers(server: Server, transport: str) -> None:
    asked = {
        (f"web.{SVC}", "A"): ["10.96.0.7"],
        (f"dual.{SVC}", "AAAA"): ["fd00:10:96::3"],
        (f"_http._tcp.web.{SVC}", "SRV"): [f"0 100 80 web.{SVC}."],
        (f"ext-web.{SVC}", "A"): [f"web.{SVC}.", "10.96.0.7"],
        ("dns-version.cluster.local", "TXT"): ['"1.1.0"'],
        ("cluster.local", "NS"): ["kube-dns.kube-system.svc.cluster.local."],
    }
    words = [word for name, kind in asked for word in (name, kind, "+short", transport)]
    out = await dig(server.inside, *words)
    assert out.split("\n")[:-1] == [line for lines in asked.values() for line in lines]


async def test_dig_sees_the_flags_and_the_soa(server: Server) -> None:
    out = await dig(server.inside, f"nope.{SVC}")
    assert "status: NXDOMAIN" in out
    assert ";; flags: qr aa rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1" in out
    assert "ns.dns.cluster.local. hostmaster.cluster.local." in out
    assert "recursion requested but not available" not in out
    assert "malformed" not in out
    assert "; EDNS: version: 0, flags:; udp: 1232" in out


async def test_dig_turns_to_tcp_when_it_is_cut(server: Server) -> None:
    out = await dig(server.inside, f"big.{SVC}", "+noedns")
    assert "Truncated, retrying in TCP mode" in out
    assert "ANSWER: 60" in out


async def test_dig_asks_by_address(server: Server) -> None:
    assert await dig(server.inside, "-x", "10.96.0.7", "+short") == f"web.{SVC}.\n"
    assert await dig(server.inside, "-x", "fd00:10:96::3", "+short") == f"dual.{SVC}.\n"


async def test_the_host_sees_mirrors(server: Server) -> None:
    assert await dig(server.host, f"web.{SVC}", "+short") == "127.77.0.7\n"
    assert await dig(server.host, "-x", "127.77.0.7", "+short") == f"web.{SVC}.\n"
    assert await dig(server.host, f"db-0.db.{SVC}", "+short") == "10.244.0.10\n"
    assert await dig(server.inside, f"web.{SVC}", "+short") == "10.96.0.7\n"


async def test_a_change_is_seen_by_the_next_query(server: Server) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(("127.0.0.1", server.inside))
        query = b"\0\1\1\0\0\1\0\0\0\0\0\0\3new\7default\3svc\7cluster\5local\0\0\1\0\1"
        new = service("new", "10.96.0.99")
        for old, obj, rcode in ((None, None, 3), (None, new, 0), (new, None, 3)):
            server.latest.replace(
                advance(server.latest.value, resources.SERVICES, old, obj)
                if old or obj
                else server.latest.value
            )
            client.send(query)
            async with asyncio.timeout(5):
                assert (await loop.sock_recv(client, 512))[3] & 15 == rcode


class Outside:
    """Makes sockets where the tests run."""

    def listen(self, address: str, port: int) -> socket.socket:
        raise NotImplementedError

    def bind_udp(self, address: str, port: int) -> socket.socket:
        raise NotImplementedError

    def connector(self, kind: socket.SocketKind) -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind)
        sock.setblocking(False)
        return sock


async def test_foreign_names_go_to_the_servers_of_the_settings() -> None:
    async with served(DnsSettings(zone="other.zone")) as upstream:
        settings = DnsSettings(forward=f"127.0.0.1:{upstream.inside}")
        async with served(settings, outside=Outside()) as server:
            asked = "web.default.svc.other.zone"
            assert await dig(server.inside, asked, "+short") == "10.96.0.7\n"
        async with served(settings) as server:
            assert "REFUSED" in await dig(server.inside, asked)


@pytest.mark.parametrize("forward", ["localhost", "127.0.0.1:x", "1.2.3", ":53"])
def test_servers_are_checked_with_the_settings(forward: str) -> None:
    with pytest.raises(ValueError, match="dns.forward"):
        DnsSettings(forward=forward)


def test_servers_have_ports() -> None:
    settings = DnsSettings(forward=" 127.0.0.1  127.0.0.2:5353 ")
    assert settings.upstreams == (("127.0.0.1", 53), ("127.0.0.2", 5353))


def test_the_hosts_view_can_be_undone() -> None:
    for address in (
        "10.96.0.1",
        "10.96.255.253",
        "10.97.0.1",
        "10.244.0.7",
        "127.0.0.1",
        "fd00::1",
    ):
        assert ADDRESSING.cluster_view(ADDRESSING.host_view(address)) == address
    for address in ("127.77.0.0", "127.77.255.255", "127.78.0.1"):
        assert ADDRESSING.cluster_view(address) == address
    with_own_network = replace(ADDRESSING, mirrored=False)
    assert with_own_network.cluster_view("127.77.0.7") == "127.77.0.7"


async def test_another_zone_and_ttl() -> None:
    async with served(DnsSettings(zone="k8s.Example.Org", ttl=30)) as server:
        out = await dig(server.inside, "web.default.svc.k8s.example.org", "+noall", "+answer")
        assert out.split() == ["web.default.svc.k8s.example.org.", "30", "IN", "A", "10.96.0.7"]
        assert "REFUSED" in await dig(server.inside, f"web.{SVC}")


async def test_both_transports_end_with_the_block() -> None:
    async with served() as server:
        pass
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", server.inside))
