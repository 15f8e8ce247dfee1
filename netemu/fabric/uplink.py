"""The uplink: one veth and a few routes by which the host reaches the cluster's addresses.

Routes that exist are never overruled: if one of our ranges overlaps one of them, there is no
uplink, and host clients use mirrored addresses instead.
"""

import errno
from collections.abc import Iterable
from ipaddress import IPv4Network

from netemu.fabric.cluster import all_ranges, set_sysctl
from netemu.fabric.rtnetlink import Netlink, Route, VethEnd
from netemu.model.addressing import Addressing

CLUSTER_END = "uplink"

ONLY_ITS_OWN = "1"
"""Value of arp_ignore: answer only for addresses that the device itself has."""
BEST = "2"
"""Value of arp_announce: questions come from such an address, too, so that no other is learnt."""

HALF_OF_EVERYTHING = 1
"""Routes this short are default routes in disguise: VPNs add 0.0.0.0/1 and 128.0.0.0/1."""


class UplinkRefused(Exception):
    """There can be no uplink; the text says why."""


def host_end(block: int) -> str:
    """The name of the host's end."""
    return f"netemu-{block}"


def link_network(block: int) -> IPv4Network:
    """The /29 of an uplink: link-local, and different for every instance as its block is.

    Its first address is the host's, the second the cluster's; the others are for neighbours that
    are bridged to it. .8 to .15 because others have habits: clouds serve metadata, time and DNS at
    169.254.169.123, .253 and .254.
    """
    return IPv4Network(f"169.254.{block}.8/29")


def conflict(wanted: Iterable[IPv4Network], existing: Iterable[Route]) -> str | None:
    """Why the host's routes forbid routes to these networks; None when they don't."""
    networks = list(wanted)
    for route in existing:
        if route.destination.prefixlen <= HALF_OF_EVERYTHING:
            continue
        for network in networks:
            if network.overlaps(route.destination):
                device = f" ({route.device})" if route.device else ""
                return f"{network} overlaps the host's route to {route.destination}{device}"
    return None


def connect(cluster: Netlink, host: Netlink, host_namespace: int, addressing: Addressing) -> None:
    """Make the uplink. Raises UplinkRefused, and then nothing is left of it."""
    try:
        _connect(cluster, host, host_namespace, addressing)
    except FileExistsError as error:
        raise UplinkRefused("another instance added the same routes just now") from error
    except OSError as error:
        # Root of a user namespace, for one, has no rights over the host's network.
        raise UplinkRefused(f"the host's network can't be changed: {error.strerror}") from error


def _connect(cluster: Netlink, host: Netlink, host_namespace: int, addressing: Addressing) -> None:
    name, networks = host_end(addressing.block), all_ranges(addressing)
    _delete(host, name)  # the block is ours, so a device of its name is a killed instance's
    refusal = conflict([*networks, link_network(addressing.block)], host.routes())
    if refusal:
        raise UplinkRefused(refusal)
    cluster.add_veth(VethEnd(name=CLUSTER_END), VethEnd(name=name, namespace=host_namespace))
    try:
        _configure(cluster, host, addressing.block, networks)
    except OSError:
        _delete(cluster, CLUSTER_END)
        raise


def disconnect(cluster: Netlink) -> None:
    """Remove the uplink, if there is one."""
    _delete(cluster, CLUSTER_END)


def _configure(
    cluster: Netlink, host: Netlink, block: int, networks: Iterable[IPv4Network]
) -> None:
    link = link_network(block)
    ours, theirs = str(link[2]), str(link[1])
    inner, outer = cluster.index(CLUSTER_END), host.index(host_end(block))
    cluster.add_address(inner, ours, link.prefixlen)
    host.add_address(outer, theirs, link.prefixlen)
    # Who has a node's or a balancer's address there, an announcer tells.
    set_sysctl(f"net/ipv4/conf/{CLUSTER_END}/arp_ignore", ONLY_ITS_OWN)
    set_sysctl(f"net/ipv4/conf/{CLUSTER_END}/arp_announce", BEST)
    cluster.up(inner)
    host.up(outer)
    cluster.add_route(IPv4Network("0.0.0.0/0"), inner, gateway=theirs)
    for network in networks:
        host.add_route(network, outer, gateway=ours)


def _delete(links: Netlink, name: str) -> None:
    try:
        links.delete(name)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
