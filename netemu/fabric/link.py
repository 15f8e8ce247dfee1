"""A pod's link: one veth into the cluster namespace, routed, not bridged.

The pod has its /32 (of IPv6 its /128) and a link-local gateway; the cluster namespace has a route
to just it. Both sides know each other's hardware address for good, so no packet ever waits for ARP
or NDP.
"""

import errno
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.rtnetlink import Netlink, VethEnd

GATEWAY = "169.254.1.1"
"""The pod's gateway; no device has this address, only a neighbour entry knows it (as Calico)."""

GATEWAY6 = "fe80::1"
"""The gateway of IPv6, which wants it to be of the link's own."""

GATEWAY_MAC = "ee:ee:ee:ee:ee:ee"
"""The cluster side's hardware address, the same for every pod (as Calico)."""

POD_DEVICE = "eth0"


class Ends(NamedTuple):
    """An address of a pod, and that of its node in the same family."""

    pod: str
    node: str


def connect(
    cluster: Netlink, pod: Netlink, namespace: int, *, device: str, ends: Sequence[Ends]
) -> None:
    """Link a pod's namespace by a device of that name; packets from its node start at the node's
    addresses.

    Raises OSError: EADDRINUSE when another pod has an address.
    """
    mac = "0a:58:" + ip_address(ends[0].pod).packed[-4:].hex(":")
    outer_end = VethEnd(name=device, mac=GATEWAY_MAC)
    inner_end = VethEnd(name=POD_DEVICE, mac=mac, namespace=namespace)
    cluster.add_veth(outer_end, inner_end)
    inner, outer = pod.index(POD_DEVICE), cluster.index(device)
    pod.up(LOOPBACK)
    pod.up(inner)
    cluster.up(outer)
    for each in ends:
        _lead_out(pod, inner, each.pod)
        cluster.add_neighbour(outer, each.pod, mac)
        if ":" in each.node:
            _own(cluster, each.node)
        try:
            cluster.add_route(ip_network(each.pod), outer, source=each.node)
        except FileExistsError as error:
            raise OSError(errno.EADDRINUSE, f"another pod has the address {each.pod}") from error


def _lead_out(pod: Netlink, device: int, address: str) -> None:
    six = ":" in address
    gateway = GATEWAY6 if six else GATEWAY
    pod.add_address(device, address, 128 if six else 32)
    pod.add_neighbour(device, gateway, GATEWAY_MAC)
    if not six:  # a link-local address is on the link anyway
        pod.add_route(ip_network(gateway), device)
    pod.add_route(ip_network("::/0" if six else "0.0.0.0/0"), device, gateway=gateway)


def _own(cluster: Netlink, node: str) -> None:
    """A source address must be some device's with IPv6, where IPv4 is content with a route."""
    with suppress(FileExistsError):
        cluster.add_address(LOOPBACK, node, 128)


def disconnect(cluster: Netlink, addresses: Sequence[str]) -> None:
    """Let the addresses be given to another pod. Raises OSError.

    Only the route goes at once. To delete the device as well would mean to wait 10 to 40 ms for
    every processor of the machine (synchronize_rcu); the kernel does so by itself, and for many
    pods together, when nothing holds the pod's namespace any more.
    """
    for address in addresses:
        cluster.delete_route(ip_network(address))
