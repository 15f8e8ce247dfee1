"""The sets behind what outside clients reach, in a network of the test's own."""

import socket
from dataclasses import replace

import pytest

from netemu.fabric.interception import LocalInterception
from netemu.model import resources
from netemu.model.meta import Object
from netemu.model.nft import FAMILIES, IPV4, IPV6, Stack
from netemu.model.service import service_from
from netemu.model.snapshot import EMPTY, Snapshot, advance
from netemu.proxy.reachability import Outside
from tests.proxy.harness import service_object
from tests.proxy.world import NODES, RANGES
from tests.support.forked import in_bare_network, needs_root

INTERNAL = {"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}


def balanced(name: str, address: str, annotations: dict[str, str] | None = None) -> Object:
    obj = service_object(name, "10.96.0.5", 80)
    obj["metadata"]["annotations"] = annotations or {}
    obj["spec"]["type"] = "LoadBalancer"
    obj["status"] = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
    return obj


def grown(snapshot: Snapshot, *objects: Object) -> Snapshot:
    for obj in objects:
        snapshot = advance(snapshot, resources.SERVICES, None, obj)
    return snapshot


@needs_root
@pytest.mark.parametrize(
    ("stack", "nodes", "shop", "books"),
    [
        (IPV4, {"172.30.0.11", "172.30.0.12"}, "172.30.0.240", "172.30.0.241"),
        (IPV6, {"fd00:172:30::b", "fd00:172:30::c"}, "fd00:172:30::f0", "fd00:172:30::f1"),
    ],
    ids=["IPv4", "IPv6"],
)
def test_balancers_are_sorted_and_followed(
    stack: Stack, nodes: set[str], shop: str, books: str
) -> None:
    start = replace(EMPTY, synced=True, nodes=NODES)
    both = grown(
        start,
        balanced("shop", "172.30.0.240"),
        balanced("books", "172.30.0.241", INTERNAL),
        balanced("shop6", "fd00:172:30::f0"),
        balanced("books6", "fd00:172:30::f1", INTERNAL),
    )
    family = FAMILIES[stack.version]

    def inside() -> list[dict[str, set[str]]]:
        interception, ranges = LocalInterception(stack), RANGES.of(f"IPv{stack.version}")
        assert ranges is not None
        outside = Outside(interception.rules, ranges.pods, vpc_native=True, stack=stack)
        found = []
        for snapshot in (both, start, both):
            outside.follow(snapshot)
            found.append(
                {
                    name: {
                        socket.inet_ntop(family, each.key)
                        for each in interception.rules.members(name)
                    }
                    for name in ("public", "internal", "node-addresses")
                }
            )
        return found

    full = {"public": {shop}, "internal": {books}, "node-addresses": nodes}
    empty = {"public": set[str](), "internal": set[str](), "node-addresses": nodes}
    assert in_bare_network(inside) == [full, empty, full]


@pytest.mark.parametrize(
    ("annotations", "internal"),
    [
        ({}, False),
        ({"netemu.dev/load-balancer": "internal"}, True),
        ({"netemu.dev/load-balancer": "public"}, False),
        ({"networking.gke.io/load-balancer-type": "Internal"}, True),
        ({"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}, True),
        ({"service.beta.kubernetes.io/azure-load-balancer-internal": "false"}, False),
    ],
)
def test_internal_balancers_are_told_by_the_clouds_annotations(
    annotations: dict[str, str], internal: bool
) -> None:
    service = service_from(balanced("shop", "172.30.0.240", annotations))
    assert service.internal_balancer is internal
