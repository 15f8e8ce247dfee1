import errno
import os
from ipaddress import IPv4Network

import pytest

from netemu.config.settings import NetMode, NetworkSettings
from netemu.fabric import cluster, link
from netemu.fabric.namespaces import Namespace, excursion, handle, unshare
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink, Route
from tests.support.forked import in_bare_network, needs_root

pytestmark = needs_root

RANGES = addressing(NetMode.ROOT, NetworkSettings(), 2, 77)


def connect(links: Netlink, device: str, address: str) -> tuple[int, list[Route]]:
    """Link a new pod; give its namespace and its routes."""
    with excursion({"net": Namespace.NET}):
        unshare(Namespace.NET)
        pod, namespace = Netlink(), handle("net")
    ends = [link.Ends(address, RANGES.node(1))]
    link.connect(links, pod, namespace, device=device, ends=ends)
    routes = list(pod.routes())
    pod.close()
    return namespace, routes


def test_a_pod_has_its_address_and_a_link_local_gateway() -> None:
    def inside() -> tuple[set[str], bool]:
        links = Netlink()
        cluster.set_up(links, RANGES)
        _, routes = connect(links, "veth1", "10.244.0.5")
        route = Route(IPv4Network("10.244.0.5/32"), "veth1")
        return {str(route.destination) for route in routes}, route in links.routes()

    routes, routed = in_bare_network(inside)
    assert {"0.0.0.0/0", "169.254.1.1/32", "10.244.0.5/32"} <= routes
    assert routed


def test_a_disconnected_pods_address_is_free_while_its_network_still_exists() -> None:
    def inside() -> list[str]:
        links = Netlink()
        cluster.set_up(links, RANGES)
        kept, _ = connect(links, "veth1", "10.244.0.5")
        link.disconnect(links, ["10.244.0.5"])
        connect(links, "veth2", "10.244.0.5")
        os.close(kept)
        wanted = IPv4Network("10.244.0.5/32")
        return [route.device for route in links.routes() if route.destination == wanted]

    assert in_bare_network(inside) == ["veth2"]


def test_an_address_belongs_to_one_pod() -> None:
    def inside() -> int | None:
        links = Netlink()
        cluster.set_up(links, RANGES)
        connect(links, "veth1", "10.244.0.5")
        with pytest.raises(OSError, match="another pod") as refusal:
            connect(links, "veth2", "10.244.0.5")
        return refusal.value.errno

    assert in_bare_network(inside) == errno.EADDRINUSE
