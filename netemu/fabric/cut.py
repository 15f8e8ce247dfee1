"""Cutting a node off: the packets of the node and of its pods vanish on the way to and from others.

Rules of the cluster namespace lead them to a device behind which nobody listens, so nothing about
the pods themselves changes, and whoever calls waits in vain, as for a machine whose cable is out.
(A black hole would do for packets from pods, but tells processes of this namespace at once.) What
stays on the node passes. What the node's own kubelet sends bears a mark (a type of service that
nobody else uses) and passes, too.
"""

from contextlib import suppress
from ipaddress import IPv4Network

from netemu.fabric.cluster import FIRST_RULE, LOCAL_RULE
from netemu.fabric.rtnetlink import TABLE_LOCAL, Netlink, Rule, VethEnd

OWN_NODE = 0x10
"""The type of service of a kubelet's own connections (RFC 1349: minimize delay)."""

SILENT_TABLE = 101
"""The routing table in which everything leads to the silent device."""
SILENCE, SILENCE_END = "silence", "silence-end"
_EVERYWHERE = IPv4Network("0.0.0.0/0")


def rules(pods: IPv4Network, node: str) -> list[Rule]:
    """The rules for the node with that address and range of pods."""
    own = IPv4Network(node)
    return [
        Rule(priority=FIRST_RULE, source=pods, destination=pods),
        Rule(priority=FIRST_RULE, source=pods, destination=own, table=TABLE_LOCAL),
        Rule(priority=FIRST_RULE + 1, destination=pods, service=OWN_NODE),
        Rule(priority=FIRST_RULE + 2, destination=pods, table=SILENT_TABLE),
        Rule(priority=FIRST_RULE + 2, destination=own, table=SILENT_TABLE),
        Rule(priority=FIRST_RULE + 3, source=own, table=SILENT_TABLE),
        # After local addresses: each node has a proxy of its own, which its pods still reach.
        Rule(priority=LOCAL_RULE + 1, source=pods, table=SILENT_TABLE),
    ]


def cut(links: Netlink, pods: IPv4Network, node: str) -> None:
    """Cut a node off; again makes no difference. Raises OSError."""
    _have_silence(links, node)
    heal(links, pods, node)
    for rule in rules(pods, node):
        links.add_rule(rule)


def heal(links: Netlink, pods: IPv4Network, node: str) -> None:
    """Undo it; nothing happens where nothing was cut. Raises OSError."""
    for rule in rules(pods, node):
        with suppress(FileNotFoundError):
            links.delete_rule(rule)


def _have_silence(links: Netlink, source: str) -> None:
    """Make the device that takes packets and passes them on to nobody, unless there is one.

    `source` is where connections by it start, or the kernel would refuse them at once.
    """
    try:
        links.add_veth(VethEnd(name=SILENCE), VethEnd(name=SILENCE_END))
    except FileExistsError:
        return
    index = links.index(SILENCE)
    links.up(links.index(SILENCE_END), arp=False)
    # Without ARP the other end gets packets that are addressed to this one, and drops them.
    links.up(index, arp=False)
    links.add_route(_EVERYWHERE, index, source=source, table=SILENT_TABLE)
