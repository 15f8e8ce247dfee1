"""The uplink: one veth and a few routes by which the host reaches the cluster's addresses.

Routes that exist are never overruled: if one of our ranges overlaps one of them, there is no
uplink, and host clients use mirrored addresses instead. With dual stack either family may have one
without the other.
"""

import errno
from collections.abc import Iterable
from ipaddress import ip_network

from msgspec.structs import replace

from netemu.fabric.cluster import EVERYTHING, all_ranges, set_sysctl
from netemu.fabric.rtnetlink import Netlink, Route, VethEnd
from netemu.model.addressing import Addressing, IpNetwork

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


def link_network(block: int, version: int = 4) -> IpNetwork:
    """The network of an uplink: link-local, and different for every instance as its block is.

    Its first address is the host's, the second the cluster's; the others are for neighbours that
    are bridged to it. .8 to .15 because others have habits: clouds serve metadata, time and DNS at
    169.254.169.123, .253 and .254. With IPv6 a link-local address could be no source of packets
    that are routed on, so that is a local one (RFC 4193), with 169.254 in hexadecimal figures.
    """
    if version == 6:
        return ip_network(f"fd00:a9fe:{block:x}::/125")
    return ip_network(f"169.254.{block}.8/29")


def conflict(wanted: Iterable[IpNetwork], existing: Iterable[Route]) -> str | None:
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


def connect(
    cluster: Netlink, host: Netlink, host_namespace: int, addressing: Addressing
) -> dict[str, str]:
    """Make the uplink; for each address family that has none, why.

    Raises UplinkRefused if that is every family, and then nothing is left of it.
    """
    try:
        return _connect(cluster, host, host_namespace, addressing)
    except FileExistsError as error:
        raise UplinkRefused("another instance added the same routes just now") from error
    except OSError as error:
        # Root of a user namespace, for one, has no rights over the host's network.
        raise UplinkRefused(f"the host's network can't be changed: {error.strerror}") from error


def _connect(
    cluster: Netlink, host: Netlink, host_namespace: int, addressing: Addressing
) -> dict[str, str]:
    name = host_end(addressing.block)
    _delete(host, name)  # the block is ours, so a device of its name is a killed instance's
    refused = {each.family: reason for each in addressing.families if (reason := _no(each, host))}
    wanted = [each for each in addressing.families if each.family not in refused]
    if not wanted:
        raise UplinkRefused(refused[addressing.family])
    cluster.add_veth(VethEnd(name=CLUSTER_END), VethEnd(name=name, namespace=host_namespace))
    try:
        inner, outer = cluster.index(CLUSTER_END), host.index(name)
        # Who has a node's or a balancer's address there, an announcer tells.
        set_sysctl(f"net/ipv4/conf/{CLUSTER_END}/arp_ignore", ONLY_ITS_OWN)
        set_sysctl(f"net/ipv4/conf/{CLUSTER_END}/arp_announce", BEST)
        cluster.up(inner)
        host.up(outer)
        for ranges in wanted:
            try:
                _configure(cluster, host, (inner, outer), ranges)
            except PermissionError:  # what a device says whose IPv6 is switched off
                if ranges.family == "IPv4":
                    raise
                refused[ranges.family] = "the host has IPv6 switched off"
        if len(refused) == len(addressing.families):
            raise UplinkRefused(refused[addressing.family])
    except (OSError, UplinkRefused):
        _delete(cluster, CLUSTER_END)
        raise
    return refused


def _no(ranges: Addressing, host: Netlink) -> str | None:
    """Why the host's routes forbid an uplink of one family; None if they don't."""
    version = ranges.services.version
    networks = [*all_ranges(replace(ranges, secondary=None)), link_network(ranges.block, version)]
    return conflict(networks, host.routes(version))


def disconnect(cluster: Netlink) -> None:
    """Remove the uplink, if there is one."""
    _delete(cluster, CLUSTER_END)


def _configure(
    cluster: Netlink, host: Netlink, devices: tuple[int, int], ranges: Addressing
) -> None:
    version, (inner, outer) = ranges.services.version, devices
    link = link_network(ranges.block, version)
    ours, theirs = str(link[2]), str(link[1])
    host.add_address(outer, theirs, link.prefixlen)
    cluster.add_address(inner, ours, link.prefixlen)
    cluster.add_route(EVERYTHING[version], inner, gateway=theirs)
    for network in all_ranges(replace(ranges, secondary=None)):
        host.add_route(network, outer, gateway=ours)


def _delete(links: Netlink, name: str) -> None:
    try:
        links.delete(name)
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
