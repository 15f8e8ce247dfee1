"""What stays the same while the daemon runs, for who started it and for `netemu status`."""

import os
import time
from typing import TYPE_CHECKING, Any

from netemu import __version__
from netemu.daemon.parts import Core, Start
from netemu.node.agent import NodeAgent
from netemu.proxy.server import Proxy

if TYPE_CHECKING:
    from netemu.daemon.announcements import Announcements


def facts_of(start: Start, core: Core) -> dict[str, Any]:
    """The facts of a cluster that has just become ready."""
    launched, addressing = start.launched, start.launched.addressing
    four = addressing.of("IPv4")
    mirrors = four is not None and four.mirrored
    return {
        "name": start.home.name,
        "version": __version__,
        "pid": os.getpid(),
        "net": str(launched.mode),
        "refused": {str(mode): reason for mode, reason in launched.refused.items()},
        "uplink": launched.uplink,
        "block": addressing.block,
        "ready": True,
        "zone": start.settings.dns.zone,
        "startSeconds": round(time.monotonic() - start.started, 3),
        "api": core.ports.api_url,
        "dns": core.ports.dns_address,
        "resolver": core.ports.resolver_address,
        "kubeconfig": str(start.home.kubeconfig),
        "home": str(start.home.folder),
        "addresses": {
            "services": ", ".join(str(each.services) for each in addressing.families),
            "pods": ", ".join(str(each.pods) for each in addressing.families),
            "nodes": ", ".join(str(each.nodes) for each in addressing.families),
            "loadBalancers": ", ".join(
                "-".join(map(str, each.load_balancers)) for each in addressing.families
            ),
            "api": addressing.api,
            "dns": addressing.dns,
            "mirror": f"127.{addressing.block}.0.0/16" if mirrors else "",
        },
        "notes": list(launched.notes),
    }


def follow_nodes(proxy: Proxy, agent: NodeAgent, announcements: "Announcements | None") -> None:
    """What changes when nodes come and go, or others of them are silent: node ports are served at
    those that run, addresses announced from those that are reached, too.
    """
    nodes = agent.power.nodes.values()
    silent = frozenset(
        address for node in nodes if not node.standing.running for address in node.own
    )
    proxy.place(len(nodes), silent)
    if announcements is not None:
        running = (node for node in nodes if node.standing.running)
        announcements.follow_nodes({n.name: n.own for n in running if n.standing.reaches.is_set()})
