"""Cutting a node off: the packets of the node and of its pods vanish on the way to and from others.

Rules of the cluster namespace lead them to a device behind which nobody listens, so nothing about
the pods themselves changes, and whoever calls waits in vain, as for a machine whose cable is out.
(A black hole would do for packets from pods, but tells processes of this namespace at once.) What
stays on the node passes. What the node's own kubelet sends bears a mark (a type of service that
nobody else uses) and passes, too.
"""

from contextlib import suppress
from ipaddress import ip_network

from netemu.fabric.cluster import EVERYTHING, FIRST_RULE, LOCAL_RULE, LOOPBACK
from netemu.fabric.rtnetlink import TABLE_LOCAL, Netlink, Rule, VethEnd
from netemu.model.addressing import IpNetwork

OWN_NODE = 0x10
"""The type of service of a kubelet's own connections (RFC 1349: minimize delay)."""

SILENT_TABLE = 101
"""The routing table in which everything leads to the silent device."""
SILENCE, SILENCE_END = "silence", "silence-end"


def rules(pods: IpNetwork, node: str) -> list[Rule]:
    """The rules for the node with that address and range of pods, of one IP version."""
    own, silent, version = ip_network(node), SILENT_TABLE, pods.version
    first, second, third, fourth = range(FIRST_RULE, FIRST_RULE + 4)
    return [
        Rule(priority=first, source=pods, destination=pods, version=version),
        Rule(priority=first, source=pods, destination=own, table=TABLE_LOCAL, version=version),
        Rule(priority=second, destination=pods, service=OWN_NODE, version=version),
        Rule(priority=third, destination=pods, table=silent, version=version),
        Rule(priority=third, destination=own, table=silent, version=version),
        Rule(priority=fourth, source=own, table=silent, version=version),
        # After local addresses: each node has a proxy of its own, which its pods still reach.
        Rule(priority=LOCAL_RULE + 1, source=pods, table=silent, version=version),
    ]


def cut(links: Netlink, pods: IpNetwork, node: str) -> None:
    """Cut a node off; again makes no difference. Raises OSError."""
    _have_silence(links, pods.version, node)
    heal(links, pods, node)
    for rule in rules(pods, node):
        links.add_rule(rule)


def heal(links: Netlink, pods: IpNetwork, node: str) -> None:
    """Undo it; nothing happens where nothing was cut. Raises OSError."""
    for rule in rules(pods, node):
        with suppress(FileNotFoundError):
            links.delete_rule(rule)


def _have_silence(links: Netlink, version: int, source: str) -> None:
    """Make the device that takes packets and passes them on to nobody, unless there is one.

    `source` is where connections by it start, or the kernel would refuse them at once.
    """
    with suppress(FileExistsError):
        links.add_veth(VethEnd(name=SILENCE), VethEnd(name=SILENCE_END))
    index = links.index(SILENCE)
    # Without ARP the other end gets packets that are addressed to this one, and drops them.
    for each in (links.index(SILENCE_END), index):
        links.up(each, arp=False)
    with suppress(FileExistsError):
        if version == 6:  # where a source must be some device's
            links.add_address(LOOPBACK, source, 128)
    with suppress(FileExistsError):
        links.add_route(EVERYTHING[version], index, source=source, table=SILENT_TABLE)
