"""Who is led where by which policy: one table, for both proxy modes, wherever the proxy can live.

As root, as an ordinary user in a user namespace, and on the machine's own loopback, by connections
of real clients. A client stands on node 1, on node 2, or outside; it comes by the clusterIP, by a
node's port, by an external address or by the balancer's.
"""

import asyncio
import errno
import os
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
from immutables import Map

from netemu.clock import SystemClock
from netemu.config.settings import IpFamily, NetMode, NetworkSettings, ProxyMode
from netemu.fabric import cluster as network
from netemu.fabric.host import LocalSockets
from netemu.fabric.interception import LocalInterception
from netemu.fabric.namespaces import Namespace, map_root, unshare
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink
from netemu.model import resources
from netemu.model.addressing import Addressing
from netemu.model.latest import Latest
from netemu.model.meta import Object
from netemu.model.nft import IPV6
from netemu.model.service import HEADLESS, PROXY_NAME, NodePlace
from netemu.model.snapshot import EMPTY, Snapshot, advance
from netemu.proxy.choose import Address
from netemu.proxy.server import serve_proxy
from tests.proxy.harness import ON_LOOPBACK, ask, free_port, saying
from tests.support import forked

SILENCE = 0.5
"""Seconds after which a connection attempt counts as dropped."""
CLIENTS = ("node-1", "node-2", "outside")
WAYS = ("clusterIP", "node-1", "node-2", "external", "balancer")


def at(word: str, node: str = "", **more: Any) -> Object:
    """An endpoint that answers with a letter; conditions and hints as in a slice."""
    conditions = {name: more[name] for name in ("ready", "serving", "terminating") if name in more}
    hints = {name: [{"name": n} for n in more[name]] for name in more if name.startswith("for")}
    return {
        "word": word,
        "nodeName": node,
        "conditions": {"ready": True, **conditions},
        "hints": hints,
    }


BOTH = (at("a", "node-1"), at("b", "node-2"))
SECOND = (at("b", "node-2"),)
ENDING = {"ready": False, "serving": True, "terminating": True}
GONE = {"ready": False, "serving": False, "terminating": True}


def local(*which: str) -> Object:
    return {f"{each}TrafficPolicy": "Local" for each in which}


@dataclass(frozen=True)
class Case:
    """A Service and, for each client, who answers by each way: letters, refused or dropped."""

    name: str
    endpoints: tuple[Object, ...]
    seen: tuple[str, str, str]
    spec: Object = field(default_factory=dict)
    labels: Object = field(default_factory=dict)
    ingress: Object = field(default_factory=dict)


R = "refused " * 5
CASES = [
    Case("everybody meets everybody", BOTH, ("ab ab ab ab ab",) * 3),
    Case("nobody", (), (R, R, R)),
    Case("nobody is ready", (at("a", "node-1", ready=False),), (R, R, R)),
    Case(
        "the internal local policy",
        BOTH,
        ("a ab ab ab ab", "b ab ab ab ab", "ab ab ab ab ab"),
        local("internal"),
    ),
    Case(
        "the internal local policy, nobody here",
        SECOND,
        ("dropped b b b b", "b b b b b", "b b b b b"),
        local("internal"),
    ),
    Case("the internal local policy, nobody at all", (), (R, R, R), local("internal")),
    Case(
        "the external local policy",
        BOTH,
        ("ab ab b ab ab", "ab a ab ab ab", "ab a b ab ab"),
        local("external"),
    ),
    Case(
        "the external local policy, nobody there",
        SECOND,
        ("b b b b b", "b dropped b b b", "b dropped b b b"),
        local("external"),
    ),
    Case("the external local policy, nobody at all", (), (R, R, R), local("external")),
    Case(
        "both local policies",
        SECOND,
        ("dropped b b b b", "b dropped b b b", "b dropped b b b"),
        local("internal", "external"),
    ),
    Case(
        "one that ends and serves, while nobody is ready",
        (at("a", "node-1", **ENDING), at("b", "node-2", **GONE)),
        ("a a a a a",) * 3,
    ),
    Case(
        "one that ends, while somebody is ready",
        (at("a", "node-1", **ENDING), at("b", "node-2")),
        ("b b b b b",) * 3,
    ),
    Case(
        "one that ends here, by the local policies",
        (at("a", "node-1", **ENDING), at("b", "node-2")),
        ("a b b b b", "b a b b b", "b a b b b"),
        local("internal", "external"),
    ),
    Case(
        "what is published though it ends",
        (at("a", "node-1", ready=True, serving=False, terminating=True),),
        ("a a a a a",) * 3,
        {"publishNotReadyAddresses": True},
    ),
    Case(
        "hints of zones",
        (at("a", "node-1", forZones=["zone-1"]), at("b", "node-2", forZones=["zone-2"])),
        ("a a b a a", "b a b b b", "ab a b ab ab"),
    ),
    Case(
        "hints of nodes",
        (
            at("a", "node-1", forNodes=["node-1"], forZones=["zone-2"]),
            at("b", "node-2", forNodes=["node-2"], forZones=["zone-1"]),
        ),
        ("a a b a a", "b a b b b", "ab a b ab ab"),
    ),
    Case(
        "hints that one endpoint lacks",
        (at("a", "node-1", forZones=["zone-1"]), at("b", "node-2")),
        ("ab ab ab ab ab",) * 3,
    ),
    Case(
        "hints for one zone only",
        (at("a", "node-1", forZones=["zone-1"]), at("b", "node-2", forZones=["zone-1"])),
        ("ab ab ab ab ab",) * 3,
    ),
    Case(
        "hints and the local policy",
        (at("a", "node-1", forZones=["zone-2"]), at("b", "node-2", forZones=["zone-1"])),
        ("a b a b b", "b b a a a", "ab b a ab ab"),
        local("internal"),
    ),
    Case("another proxy's", BOTH, (R, R, R), labels={PROXY_NAME: "other"}),
    Case("headless by its label", BOTH, (R, R, R), labels={HEADLESS: ""}),
    Case(
        "source ranges",
        BOTH,
        ("ab ab ab ab ab", "ab ab ab ab dropped", "ab ab ab ab dropped"),
        {"loadBalancerSourceRanges": [" NODE-1/32 "]},
    ),
    Case(
        "source ranges, nobody at all", (), (R, R, R), {"loadBalancerSourceRanges": ["NODE-1/32"]}
    ),
    Case(
        "a balancer that clients really go to",
        BOTH,
        ("ab ab ab ab refused",) * 3,
        ingress={"ipMode": "Proxy"},
    ),
    Case(
        "no balancer any more",
        BOTH,
        ("ab ab ab ab refused",) * 3,
        {"type": "NodePort"},
    ),
    Case("a clusterIP alone", BOTH, ("ab refused refused ab refused",) * 3, {"type": "ClusterIP"}),
]


class Lab:
    """A cluster of one Service."""

    def __init__(self, ranges: Addressing) -> None:
        ports = (free_port(), free_port()) if ranges is ON_LOOPBACK else (80, 30080)
        self.ranges = ranges
        self.port, self.node_port = ports
        self.loopback = "::1" if ranges.family == "IPv6" else "127.0.0.1"
        first, last = ranges.load_balancers
        front = str(ranges.services[5])
        self.fronts: dict[str, Address] = {
            "clusterIP": (front, self.port),
            "node-1": (ranges.node(1), self.node_port),
            "node-2": (ranges.node(2), self.node_port),
            "external": (str(first), self.port),
            "balancer": (str(last), self.port),
        }
        self.sources = {
            "node-1": ranges.node(1),
            "node-2": ranges.node(2),
            "outside": str(ranges.nodes[90]),
        }

    def nodes(self) -> Map[str, NodePlace]:
        places = {}
        for number in (1, 2):
            name = f"node-{number}"
            places[name] = NodePlace(
                name=name,
                address=self.ranges.node(number),
                pod_ranges=(str(self.ranges.pod_range(number)),),
                zone=f"zone-{number}",
            )
        return Map(places)

    def service(self, case: Case) -> Object:
        port = {"name": "http", "port": self.port, "nodePort": self.node_port}
        spec = {
            "type": "LoadBalancer",
            "clusterIPs": [self.fronts["clusterIP"][0]],
            "externalIPs": [self.fronts["external"][0]],
            "ports": [port],
            **case.spec,
        }
        if "loadBalancerSourceRanges" in spec:
            full = "/128" if self.ranges.family == "IPv6" else "/32"
            spec["loadBalancerSourceRanges"] = [
                each.replace("NODE-1", self.ranges.node(1)).replace("/32", full)
                for each in spec["loadBalancerSourceRanges"]
            ]
        ingress = {"ip": self.fronts["balancer"][0], **case.ingress}
        return {
            "metadata": {"namespace": "default", "name": "web", "labels": case.labels},
            "spec": spec,
            "status": {"loadBalancer": {"ingress": [ingress]}},
        }

    def part(self, endpoint: Object, address: Address) -> Object:
        """A slice of one endpoint."""
        name = {"kubernetes.io/service-name": "web"}
        metadata = {"namespace": "default", "name": f"web-{endpoint['word']}", "labels": name}
        given = {key: value for key, value in endpoint.items() if key != "word"}
        return {
            "metadata": metadata,
            "addressType": self.ranges.family,
            "ports": [{"name": "http", "protocol": "TCP", "port": address[1]}],
            "endpoints": [{**given, "addresses": [address[0]]}],
        }

    async def seen(self, latest: Latest[Snapshot], case: Case) -> tuple[str, ...]:
        """What becomes of clients."""
        async with AsyncExitStack() as stack:
            objects = [(resources.SERVICES, self.service(case))]
            for each in case.endpoints:
                server = saying(each["word"].encode(), self.loopback)
                address = await stack.enter_async_context(server)
                objects.append((resources.ENDPOINT_SLICES, self.part(each, address)))
            for resource, obj in objects:
                latest.replace(advance(latest.value, resource, None, obj))
            found = [await self._outcomes(client, case) for client in CLIENTS]
            for resource, obj in reversed(objects):
                latest.replace(advance(latest.value, resource, obj, None))
        return tuple(found)

    async def _outcomes(self, client: str, case: Case) -> str:
        source, endpoints = self.sources[client], len(case.endpoints)
        found = [await several(self.fronts[way], source, endpoints) for way in WAYS]
        return " ".join(found)


async def several(front: Address, source: str, endpoints: int) -> str:
    """Everybody who answers; who is chosen by chance half of the time is not missed in 30 times."""
    outcomes: set[str] = set()
    for _ in range(30 if endpoints > 1 else 2):
        outcomes.add(await outcome(front, source))
        if "dropped" in outcomes or len(outcomes) == endpoints > 1:  # silence takes long
            break
    return "".join(sorted(outcomes))


async def outcome(front: Address, source: str) -> str:
    try:
        async with asyncio.timeout(SILENCE):
            return (await ask(front, source=source)).decode() or "ended"
    except TimeoutError:
        return "dropped"
    except OSError as error:
        return "refused" if error.errno == errno.ECONNREFUSED else str(error)


async def all_cases(lab: Lab, mode: ProxyMode) -> dict[str, tuple[str, ...]]:
    ranges = lab.ranges
    on_loopback, six = ranges is ON_LOOPBACK, ranges.family == "IPv6"
    latest: Latest[Snapshot] = Latest(replace(EMPTY, synced=True, nodes=lab.nodes()))
    async with serve_proxy(
        latest,
        ranges,
        nodes=2,
        cluster=LocalSockets(),
        host=None if on_loopback else LocalSockets(),
        clock=SystemClock(),
        rng=random.Random(1),
        interception=None if on_loopback or six else LocalInterception(),
        interception6=LocalInterception(IPV6) if six else None,
        mode=mode,
    ) as proxy:
        assert proxy.mode is mode
        return {case.name: await lab.seen(latest, case) for case in CASES}


def ranges_of(place: str, family: str) -> Addressing:
    if place == "loopback":
        return ON_LOOPBACK
    settings = NetworkSettings(ip_families=(IpFamily(family),))
    return addressing(NetMode(place), settings, 2, 77)


@cache
def found(place: str, mode: ProxyMode, family: str) -> dict[str, tuple[str, ...]]:
    """What all cases come to there; found out once."""

    def inside() -> dict[str, tuple[str, ...]]:
        lab = Lab(ranges_of(place, family))
        if place == "rootless":
            if os.geteuid() == 0:
                forked.become_nobody()
            uid, gid = os.geteuid(), os.getegid()
            unshare(Namespace.USER)
            map_root(uid, gid)
        if place != "loopback":
            unshare(Namespace.NET)
            links = Netlink()
            network.set_up(links, lab.ranges)
            links.close()
        return asyncio.run(all_cases(lab, mode))

    return forked.run(inside)


PLACES = [
    pytest.param("root", ProxyMode.USERSPACE, "IPv4", marks=forked.needs_root),
    pytest.param("root", ProxyMode.NFTABLES, "IPv4", marks=forked.needs_root),
    pytest.param("rootless", ProxyMode.USERSPACE, "IPv4"),
    pytest.param("rootless", ProxyMode.NFTABLES, "IPv4"),
    pytest.param("rootless", ProxyMode.USERSPACE, "IPv6"),
    pytest.param("rootless", ProxyMode.NFTABLES, "IPv6"),
    pytest.param("loopback", ProxyMode.USERSPACE, "IPv4"),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
@pytest.mark.parametrize(("place", "mode", "family"), PLACES)
def test_each_client_is_led_where_policies_say(
    case: Case, place: str, mode: ProxyMode, family: str
) -> None:
    expected = tuple(" ".join(each.split()) for each in case.seen)
    assert found(place, mode, family)[case.name] == expected
