"""One table of cases for both modes and both address families: the relay and the kernel keep the
same promises, whatever the packets look like.

Everything is real but the cluster around it: rules, sockets and endpoints live in a network of the
test's own.
"""

import asyncio
import errno
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from immutables import Map

from netemu.clock import SystemClock
from netemu.config.settings import IpFamily, NetMode, NetworkSettings, ProxyMode
from netemu.fabric import cluster as network
from netemu.fabric.host import LocalSockets
from netemu.fabric.interception import LocalInterception
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from netemu.model import resources
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.nft import IPV6
from netemu.model.service import OBSERVED, NodePlace
from netemu.model.snapshot import EMPTY, Snapshot, advance
from netemu.proxy.choose import Address, written
from netemu.proxy.server import Proxy, serve_proxy
from tests.proxy import harness
from tests.proxy.harness import ask, eventually, service_object, slice_object
from tests.support.forked import in_bare_network, needs_root

pytestmark = needs_root

BOTH = NetworkSettings(ip_families=(IpFamily.IPV4, IpFamily.IPV6))
RANGES = addressing(NetMode.ROOT, BOTH, 2, 77)
NODES = Map(
    {
        f"node-{n}": NodePlace(
            name=f"node-{n}",
            address=RANGES.node(n),
            secondary=RANGES.families[1].node(n),
            pod_ranges=tuple(str(each.pod_range(n)) for each in RANGES.families),
        )
        for n in (1, 2)
    }
)
NODE_PORT = 30080


class World:
    """A cluster of one Service, `web`, whose endpoints are servers on loopback."""

    def __init__(self, family: str = "IPv4") -> None:
        ranges = RANGES.of(family)
        assert ranges is not None
        self._ranges = ranges
        self.front: Address = str(ranges.services[5]), 80
        self.node_front: Address = ranges.node(1), NODE_PORT
        self.kind = socket.AF_INET6 if family == "IPv6" else socket.AF_INET
        self.loopback = "::1" if family == "IPv6" else "127.0.0.1"
        self.latest: Latest[Snapshot] = Latest(replace(EMPTY, synced=True, nodes=NODES))
        self.proxy: Proxy
        self._objects: dict[tuple[str, str], Object] = {}

    def at(self, number: int) -> str:
        """An address of the nodes' range; node 1 has number 11."""
        return str(self._ranges.nodes[number])

    @asynccontextmanager
    async def saying(self, word: bytes) -> AsyncIterator[Address]:
        """An endpoint that answers each message with a word."""
        async with harness.saying(word, self.loopback) as address:
            yield address[0], address[1]

    def _set(self, resource: str, obj: Object | None, name: str) -> None:
        old = self._objects.pop((resource, name), None)
        if obj is not None:
            self._objects[resource, name] = obj
        self.latest.replace(advance(self.latest.value, resource, old, obj))

    def service(
        self, *, affinity: int = 0, protocol: str = "TCP", observed: bool = False, **spec: str
    ) -> None:
        obj = service_object("web", *self.front, node_port=NODE_PORT, affinity=affinity)
        if observed:
            obj["metadata"]["annotations"] = {OBSERVED: "true"}
        obj["spec"]["ports"][0]["protocol"] = protocol
        obj["spec"].update(spec)
        self._set(resources.SERVICES, obj, "web")

    def no_service(self) -> None:
        self._set(resources.SERVICES, None, "web")

    def endpoints(
        self,
        *listed: Address,
        protocol: str = "TCP",
        node: str = "",
        ready: bool = True,
        terminating: bool = False,
    ) -> None:
        """List exactly these, one slice each; those that terminate still serve."""
        conditions = {"ready": ready, "serving": ready or terminating, "terminating": terminating}
        for part in range(1, 5):
            obj = slice_object("web", *listed[part - 1 : part], part=part)
            obj["addressType"] = self._ranges.family
            obj["ports"][0]["protocol"] = protocol
            for endpoint in obj["endpoints"]:
                endpoint |= {"nodeName": node, "conditions": conditions}
            self._set(resources.ENDPOINT_SLICES, obj, f"web-{part}")


async def outcome(address: Address, source: str | None = None) -> str:
    """What a client gets: an answer, the name of an error, or silence."""
    try:
        async with asyncio.timeout(0.6):
            return (await ask(address, source=source)).decode() or "ended"
    except TimeoutError:
        return "silence"
    except OSError as error:
        return errno.errorcode[error.errno or 0]


async def several(address: Address, source: str | None = None, times: int = 12) -> set[str]:
    return {await outcome(address, source) for _ in range(times)}


# The cases: each tells what clients see


async def all_endpoints_serve(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b, world.saying(b"c") as c:
        world.service()
        world.endpoints(a, b, c)
        return await several(world.front, times=40), await several(world.node_front, times=40)


async def without_endpoints_clients_are_refused(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service()
        found = [await outcome(world.front), await outcome(world.node_front)]
        world.endpoints(a)
        found.append(await outcome(world.front))
        world.endpoints()
        return [*found, await outcome(world.front), await outcome(world.node_front)]


async def endpoints_come_and_go(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b:
        world.service()
        found = []
        for ready in ((a,), (a, b), (b,)):
            world.endpoints(*ready)
            found.append(await several(world.front, times=30))
        return found


async def a_removed_service_is_gone(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service()
        world.endpoints(a)
        before = await outcome(world.front), await outcome(world.node_front)
        world.no_service()
        return before, await outcome(world.front), await outcome(world.node_front)


async def clients_stick_on_every_path(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b, world.saying(b"c") as c:
        world.service(affinity=100)
        world.endpoints(a, b, c)
        once = await several(world.front, world.at(11))
        everywhere = once | await several(world.node_front, world.at(11))
        others = [await several(world.front, world.at(n), 3) for n in range(20, 40)]
        return len(once), len(everywhere), {len(each) for each in others}, len(set().union(*others))


async def only_clients_of_a_lost_endpoint_move(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b, world.saying(b"c") as c:
        world.service(affinity=100)
        world.endpoints(a, b, c)
        clients = [world.at(n) for n in range(20, 40)]
        before = [await outcome(world.front, client) for client in clients]
        world.endpoints(a, b)
        after = [await outcome(world.front, client) for client in clients]
        kept = [one == other for one, other in zip(before, after, strict=True) if one != "c"]
        world.endpoints(a, b, c)
        again = [await outcome(world.front, client) for client in clients]
        return all(kept), "c" in after, again == after


async def affinity_can_be_switched(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b:
        found = []
        for seconds in (100, 0, 100):
            world.service(affinity=seconds)
            world.endpoints(a, b)
            found.append(len(await several(world.front, world.at(11), times=30)))
        return found


async def connections_outlive_their_endpoint(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b:
        world.service()
        world.endpoints(a)
        reader, writer = await asyncio.open_connection(*world.front)
        writer.write(b"?")
        found = [await reader.read(10)]
        for ready in ((b,), ()):
            world.endpoints(*ready)
            writer.write(b"?")
            found.append(await reader.read(10))
        writer.close()
        return found, await outcome(world.front)


async def a_local_policy_drops_what_comes_elsewhere(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service(externalTrafficPolicy="Local")
        world.endpoints(a, node="node-2")
        other = world.at(12), NODE_PORT
        return (
            await outcome(other, world.at(90)),
            await outcome(world.node_front, world.at(90)),
            await outcome(world.node_front, world.at(11)),
            await outcome(world.front, world.at(90)),
        )


async def an_internal_policy_drops_clients_of_other_nodes(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service(internalTrafficPolicy="Local")
        world.endpoints(a, node="node-2")
        return (
            await outcome(world.front, world.at(12)),
            await outcome(world.front, world.at(11)),
            await outcome(world.node_front, world.at(11)),
        )


async def udp_flows_follow_their_endpoint(world: World) -> object:
    with udp(world, b"a") as a, udp(world, b"b") as b:
        world.service(protocol="UDP")
        client = socket.socket(world.kind, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        found = []
        with client:
            client.connect(world.front)
            for ready in ((a,), (b,), (), (a,)):
                world.endpoints(*ready, protocol="UDP")
                found.append(await datagram(client))
        return found


async def a_flow_begun_when_none_was_ready_finds_one_later(world: World) -> object:
    with udp(world, b"a") as a, udp(world, b"b") as b, datagrams_to(world.front) as client:
        world.service(protocol="UDP")
        world.endpoints(a, protocol="UDP", ready=False)
        found = [await datagram(client)]
        for listed, ready in ((a, True), (a, False), (b, True)):
            world.endpoints(listed, protocol="UDP", ready=ready)
            found.append(await datagram(client))
        return found


async def a_flow_stays_while_others_come_and_go(world: World) -> object:
    with udp(world, b"a") as a, udp(world, b"b") as b, datagrams_to(world.front) as client:
        world.service(protocol="UDP")
        found = []
        for listed in ((a,), (a, b), (b,), (b, a), (b,)):
            world.endpoints(*listed, protocol="UDP")
            found.append(await datagram(client))
        return found


async def a_removed_udp_port_is_refused_and_may_come_back(world: World) -> object:
    with udp(world, b"a") as a, datagrams_to(world.front) as client:
        found = []
        for protocol in ("UDP", "TCP", "UDP"):
            world.service(protocol=protocol)
            world.endpoints(a, protocol="UDP")
            found.append(await datagram(client))
        world.no_service()
        return [*found, await datagram(client)]


async def what_terminates_serves_when_nothing_else_does(world: World) -> object:
    async with world.saying(b"a") as a, world.saying(b"b") as b:
        world.service()
        found: list[object] = []
        for listed, ready in (((a,), True), ((a,), False)):
            world.endpoints(*listed, ready=ready, terminating=not ready)
            found.append(await several(world.front))
        world.endpoints(b)
        return [*found, await several(world.front)]


def value(row: dict[str, object], name: str) -> float:
    return float(str(row[name]))


async def what_goes_on_can_be_seen(world: World) -> object:
    async with world.saying(b"a") as a:
        world.service(affinity=100)
        world.endpoints(a)
        reader, writer = await asyncio.open_connection(*world.front)
        writer.write(b"?")
        await reader.read(10)
        [row] = world.proxy.open_connections()
        [client] = world.proxy.affinities()
        shown = world.proxy.metrics.all.text().splitlines()
        [gauge] = [line for line in shown if line.startswith("netemu_service_open_connections{")]
        ours = written(writer.get_extra_info("sockname"))
        writer.close()
        await eventually(lambda: not list(world.proxy.open_connections()))
        return (
            (row["service"], row["port"], row["protocol"]),
            (row["client"] == ours, row["endpoint"] == written(a)),
            (value(row, "received") > 0, value(row, "sent") > 0, 0 <= value(row, "seconds") < 20),
            (client["service"], str(client["client"]) in ours, client["endpoint"] == written(a)),
            95 < value(client, "secondsLeft") <= 100,
            (f'endpoint="{written(a)}"' in gauge, gauge.split()[-1]),
        )


async def flows_can_be_seen(world: World) -> object:
    with udp(world, b"a") as a, socket.socket(world.kind, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(world.front)
        world.service(protocol="UDP")
        world.endpoints(a, protocol="UDP")
        answer = await datagram(client)
        [row] = world.proxy.open_connections()
        found = row["protocol"], row["client"] == written(client.getsockname())
        return answer, found, row["endpoint"] == written(a)


Case = Callable[[World], Awaitable[object]]
CASES: list[tuple[Case, object]] = [
    (all_endpoints_serve, ({"a", "b", "c"}, {"a", "b", "c"})),
    (
        without_endpoints_clients_are_refused,
        ["ECONNREFUSED", "ECONNREFUSED", "a", "ECONNREFUSED", "ECONNREFUSED"],
    ),
    (endpoints_come_and_go, [{"a"}, {"a", "b"}, {"b"}]),
    (a_removed_service_is_gone, (("a", "a"), "ECONNREFUSED", "ECONNREFUSED")),
    (clients_stick_on_every_path, (1, 1, {1}, 3)),
    (only_clients_of_a_lost_endpoint_move, (True, False, True)),
    (affinity_can_be_switched, [1, 2, 1]),
    (connections_outlive_their_endpoint, ([b"a", b"a", b"a"], "ECONNREFUSED")),
    (a_local_policy_drops_what_comes_elsewhere, ("a", "silence", "a", "a")),
    (an_internal_policy_drops_clients_of_other_nodes, ("a", "silence", "a")),
    (udp_flows_follow_their_endpoint, ["a", "b", "refused", "a"]),
    (a_flow_begun_when_none_was_ready_finds_one_later, ["refused", "a", "refused", "b"]),
    (a_flow_stays_while_others_come_and_go, ["a", "a", "b", "b", "b"]),
    (a_removed_udp_port_is_refused_and_may_come_back, ["a", "refused", "a", "refused"]),
    (what_terminates_serves_when_nothing_else_does, [{"a"}, {"a"}, {"b"}]),
    (
        what_goes_on_can_be_seen,
        (
            ("web", "http", "TCP"),
            (True, True),
            (True, True, True),
            ("web", True, True),
            True,
            (True, "1"),
        ),
    ),
    (flows_can_be_seen, ("a", ("UDP", True), True)),
]


@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
@pytest.mark.parametrize("mode", [ProxyMode.USERSPACE, ProxyMode.NFTABLES])
@pytest.mark.parametrize(
    ("case", "expected"),
    CASES,
    ids=[case.__name__ for case, _ in CASES],
)
def test_both_modes_keep(mode: ProxyMode, case: Case, expected: object, family: str) -> None:
    assert run(case, mode, family) == expected


def test_the_mode_changes_while_connections_live() -> None:
    async def case(world: World) -> object:
        async with world.saying(b"a") as a:
            world.service()
            world.endpoints(a)
            found: list[object] = []
            pairs = []
            for mode in (ProxyMode.USERSPACE, ProxyMode.NFTABLES, ProxyMode.AUTO, "userspace"):
                world.proxy.set_mode(ProxyMode(mode))
                pairs.append(await asyncio.open_connection(*world.front))
                for reader, writer in pairs:
                    writer.write(b"?")
                    found.append(await reader.read(10))
                found.append(world.proxy.translated)
            for _, writer in pairs:
                writer.close()
            return found

    one = b"a"
    expected = [one, 0, one, one, 3, one, one, one, 3, one, one, one, one, 0]
    assert run(case, ProxyMode.USERSPACE) == expected


def test_in_the_auto_mode_the_relay_carries_what_only_it_can() -> None:
    async def case(world: World) -> object:
        async with world.saying(b"a") as a:
            world.service()
            world.endpoints(a)
            found: list[object] = []
            reader, writer = await asyncio.open_connection(*world.front)
            for observed in (False, True, False):
                world.service(observed=observed)
                writer.write(b"?")
                found += [await reader.read(10), await outcome(world.front)]
                found.append(world.proxy.translated)
            writer.close()
            return found

    one, other = [b"a", "a", 3], [b"a", "a", 0]
    assert run(case, ProxyMode.AUTO) == [*one, *other, *one]


def run(case: Case, mode: ProxyMode, family: str = "IPv4") -> object:
    async def body() -> object:
        world = World(family)
        async with serve_proxy(
            world.latest,
            RANGES,
            nodes=2,
            cluster=LocalSockets(),
            host=LocalSockets(),
            clock=SystemClock(),
            rng=random.Random(1),
            interception=LocalInterception(),
            interception6=LocalInterception(IPV6),
            mode=mode,
        ) as proxy:
            world.proxy = proxy
            async with asyncio.timeout(20):
                return await case(world)

    def inside() -> object:
        links = Netlink()
        network.set_up(links, RANGES)
        links.close()
        return asyncio.run(body())

    return in_bare_network(inside)


@contextmanager
def udp(world: World, word: bytes) -> Iterator[Address]:
    """A server that answers each datagram with a word."""
    loop = asyncio.get_running_loop()
    with socket.socket(world.kind, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind((world.loopback, 0))

        def answer() -> None:
            _, client = sock.recvfrom(100)
            sock.sendto(word, client)

        loop.add_reader(sock, answer)
        try:
            yield sock.getsockname()[:2]
        finally:
            loop.remove_reader(sock)


@contextmanager
def datagrams_to(address: Address) -> Iterator[socket.socket]:
    """A client's socket, connected."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as client:
        client.connect(address)
        yield client


async def datagram(client: socket.socket) -> str:
    """What one gets for a datagram, asked a few times as UDP clients do."""
    loop = asyncio.get_running_loop()
    client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # what became of the last one
    for _ in range(4):
        try:
            client.send(b"?")
            async with asyncio.timeout(0.3):
                return (await loop.sock_recv(client, 100)).decode()
        except TimeoutError:
            continue
        except (ConnectionRefusedError, PermissionError):
            return "refused"
    return "silence"
