"""Policies of live Services: who is served, refused or left without an answer, by real sockets.

Clients bind addresses of the cluster, so the proxy takes them for pods of this or that node.
"""

import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from netemu.clock import SystemClock
from netemu.model import resources
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.service import PROXY_NAME
from netemu.model.snapshot import EMPTY, Snapshot, advance
from netemu.proxy.choose import Address
from netemu.proxy.health import HEALTHZ_PORT
from netemu.proxy.server import Proxy, serve_proxy
from tests.proxy.harness import ON_LOOPBACK, SOCKETS, ask, free_port, saying
from tests.proxy.test_datagrams import Client, Pod, exchange
from tests.proxy.test_statusports import get

VIRTUAL = str(ON_LOOPBACK.services[9])
BALANCER = str(ON_LOOPBACK.load_balancers[0])
NODES = {"node-1": ON_LOOPBACK.node(1), "node-2": ON_LOOPBACK.node(2)}
POD_1, POD_2 = str(ON_LOOPBACK.pod_range(1)[9]), str(ON_LOOPBACK.pod_range(2)[9])
OUTSIDE = "127.0.0.1"


class Cluster:
    """A cluster of two nodes, with a client pod on each, as the proxy sees it."""

    def __init__(self) -> None:
        self.latest: Latest[Snapshot] = Latest(replace(EMPTY, synced=True))
        self._objects: dict[tuple[str, str], Object] = {}
        self.port, self.node_port, self.health_port = free_port(), free_port(), free_port()
        for number, (name, address) in enumerate(NODES.items(), 1):
            self.set(resources.NODES, node(number, name, address))
            self.set(resources.PODS, pod(f"client-{number}", name, (POD_1, POD_2)[number - 1]))

    def set(self, resource: str, obj: Object) -> None:
        key = resource, obj["metadata"]["name"]
        changed = advance(self.latest.value, resource, self._objects.get(key), obj)
        self._objects[key] = obj
        self.latest.replace(changed)

    def service(self, *, labels: Object | None = None, balanced: bool = True, **spec: Any) -> None:
        ports = [
            {"name": name, "protocol": name, "port": self.port, "nodePort": self.node_port}
            for name in ("TCP", "UDP")
        ]
        given = {"type": "LoadBalancer", "clusterIPs": [VIRTUAL], "ports": ports, **spec}
        obj = {
            "metadata": {"namespace": "default", "name": "web", "labels": labels or {}},
            "spec": given,
            "status": {"loadBalancer": {"ingress": [{"ip": BALANCER}] if balanced else []}},
        }
        self.set(resources.SERVICES, obj)

    def endpoints(self, *served: tuple[str, Address], **hints: str) -> None:
        """(node, address), one slice each."""
        for number in range(3):
            self.set(resources.ENDPOINT_SLICES, part(number, hints, *served[number : number + 1]))


def node(number: int, name: str, address: str) -> Object:
    return {
        "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": f"zone-{number}"}},
        "spec": {"podCIDRs": [str(ON_LOOPBACK.pod_range(number))]},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    }


def pod(name: str, node: str, ip: str, *ports: Object) -> Object:
    return {
        "metadata": {"namespace": "default", "name": name},
        "spec": {"nodeName": node, "containers": [{"name": "c", "ports": list(ports)}]},
        "status": {"podIP": ip, "phase": "Running"},
    }


def part(number: int, hints: dict[str, str], *served: tuple[str, Address]) -> Object:
    port = served[0][1][1] if served else 1
    return {
        "metadata": {
            "namespace": "default",
            "name": f"web-{number}",
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "addressType": "IPv4",
        "ports": [{"name": name, "protocol": name, "port": port} for name in ("TCP", "UDP")],
        "endpoints": [
            {
                "addresses": [address],
                "nodeName": node,
                "hints": {"forZones": [{"name": hints[node.replace("-", "_")]}]} if hints else {},
            }
            for node, (address, _) in served
        ],
    }


@asynccontextmanager
async def proxying(cluster: Cluster) -> AsyncIterator[Proxy]:
    async with serve_proxy(
        cluster.latest,
        ON_LOOPBACK,
        nodes=2,
        cluster=SOCKETS,
        host=None,
        clock=SystemClock(),
        rng=Random(5),
    ) as proxy:
        yield proxy


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def reply(address: Address, source: str) -> str:
    """How a connection attempt ends: "served", "refused" or "dropped"."""
    with socket.socket() as sock:
        sock.settimeout(0.3)
        sock.bind((source, 0))
        error = sock.connect_ex(address)
    return {0: "served", errno.ECONNREFUSED: "refused", errno.EAGAIN: "dropped"}[error]


async def replies(cluster: Cluster, source: str) -> dict[str, str]:
    """By way in."""
    return {
        "clusterIP": reply((VIRTUAL, cluster.port), source),
        "node-1": reply((NODES["node-1"], cluster.node_port), source),
        "node-2": reply((NODES["node-2"], cluster.node_port), source),
        "balancer": reply((BALANCER, cluster.port), source),
    }


def expected(words: str) -> dict[str, str]:
    meanings = {"s": "served", "r": "refused", "d": "dropped"}
    ways = ("clusterIP", "node-1", "node-2", "balancer")
    return {way: meanings[word] for way, word in zip(ways, words, strict=True)}


TABLE = [
    # policies, whose endpoint exists, client, then: clusterIP, node-1, node-2, balancer
    pytest.param({}, POD_1, "ssss", id="cluster, a pod"),
    pytest.param({}, OUTSIDE, "ssss", id="cluster, somebody outside"),
    pytest.param({"internalTrafficPolicy": "Local"}, POD_1, "dsss", id="internal local, elsewhere"),
    pytest.param({"internalTrafficPolicy": "Local"}, POD_2, "ssss", id="internal local, here"),
    pytest.param({"externalTrafficPolicy": "Local"}, OUTSIDE, "sdss", id="external local, outside"),
    pytest.param({"externalTrafficPolicy": "Local"}, POD_1, "ssss", id="external local, pod there"),
    pytest.param({"externalTrafficPolicy": "Local"}, POD_2, "sdss", id="external local, other pod"),
    pytest.param(
        {"loadBalancerSourceRanges": [f"{POD_1}/32"]}, POD_1, "ssss", id="in the source ranges"
    ),
    pytest.param(
        {"loadBalancerSourceRanges": [f" {POD_1}/32 "]}, POD_2, "sssd", id="not in the ranges"
    ),
]


@pytest.mark.parametrize(("policies", "client", "words"), TABLE)
async def test_a_policy_decides_who_is_served(
    cluster: Cluster, policies: Object, client: str, words: str
) -> None:
    async with saying(b"hello") as backend, proxying(cluster):
        cluster.service(**policies)
        cluster.endpoints(("node-2", backend))
        assert await replies(cluster, client) == expected(words)


@pytest.mark.parametrize(("policies", "client", "words"), TABLE)
async def test_without_endpoints_everybody_is_refused(
    cluster: Cluster, policies: Object, client: str, words: str
) -> None:
    async with proxying(cluster):
        cluster.service(**policies)
        assert await replies(cluster, client) == expected("rrrr")


async def test_a_policy_changes_on_a_live_service(cluster: Cluster) -> None:
    async with saying(b"hello") as backend, proxying(cluster):
        cluster.endpoints(("node-2", backend))
        for policy, way in (("Cluster", "s"), ("Local", "d"), ("Cluster", "s")):
            cluster.service(internalTrafficPolicy=policy)
            assert await replies(cluster, POD_1) == expected(f"{way}sss")


async def test_the_near_endpoint_is_chosen_and_all_where_none_is_near(cluster: Cluster) -> None:
    async with saying(b"one") as one, saying(b"two") as two, proxying(cluster):
        cluster.service()
        cluster.endpoints(("node-1", one), ("node-2", two), node_1="zone-1", node_2="zone-2")
        front = VIRTUAL, cluster.port
        assert {await ask(front, source=POD_1) for _ in range(10)} == {b"one"}
        assert {await ask(front, source=POD_2) for _ in range(10)} == {b"two"}
        assert {await ask(front, source=OUTSIDE) for _ in range(30)} == {b"one", b"two"}


async def test_a_label_hands_a_live_service_to_another_proxy_and_back(cluster: Cluster) -> None:
    async with saying(b"hello") as backend, proxying(cluster):
        cluster.endpoints(("node-1", backend))
        for labels, words in (({}, "ssss"), ({PROXY_NAME: "other"}, "rrrr"), ({}, "ssss")):
            cluster.service(labels=labels)
            assert await replies(cluster, POD_1) == expected(words)


async def test_types_change_on_a_live_service(cluster: Cluster) -> None:
    async with saying(b"hello") as backend, proxying(cluster):
        cluster.endpoints(("node-1", backend))
        for kind, words in (
            ("LoadBalancer", "ssss"),
            ("NodePort", "sssr"),
            ("ClusterIP", "srrr"),
            ("ExternalName", "rrrr"),
            ("LoadBalancer", "ssss"),
        ):
            cluster.service(type=kind)
            assert await replies(cluster, OUTSIDE) == expected(words)


async def test_a_health_check_node_port_opens_and_closes_with_the_policy(cluster: Cluster) -> None:
    async with saying(b"hello") as backend, proxying(cluster):
        cluster.endpoints(("node-2", backend))
        checked: Object = {
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": cluster.health_port,
        }
        cluster.service(**checked)
        assert (await get((NODES["node-1"], cluster.health_port)))[0] == 503
        assert (await get((NODES["node-2"], cluster.health_port)))[0] == 200
        cluster.service()
        with pytest.raises(ConnectionRefusedError):
            await get((NODES["node-2"], cluster.health_port))


async def test_a_host_port_leads_to_its_pod_though_it_is_not_ready(cluster: Cluster) -> None:
    host_port = free_port()
    async with saying(b"hello") as (address, port), proxying(cluster):
        taking = {"containerPort": port, "hostPort": host_port}
        cluster.set(resources.PODS, pod("web", "node-2", address, taking))
        assert await ask((NODES["node-2"], host_port)) == b"hello"
        assert reply((NODES["node-1"], host_port), OUTSIDE) == "refused"
        cluster.set(resources.PODS, pod("web", "node-2", address))
        assert reply((NODES["node-2"], host_port), OUTSIDE) == "refused"


async def test_at_a_node_that_is_stopped_nothing_answers_until_it_is_back(
    cluster: Cluster,
) -> None:
    host_port = free_port()
    async with saying(b"hello") as (address, port), proxying(cluster) as proxy:
        taking = {"containerPort": port, "hostPort": host_port}
        cluster.set(resources.PODS, pod("web", "node-2", address, taking))
        cluster.endpoints(("node-2", (address, port)))
        cluster.service(externalTrafficPolicy="Local", healthCheckNodePort=cluster.health_port)
        served = (host_port, cluster.node_port, cluster.health_port, HEALTHZ_PORT)

        def heard() -> list[bool]:
            return [reply((NODES["node-2"], each), OUTSIDE) != "refused" for each in served]

        assert heard() == [True] * 4
        proxy.place(2, frozenset({NODES["node-2"]}))
        assert heard() == [False] * 4
        assert (await get((NODES["node-1"], cluster.health_port)))[0] == 503
        proxy.place(2, frozenset())
        assert heard() == [True] * 4


# UDP


async def test_a_flow_moves_to_a_local_endpoint_that_replaces_its_own(
    cluster: Cluster, stack: ExitStack
) -> None:
    old, new, remote = Pod(stack), Pod(stack), Pod(stack)
    client = bound(stack, POD_1)
    client.sock.connect((VIRTUAL, cluster.port))
    async with proxying(cluster):
        cluster.service(internalTrafficPolicy="Local")
        cluster.endpoints(("node-1", old.address), ("node-2", remote.address))
        await exchange(client, old, b"1", b"one")
        cluster.endpoints(("node-2", remote.address))
        client.say(b"dropped")
        cluster.endpoints(("node-2", remote.address), ("node-1", new.address))
        await exchange(client, new, b"2", b"two")
        assert remote.heard_nothing()


async def test_a_flow_that_was_refused_is_served_when_somebody_is_ready(
    cluster: Cluster, stack: ExitStack
) -> None:
    pod = Pod(stack)
    client = bound(stack, POD_1)
    client.sock.connect((VIRTUAL, cluster.port))
    async with proxying(cluster):
        cluster.service()
        client.say(b"too early")
        with pytest.raises(ConnectionRefusedError):
            await client.answer()
        cluster.endpoints(("node-2", pod.address))
        await exchange(client, pod, b"1", b"one")


async def test_a_port_of_one_protocol_goes_without_the_other(
    cluster: Cluster, stack: ExitStack
) -> None:
    client = bound(stack, POD_1)
    client.sock.connect((VIRTUAL, cluster.port))
    tcp = {"name": "TCP", "protocol": "TCP", "port": cluster.port}
    async with saying(b"hello", "127.0.0.23") as address, proxying(cluster):
        pod = Pod(stack, address)
        cluster.service()
        cluster.endpoints(("node-1", pod.address))
        await exchange(client, pod, b"1", b"one")
        assert await ask((VIRTUAL, cluster.port)) == b"hello"
        cluster.service(ports=[tcp])
        assert await ask((VIRTUAL, cluster.port)) == b"hello"
        with suppress(ConnectionRefusedError):
            client.say(b"2")
        with pytest.raises(ConnectionRefusedError):
            await client.answer()


def bound(stack: ExitStack, source: str) -> Client:
    """A client with an address of its own, not connected yet."""
    client = Client.__new__(Client)
    client.sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    client.sock.bind((source, 0))
    client.sock.setblocking(False)
    client.address = client.sock.getsockname()
    return client
