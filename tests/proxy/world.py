"""A cluster of one Service, whose rules, sockets and endpoints live in a network of the test's own;
what clients see of it, by TCP and UDP.
"""

import asyncio
import errno
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

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
from netemu.proxy.choose import Address
from netemu.proxy.server import Proxy, serve_proxy
from tests.proxy import harness
from tests.proxy.harness import ask, service_object, slice_object
from tests.support.forked import in_bare_network

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


Case = Callable[[World], Awaitable[object]]


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
