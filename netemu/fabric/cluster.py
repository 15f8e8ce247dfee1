"""Sets up the cluster namespace: its own addresses are whole ranges, and it routes between pods.

A `local` route for a range lets any address of it be bound at once, with no address configured
anywhere; packets for it end here.
"""

import errno
from ipaddress import ip_network, summarize_address_range
from pathlib import Path
from typing import Final, cast

from netemu.fabric.namespaces import Mount, mount
from netemu.fabric.rtnetlink import TABLE_LOCAL, Netlink, Rule
from netemu.model.addressing import Addressing, IpNetwork
from netemu.model.nft import TRANSPARENT_MARK

LOOPBACK = 1
"""The index of `lo`: the first device of every network namespace."""

EVERYTHING: Final = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
"""By IP version: all there are, and so what packets may bear that transparent sockets wait for."""

OUR_TABLE = 100
"""The routing table by which such packets end here; any number that Linux doesn't use itself."""

FIRST_RULE, LOCAL_RULE = 10, 20
"""Priorities of routing rules: those that come before local addresses, and that for these. The
kernel has put the latter first, where nothing else could be."""

CONNECTING_PORTS = (10240, 29999)
"""Ports to connect from. Connections made in a pod's name must not meet those it makes itself,
which start at 32768; nor node ports."""


def set_up(links: Netlink, addressing: Addressing) -> None:
    """Make the network namespace of this thread and of `links` the cluster's. Raises OSError."""
    links.up(LOOPBACK)
    if addressing.of("IPv6") is not None:
        _set_up_ipv6()
    for network in own_ranges(addressing):
        links.add_local_route(network, LOOPBACK)
    for ranges in addressing.families:
        version = ranges.services.version
        links.add_local_route(EVERYTHING[version], LOOPBACK, OUR_TABLE)
        links.add_mark_rule(TRANSPARENT_MARK, OUR_TABLE, version)
        links.add_rule(Rule(priority=LOCAL_RULE, table=TABLE_LOCAL, version=version))
        links.delete_rule(Rule(priority=0, table=TABLE_LOCAL, version=version))
    set_sysctl("net/ipv4/ip_local_port_range", "{} {}".format(*CONNECTING_PORTS))
    set_sysctl("net/ipv4/ip_forward", "1")
    # Everybody who is refused is told at once, however many ask: nobody outside can.
    set_sysctl("net/ipv4/icmp_ratelimit", "0")
    # Replies may leave by another way than the request came in: nothing is filtered by its source.
    set_sysctl("net/ipv4/conf/all/rp_filter", "0")
    set_sysctl("net/ipv4/conf/default/rp_filter", "0")
    allow_ping()


def _set_up_ipv6() -> None:
    allow_ipv6()
    # A `local` route alone lets IPv6 addresses be reached, but not be bound as IPv4's are.
    set_sysctl("net/ipv6/ip_nonlocal_bind", "1")
    set_sysctl("net/ipv6/conf/all/forwarding", "1")
    set_sysctl("net/ipv6/icmp/ratelimit", "0")


def allow_ipv6() -> None:
    """Let the devices of this network have IPv6, whatever the machine's habit, and use it at once:
    on a link between two that know each other nobody else could have an address.
    """
    for device in ("all", "default"):
        set_sysctl(f"net/ipv6/conf/{device}/disable_ipv6", "0")
        set_sysctl(f"net/ipv6/conf/{device}/accept_dad", "0")


def own_ranges(addressing: Addressing) -> list[IpNetwork]:
    """The ranges whose every address belongs to the cluster namespace itself."""
    return [network for ranges in addressing.families for network in _own_ranges(ranges)]


def _own_ranges(ranges: Addressing) -> list[IpNetwork]:
    pool = cast("list[IpNetwork]", [*summarize_address_range(*ranges.load_balancers)])
    nodes = ranges.nodes
    extra = [network for network in pool if not network.subnet_of(nodes)]  # type: ignore[arg-type]  # of one family
    return [ranges.services, nodes, *extra]


def all_ranges(addressing: Addressing) -> list[IpNetwork]:
    """Every range that is reached through the cluster namespace."""
    return [*own_ranges(addressing), *(ranges.pods for ranges in addressing.families)]


def allow_ping() -> None:
    """Let every group open ping sockets, as container runtimes do."""
    try:
        set_sysctl("net/ipv4/ping_group_range", "0 2147483647")
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # In a user namespace only groups that are mapped can be named: there is one.
        set_sysctl("net/ipv4/ping_group_range", "0 0")


def set_sysctl(name: str, value: str) -> None:
    """Set a kernel parameter of this thread's network namespace. Raises OSError."""
    path = Path("/proc/sys", name)
    try:
        path.write_text(value)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        # Containers get /proc/sys read-only; a /proc of our own, in our own mounts, is not.
        mount("proc", "/proc", "proc", Mount.NOSUID | Mount.NODEV | Mount.NOEXEC)
        path.write_text(value)
