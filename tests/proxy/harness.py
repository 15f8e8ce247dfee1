"""What proxy tests share: Services as values, real sockets on loopback, small servers."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from ipaddress import IPv4Address, IPv4Network

from netemu.clock import Clock
from netemu.fabric.block import claim
from netemu.model.addressing import Addressing
from netemu.model.meta import Object
from netemu.model.service import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    Protocol,
    Service,
    ServicePort,
)
from netemu.model.snapshot import ServiceEntry, Snapshot
from netemu.proxy.choose import Address
from netemu.proxy.entrance import Candidates, Way
from netemu.proxy.ledger import Ledger
from netemu.proxy.ports import plan
from netemu.proxy.relay import Relay
from netemu.proxy.site import Backend, Listener, Site
from tests.support.ports import PLAIN_PORTS, free_ports

_CLAIMED = claim(f"tests-{os.getpid()}")
BLOCK = _CLAIMED.number
"""Test runs side by side, and clusters, have different loopback addresses: fixed ports are free."""

CLUSTER = Addressing(
    services=IPv4Network("10.96.0.0/12"),
    pods=IPv4Network("10.244.0.0/16"),
    nodes=IPv4Network("172.30.0.0/24"),
    load_balancers=(IPv4Address("172.30.0.240"), IPv4Address("172.30.0.250")),
    block=77,
    mirrored=True,
)
"""A cluster in namespaces, as a rule looks at it: nothing is bound."""

ON_LOOPBACK = Addressing(
    services=IPv4Network(f"127.{BLOCK}.0.0/18"),
    pods=IPv4Network(f"127.{BLOCK}.64.0/18"),
    nodes=IPv4Network(f"127.{BLOCK}.128.0/24"),
    load_balancers=(IPv4Address(f"127.{BLOCK}.128.240"), IPv4Address(f"127.{BLOCK}.128.250")),
    block=BLOCK,
    mirrored=False,
)
"""A cluster whose addresses can be bound here."""

RESET = struct.pack("ii", 1, 0)


def a_service(
    *ports: ServicePort, name: str = "web", cluster_ips: tuple[str, ...] = ("10.96.0.5",)
) -> Service:
    return Service(namespace="default", name=name, cluster_ips=cluster_ips, ports=ports)


HTTP = ServicePort("http", Protocol.TCP, 80)


def a_slice(
    *endpoints: Endpoint,
    name: str = "web-1",
    ports: tuple[EndpointPort, ...] = (EndpointPort("http", Protocol.TCP, 8080),),
    family: str = "IPv4",
) -> EndpointSlice:
    return EndpointSlice(
        namespace="default",
        name=name,
        service="web",
        family=family,
        endpoints=endpoints,
        ports=ports,
    )


READY = Endpoint(address="10.244.0.2")
OTHER = Endpoint(address="10.244.1.3")
UNREADY = Endpoint(address="10.244.0.7", ready=False, serving=False)
TERMINATING = Endpoint(address="10.244.0.8", ready=False, serving=True, terminating=True)


def an_entry(service: Service, *slices: EndpointSlice) -> ServiceEntry:
    return ServiceEntry(service, slices or (a_slice(READY),))


def service_object(
    name: str, cluster_ip: str, port: int, *, node_port: int | None = None, affinity: int = 0
) -> Object:
    spec: Object = {
        "type": "NodePort" if node_port else "ClusterIP",
        "clusterIPs": [cluster_ip],
        "ports": [{"name": "http", "protocol": "TCP", "port": port}],
    }
    if node_port:
        spec["ports"][0]["nodePort"] = node_port
    if affinity:
        spec["sessionAffinity"] = "ClientIP"
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": affinity}}
    return {"metadata": {"namespace": "default", "name": name}, "spec": spec}


def slice_object(service: str, *ready: Address, part: int = 1) -> Object:
    """A slice per port number, as pods with different target ports get."""
    port = ready[0][1] if ready else 1
    assert all(number == port for _, number in ready)
    return {
        "metadata": {
            "namespace": "default",
            "name": f"{service}-{part}",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "protocol": "TCP", "port": port}],
        "endpoints": [{"addresses": [address]} for address, _ in ready],
    }


class LoopbackSockets:
    """Real sockets of the machine the tests run on."""

    def listen(self, address: str, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            sock.listen(1024)
        except OSError:
            sock.close()
            raise
        return sock

    def bind_udp(self, address: str, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        sock.bind((address, port))
        return sock

    def connector(
        self, kind: socket.SocketKind, family: socket.AddressFamily = socket.AF_INET
    ) -> socket.socket:
        return socket.socket(family, kind | socket.SOCK_NONBLOCK)


SOCKETS = LoopbackSockets()


def connector() -> socket.socket:
    return SOCKETS.connector(socket.SOCK_STREAM)


class Offer:
    """A way that offers some endpoints in their order."""

    outside = ""

    def __init__(self, *endpoints: Address) -> None:
        self.endpoints = endpoints

    def __call__(self, _peer: Address) -> Iterator[Address]:
        return iter(self.endpoints)

    def serves(self, _peer: Address, endpoint: Address) -> bool:
        return endpoint in self.endpoints


def to(*endpoints: Address) -> Way:
    """A way that offers these endpoints in this order."""
    return Offer(*endpoints)


@asynccontextmanager
async def a_relay(
    candidates: Candidates,
    clock: Clock | None = None,
    limit: int = 1000,
    ledger: Ledger | None = None,
) -> AsyncIterator[tuple[Relay, Address]]:
    """A relay with one entrance."""
    relay = Relay(asyncio.get_running_loop(), connector, clock, limit, ledger)
    sock = SOCKETS.listen("127.0.0.1", 0)
    relay.listen(sock, candidates)
    try:
        yield relay, sock.getsockname()
    finally:
        relay.close()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], "asyncio.Future[None]"]


@asynccontextmanager
async def saying(word: bytes, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Address]:
    """A server that answers each message with `word`, until the client ends."""

    talking: set[asyncio.StreamWriter] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.add(writer)
        try:
            while await reader.read(1000):
                writer.write(word)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
            talking.discard(writer)

    server = await asyncio.start_server(answer, address, port)
    try:
        yield server.sockets[0].getsockname()
    finally:
        await _turns(5)  # who was accepted gets as far as being known
        server.close()
        for writer in talking:  # those that nobody ended
            writer.close()
        await _turns(5)


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@contextmanager
def listening(backlog: int = 100) -> Iterator[socket.socket]:
    """A socket whose connections the test accepts itself, with a deadline on each call."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as sock:
        sock.settimeout(10)
        yield sock


@contextmanager
def nobody() -> Iterator[Address]:
    """An address that refuses."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # held, and doesn't listen
        yield sock.getsockname()


@contextmanager
def silence() -> Iterator[Address]:
    """An address that never answers: its backlog is full, so the kernel drops what knocks."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as sock:
        address = sock.getsockname()
        fillers = []
        for _ in range(4):
            filler = connector()
            filler.connect_ex(address)
            fillers.append(filler)
        try:
            yield address
        finally:
            for filler in fillers:
                filler.close()


async def ask(address: Address, message: bytes = b"?", source: str | None = None) -> bytes:
    """What the server at `address` answers to one message on a connection of its own."""
    local = (source, 0) if source else None
    reader, writer = await asyncio.open_connection(*address, local_addr=local)
    try:
        writer.write(message)
        return await reader.read(1000)
    finally:
        writer.close()


async def eventually(true: Callable[[], bool]) -> None:
    """Give the loop turns until `true()`; ends with an error after seconds."""
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.001)


def free_port() -> int:
    """A port that nobody has at 127.0.0.1, and that no client gets by chance."""
    return free_ports(PLAIN_PORTS, 1)[0]


def wanted(
    snapshot: Snapshot, addressing: Addressing, nodes: int, loopback: bool
) -> Mapping[Listener, Backend]:
    """Every listener the snapshot asks for.

    When several Services claim one (they share an external IP and a port, say), it goes to the
    first by namespace and name.
    """
    site = Site(addressing, nodes, loopback)
    listeners: dict[Listener, Backend] = {}
    for key in sorted(snapshot.services):
        found = plan(snapshot.services[key], site, snapshot.nodes)
        for listener, backend in found.listeners.items():
            listeners.setdefault(listener, backend)
    return listeners
