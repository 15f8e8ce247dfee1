"""A pod's link: one veth into the cluster namespace, routed, not bridged.

The pod has its /32 and a link-local gateway; the cluster namespace has a /32 route to it. Both
sides know each other's hardware address for good, so no packet ever waits for ARP.
"""

import errno
import socket
from ipaddress import IPv4Network

from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.rtnetlink import Netlink, VethEnd

GATEWAY = "169.254.1.1"
"""The pod's gateway; no device has this address, only a neighbour entry knows it (as Calico)."""

GATEWAY_MAC = "ee:ee:ee:ee:ee:ee"
"""The cluster side's hardware address, the same for every pod (as Calico)."""

POD_DEVICE = "eth0"


def connect(
    cluster: Netlink, pod: Netlink, namespace: int, *, device: str, address: str, node: str
) -> None:
    """Link a pod's namespace by a device of that name; packets from its node start at `node`.

    Raises OSError: EADDRINUSE when another pod has the address.
    """
    mac = "0a:58:" + socket.inet_aton(address).hex(":")
    outer_end = VethEnd(name=device, mac=GATEWAY_MAC)
    inner_end = VethEnd(name=POD_DEVICE, mac=mac, namespace=namespace)
    cluster.add_veth(outer_end, inner_end)
    inner, outer = pod.index(POD_DEVICE), cluster.index(device)
    pod.up(LOOPBACK)
    pod.add_address(inner, address, 32)
    pod.up(inner)
    pod.add_neighbour(inner, GATEWAY, GATEWAY_MAC)
    pod.add_route(IPv4Network(GATEWAY), inner)
    pod.add_route(IPv4Network("0.0.0.0/0"), inner, gateway=GATEWAY)
    cluster.up(outer)
    cluster.add_neighbour(outer, address, mac)
    try:
        cluster.add_route(IPv4Network(address), outer, source=node)
    except FileExistsError as error:
        raise OSError(errno.EADDRINUSE, f"another pod has the address {address}") from error


def disconnect(cluster: Netlink, address: str) -> None:
    """Let the address be given to another pod. Raises OSError.

    Only the route goes at once. To delete the device as well would mean to wait 10 to 40 ms for
    every processor of the machine (synchronize_rcu); the kernel does so by itself, and for many
    pods together, when nothing holds the pod's namespace any more.
    """
    cluster.delete_route(IPv4Network(address))
