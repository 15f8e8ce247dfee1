"""Cutting a node off: its pods' packets vanish on the way to and from everybody else.

Three routing rules of the cluster namespace do it, so nothing about the pods themselves changes:
what stays on the node passes, the rest falls into a black hole. What the node's own kubelet sends
bears a mark (a type of service that nobody else uses) and passes, too.
"""

from contextlib import suppress

from netemu.fabric.rtnetlink import Netlink, Rule
from netemu.model.addressing import IpNetwork

OWN_NODE = 0x10
"""The type of service of a kubelet's own connections (RFC 1349: minimize delay)."""

FIRST = 100
"""The priority of the first rule: after the one for local addresses, before the main table's."""


def rules(pods: IpNetwork) -> list[Rule]:
    """The rules for a node with that range."""
    return [
        Rule(priority=FIRST, source=pods, destination=pods),
        Rule(priority=FIRST + 1, destination=pods, service=OWN_NODE),
        Rule(priority=FIRST + 2, destination=pods, drop=True),
        Rule(priority=FIRST + 3, source=pods, drop=True),
    ]


def cut(links: Netlink, pods: IpNetwork) -> None:
    """Cut a node off; again makes no difference. Raises OSError."""
    heal(links, pods)
    for rule in rules(pods):
        links.add_rule(rule)


def heal(links: Netlink, pods: IpNetwork) -> None:
    """Undo it; nothing happens where nothing was cut. Raises OSError."""
    for rule in rules(pods):
        with suppress(FileNotFoundError):
            links.delete_rule(rule)
