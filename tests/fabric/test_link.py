import errno
import os
import socket
from ipaddress import IPv4Network

import pytest

from netemu.config.settings import IpFamily, NetMode, NetworkSettings
from netemu.fabric import cluster, link
from netemu.fabric.namespaces import Namespace, excursion, handle, setns, unshare
from netemu.fabric.ranges import addressing
from netemu.fabric.rtnetlink import Netlink, Route
from tests.support.forked import in_bare_network, needs_root

pytestmark = needs_root

RANGES = addressing(NetMode.ROOT, NetworkSettings(), 2, 77)
FAMILIES = (IpFamily.IPV4, IpFamily.IPV6)
BOTH = addressing(NetMode.ROOT, NetworkSettings(ip_families=FAMILIES), 2, 77)


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


def test_with_dual_stack_a_pod_has_an_address_and_a_gateway_of_each_family() -> None:
    def inside() -> tuple[bool, set[str], bool]:
        links = Netlink()
        cluster.set_up(links, BOTH)
        with excursion({"net": Namespace.NET}):
            unshare(Namespace.NET)
            cluster.allow_ipv6()
            pod, namespace = Netlink(), handle("net")
        ends = [
            link.Ends("10.244.0.5", "172.30.0.11"),
            link.Ends("fd00:10:244::5", "fd00:172:30::b"),
        ]
        link.connect(links, pod, namespace, device="veth1", ends=ends)
        routes = {str(route.destination) for route in pod.routes(6) if route.device == "eth0"}
        with excursion({"net": Namespace.NET}):
            setns(namespace, Namespace.NET)
            server = socket.create_server(("::", 0), family=socket.AF_INET6)
        port = server.getsockname()[1]
        with socket.create_connection(("fd00:10:244::5", port), 5) as client:
            from_node = client.getsockname()[0] == "fd00:172:30::b"
        server.close()
        link.disconnect(links, ["10.244.0.5", "fd00:10:244::5"])
        gone = not any(str(r.destination) == "fd00:10:244::5/128" for r in links.routes(6))
        return from_node, routes, gone

    from_node, routes, gone = in_bare_network(inside)
    assert from_node
    assert {"::/0", "fd00:10:244::5/128"} <= routes
    assert gone
