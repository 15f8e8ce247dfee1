import errno
import socket
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import TypeVar

import pytest

from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.namespaces import Namespace, excursion, handle, setns, unshare
from netemu.fabric.rtnetlink import Netlink, Route, VethEnd
from tests.support import forked
from tests.support.forked import needs_root

pytestmark = needs_root

T = TypeVar("T")


def with_links(function: Callable[[Netlink], T]) -> T:
    """Run it with the links of a network namespace of its own."""
    return forked.in_own_network(lambda: function(Netlink()))


def test_a_pair_is_made_and_goes_together() -> None:
    def body(links: Netlink) -> tuple[list[str], list[str]]:
        links.add_veth(VethEnd(name="one"), VethEnd(name="other"))
        made = sorted(name for _, name in socket.if_nameindex())
        links.delete("other")
        return made, [name for _, name in socket.if_nameindex()]

    assert with_links(body) == (["lo", "one", "other"], ["lo"])


def test_an_end_can_be_born_in_another_namespace() -> None:
    def body(links: Netlink) -> tuple[list[str], list[str]]:
        with excursion({"net": Namespace.NET}):
            unshare(Namespace.NET)
            there = handle("net")
        links.add_veth(VethEnd(name="near"), VethEnd(name="far", namespace=there))
        near = [name for _, name in socket.if_nameindex()]
        with excursion({"net": Namespace.NET}):
            setns(there, Namespace.NET)
            far = [name for _, name in socket.if_nameindex()]
        return near, far

    assert with_links(body) == (["lo", "near"], ["lo", "far"])


def test_the_hardware_address_is_the_one_asked_for() -> None:
    def body(links: Netlink) -> str:
        links.add_veth(VethEnd(name="one", mac="0a:58:0a:f4:00:05"), VethEnd(name="other"))
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as device:
            device.bind(("one", 0))
            mac: bytes = device.getsockname()[4]
        return mac.hex(":")

    assert with_links(body) == "0a:58:0a:f4:00:05"


def test_a_device_has_the_index_the_kernel_gave_it() -> None:
    def body(links: Netlink) -> bool:
        links.add_veth(VethEnd(name="one"), VethEnd(name="other"))
        return links.index("one") == socket.if_nametoindex("one")

    assert with_links(body)


REFUSALS: list[tuple[str, Callable[[Netlink], object], int]] = [
    ("no such device", lambda links: links.index("nope"), errno.ENODEV),
    ("no such device to delete", lambda links: links.delete("nope"), errno.ENODEV),
    (
        "a name that is taken",
        lambda links: links.add_veth(VethEnd(name="lo"), VethEnd(name="x")),
        errno.EEXIST,
    ),
    (
        "no such route",
        lambda links: links.delete_route(IPv4Network("10.0.0.0/8")),
        errno.ESRCH,
    ),
]


@pytest.mark.parametrize(
    ("call", "number"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_the_kernels_refusal_is_raised(call: Callable[[Netlink], object], number: int) -> None:
    def body(links: Netlink) -> int | None:
        with pytest.raises(OSError) as refusal:  # noqa: PT011
            call(links)
        links.index("lo")  # and the next request isn't confused by it
        return refusal.value.errno

    assert with_links(body) == number


def test_routes_come_and_go() -> None:
    def body(links: Netlink) -> tuple[bool, bool]:
        route = Route(IPv4Network("10.1.2.0/24"), "one")
        links.add_veth(VethEnd(name="one"), VethEnd(name="other"))
        index = links.index("one")
        links.up(index)
        links.up(links.index("other"))
        links.add_address(index, "10.9.9.9", 32)
        links.add_route(route.destination, index, source="10.9.9.9")
        there = route in links.routes()
        links.delete_route(route.destination)
        return there, route in links.routes()

    assert with_links(body) == (True, False)


def test_a_route_exists_once() -> None:
    def body(links: Netlink) -> bool:
        network = IPv4Network("10.1.2.0/24")
        links.add_local_route(network, LOOPBACK)
        with pytest.raises(FileExistsError):
            links.add_local_route(network, LOOPBACK)
        return True

    assert with_links(body)


def test_a_long_listing_is_read_to_its_end() -> None:
    def body(links: Netlink) -> tuple[int, int]:
        for number in range(2000):  # more than fits one answer of the kernel
            network = IPv4Network((0x0A000000 + number * 256, 24))
            links.add_local_route(network, LOOPBACK)
        routes = links.routes()
        return sum(route.destination.prefixlen == 24 for route in routes), links.index("lo")

    assert with_links(body) == (2000, LOOPBACK)


def test_devices_are_named_as_where_the_socket_lives() -> None:
    def body(links: Netlink) -> bool:
        links.add_veth(VethEnd(name="one"), VethEnd(name="other"))
        index = links.index("one")
        links.up(index)
        links.add_address(index, "10.9.9.9", 32)
        unshare(Namespace.NET)
        return Route(IPv4Network("10.9.9.9/32"), "one") in links.routes()

    assert with_links(body)
