"""The whole server on real sockets, asked by ``dig``."""

import asyncio
import random
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

import pytest
from msgspec.structs import replace

from netemu.config.settings import DnsSettings
from netemu.dns.defaults import corefile_of
from netemu.dns.records import Source
from netemu.dns.server import DnsListener, serve_dns
from netemu.model import resources
from netemu.model.addressing import Addressing
from netemu.model.latest import Latest
from netemu.model.snapshot import Snapshot, advance
from netemu.model.sockets import Sockets
from netemu.tasks import task_group
from tests.dns.cluster import CLUSTER, external, packet, service
from tests.dns.upstream import Outside, answered, silent, upstream, well

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
    settings: DnsSettings | None = None,
    outside: Sockets | None = None,
    corefile: Latest[str] | None = None,
    tell: Callable[[str, str], None] | None = None,
) -> AsyncIterator[Server]:
    latest = Latest(CLUSTER)
    inside, host = same_port(), same_port()
    listeners = [
        DnsListener(*inside),
        DnsListener(*host, view=ADDRESSING.host_view, meant=ADDRESSING.cluster_view),
    ]
    ports = inside[0].getsockname()[1], host[0].getsockname()[1]
    async with serve_dns(
        latest,
        settings or DnsSettings(forward=""),
        listeners,
        random.Random(1),
        outside=outside,
        corefile=corefile,
        tell=tell,
    ) as dns:
        assert dns.ready
        yield Server(latest, *ports)


async def test_what_is_kept_serves_all_listeners_whose_clients_are_told_the_same() -> None:
    one, other, host = same_port(), same_port(), same_port()
    ports = [udp.getsockname()[1] for udp, _ in (one, other, host)]
    listeners = [
        DnsListener(*one),
        DnsListener(*other),
        DnsListener(*host, view=ADDRESSING.host_view, meant=ADDRESSING.cluster_view),
    ]
    settings, sources = DnsSettings(forward=""), list[Source]()
    async with serve_dns(Latest(CLUSTER), settings, listeners, random.Random(1)) as dns:
        dns.observers.subscribe(lambda seen: sources.append(seen.source))
        for port in ports:
            await dig(port, f"web.{SVC}", "+nocookie")
    assert sources == [Source.CLUSTER, Source.KEPT, Source.CLUSTER]


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


async def test_foreign_names_go_to_the_servers_of_the_settings() -> None:
    async with served(DnsSettings(zone="other.zone", forward="")) as upstream:
        settings = DnsSettings(forward=f"127.0.0.1:{upstream.inside}")
        async with served(settings, outside=Outside()) as server:
            asked = "web.default.svc.other.zone"
            assert await dig(server.inside, asked, "+short") == "10.96.0.7\n"
        async with served(settings) as server:
            assert "REFUSED" in await dig(server.inside, asked)


@pytest.mark.parametrize(
    "forward",
    ["localhost", "127.0.0.1:x", "1.2.3", ":53", "127.0.0.1:0", "[::1", "[::1]:", "tls://one.one"],
)
def test_servers_are_checked_with_the_settings(forward: str) -> None:
    with pytest.raises(ValueError, match="dns.forward"):
        DnsSettings(forward=forward)


@pytest.mark.parametrize(
    "forward", ["::1", "[::1]:5353 192.0.2.1:53", "tls://9.9.9.9%dns.quad9.net:853", "/etc/hosts"]
)
def test_servers_may_be_written_in_several_ways(forward: str) -> None:
    settings = DnsSettings(forward=forward)
    assert f"forward . {forward} {{" in corefile_of(settings)


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
    async with served(DnsSettings(zone="k8s.Example.Org", ttl=30, forward="")) as server:
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


async def test_others_are_asked_through_the_outside() -> None:
    async with upstream(well) as other:
        settings = DnsSettings(forward=f"127.0.0.1:{other.address[1]}")
        async with served(settings, Outside()) as server:
            assert await dig(server.inside, "www.example.org", "+short") == "192.0.2.1\n"
            assert await dig(server.host, "www.example.org", "+short", "+tcp") == "192.0.2.1\n"
            out = await dig(server.inside, "www.example.org")
            assert ";; flags: qr rd ra; QUERY: 1, ANSWER: 1" in out
            expected = "www.example.org.\n192.0.2.1\n"
            assert await dig(server.inside, f"ext.{SVC}", "+short") == expected


async def test_the_cluster_answers_at_once_while_others_are_dead() -> None:
    async with upstream(silent) as other:
        settings = DnsSettings(forward=f"127.0.0.1:{other.address[1]}")
        async with served(settings, Outside()) as server, task_group() as tasks:
            for number in range(20):
                tasks.start(dig_once(server.inside, f"{number}.example.org"), name="waiting")
            async with asyncio.timeout(2):
                while len(other.asked) < 10:
                    await asyncio.sleep(0.001)
                assert await dig(server.inside, f"web.{SVC}", "+short") == "10.96.0.7\n"
            tasks.cancel()
            names = b"".join(other.asked)
            assert b"cluster" not in names


async def dig_once(port: int, name: str) -> None:
    """A client that waits in vain."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(("127.0.0.1", port))
        client.send(packet(name))
        await loop.sock_recv(client, 512)


async def test_a_large_answer_of_others_is_cut_for_udp_and_whole_by_tcp() -> None:
    def large(query: bytes) -> list[bytes]:
        name = "big.example.org."
        return [answered(query, *(f"{name} 60 IN A 192.0.2.{n}" for n in range(100)))]

    async with upstream(large) as other:
        settings = DnsSettings(forward=f"127.0.0.1:{other.address[1]}")
        async with served(settings, Outside()) as server:
            out = await dig(server.inside, "big.example.org", "+noedns")
            assert "Truncated, retrying in TCP mode" in out
            assert "ANSWER: 100" in out
            out = await dig(server.inside, "big.example.org", "+noedns", "+ignore")
            assert "flags: qr tc rd ra" in out


async def test_a_corefile_is_followed_live() -> None:
    corefile = Latest(". {\n kubernetes cluster.local {\n ttl 9\n }\n}")
    async with served(corefile=corefile) as server:
        words = (f"web.{SVC}", "+noall", "+answer")
        assert (await dig(server.inside, *words)).split()[1] == "9"
        corefile.replace(". {\n nonsense\n}")
        await asyncio.sleep(0)
        assert (await dig(server.inside, *words)).split()[1] == "9"
        corefile.replace('. {\n template IN A {\n answer "{{ .Name }} 8 IN A 10.9.9.9"\n }\n}')
        await asyncio.sleep(0)
        assert (await dig(server.inside, *words)).split()[1:] == ["8", "IN", "A", "10.9.9.9"]


async def test_dig_gets_a_whole_zone() -> None:
    async with served(DnsSettings(forward="", transfer="*")) as server:
        out = await dig(server.inside, "cluster.local", "AXFR", "+noall", "+answer")
        lines = out.splitlines()
        assert "SOA" in lines[0]
        assert lines[0] == lines[-1]
        assert any(line.startswith(f"db-0.db.{SVC}.") for line in lines)
        out = await dig(server.inside, "10.in-addr.arpa", "AXFR")
        assert "Transfer failed" in out
    async with served() as server:
        assert "Transfer failed" in await dig(server.inside, "cluster.local", "AXFR")


async def test_a_name_of_the_cluster_that_leads_outside_is_chased_anew_each_time() -> None:
    async with upstream(well) as other:
        settings = DnsSettings(forward=f"127.0.0.1:{other.address[1]}")
        async with served(settings, Outside()) as server:
            moved = external("ext", "other.example.org")
            for expected in ("www.example.org.", "other.example.org."):
                out = await dig(server.inside, f"ext.{SVC}", "+short")
                assert out.split()[0] == expected
                server.latest.replace(advance(server.latest.value, resources.SERVICES, None, moved))


async def test_two_servers_that_ask_each_other_are_found_out() -> None:
    told: list[str] = []
    first, second = Latest(LOOP.format(1)), Latest(LOOP.format(1))
    async with (
        served(
            outside=Outside(), corefile=first, tell=lambda reason, _: told.append(reason)
        ) as one,
        served(outside=Outside(), corefile=second) as two,
    ):
        first.replace(LOOP.format(two.inside))
        second.replace(LOOP.format(one.inside))
        await asyncio.sleep(0)
        assert "SERVFAIL" in await dig(one.inside, "www.example.org", "+time=7")
        async with asyncio.timeout(5):
            while not told:
                await asyncio.sleep(0.01)
        assert told == ["DNSLoop"]
        assert "SERVFAIL" in await dig(one.inside, "other.example.org")
        assert await dig(one.inside, f"web.{SVC}", "+short") == "10.96.0.7\n"


LOOP = """. {{
    kubernetes cluster.local
    forward . 127.0.0.1:{}
    loop
}}"""


async def test_a_client_of_c_ares_gets_answers(server: Server) -> None:
    """As Node's and gRPC's resolvers ask; both families at once, from one socket."""
    aiodns = pytest.importorskip("aiodns")
    resolver = aiodns.DNSResolver()
    resolver.nameservers = [f"127.0.0.1:{server.inside}"]
    async with asyncio.timeout(5):
        both = await resolver.getaddrinfo(f"dual.{SVC}", family=socket.AF_UNSPEC)
    assert {node.addr[0] for node in both.nodes} == {b"10.96.0.3", b"fd00:10:96::3"}


async def test_a_client_like_musls_gets_both_families_whatever_the_order(server: Server) -> None:
    """It asks for both at once from one socket, and gives up a search at any code but NXDOMAIN."""
    loop = asyncio.get_running_loop()
    expected = {
        f"web.{SVC}": {"A": (0, 1), "AAAA": (0, 0)},
        f"dual.{SVC}": {"A": (0, 1), "AAAA": (0, 1)},
        f"www.example.org.{SVC}": {"A": (3, 0), "AAAA": (3, 0)},
    }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(("127.0.0.1", server.inside))
        for name, codes in expected.items():
            kinds = dict(enumerate(codes))
            for ident, kind in kinds.items():
                client.send(packet(name, kind, ident=ident))
            for _ in kinds:
                async with asyncio.timeout(5):
                    reply = await loop.sock_recv(client, 512)
                assert (reply[3] & 15, reply[7]) == codes[kinds[reply[1]]], name
