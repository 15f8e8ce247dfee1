"""Sets up the cluster namespace: its own addresses are whole ranges, and it routes between pods.

A `local` route for a range lets any address of it be bound at once, with no address configured
anywhere; packets for it end here.
"""

import errno
from ipaddress import IPv4Network, summarize_address_range
from pathlib import Path

from netemu.fabric.namespaces import Mount, mount
from netemu.fabric.rtnetlink import TABLE_LOCAL, Netlink, Rule
from netemu.model.addressing import Addressing
from netemu.model.nft import TRANSPARENT_MARK

LOOPBACK = 1
"""The index of `lo`: the first device of every network namespace."""

OURS = IPv4Network("0.0.0.0/0")
"""What a packet that transparent sockets wait for may be addressed to."""

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
    for network in own_ranges(addressing):
        links.add_local_route(network, LOOPBACK)
    links.add_local_route(OURS, LOOPBACK, OUR_TABLE)
    links.add_mark_rule(TRANSPARENT_MARK, OUR_TABLE)
    links.add_rule(Rule(priority=LOCAL_RULE, table=TABLE_LOCAL))
    links.delete_rule(Rule(priority=0, table=TABLE_LOCAL))
    set_sysctl("net/ipv4/ip_local_port_range", "{} {}".format(*CONNECTING_PORTS))
    set_sysctl("net/ipv4/ip_forward", "1")
    # Everybody who is refused is told at once, however many ask: nobody outside can.
    set_sysctl("net/ipv4/icmp_ratelimit", "0")
    # Replies may leave by another way than the request came in: nothing is filtered by its source.
    set_sysctl("net/ipv4/conf/all/rp_filter", "0")
    set_sysctl("net/ipv4/conf/default/rp_filter", "0")
    allow_ping()


def own_ranges(addressing: Addressing) -> list[IPv4Network]:
    """The ranges whose every address belongs to the cluster namespace itself."""
    pool = summarize_address_range(*addressing.load_balancers)
    extra = [network for network in pool if not network.subnet_of(addressing.nodes)]
    return [addressing.services, addressing.nodes, *extra]


def all_ranges(addressing: Addressing) -> list[IPv4Network]:
    """Every range that is reached through the cluster namespace."""
    return [*own_ranges(addressing), addressing.pods]


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
