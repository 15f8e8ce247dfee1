"""What stays the same while the daemon runs, for who started it and for `netemu status`."""

import os
import time
from typing import Any

from netemu.daemon.parts import Core, Start
from netemu.node.agent import NodeAgent
from netemu.proxy.server import Proxy


def facts_of(start: Start, core: Core) -> dict[str, Any]:
    """The facts of a cluster that has just become ready."""
    launched, addressing = start.launched, start.launched.addressing
    return {
        "name": start.home.name,
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
        "kubeconfig": str(start.home.kubeconfig),
        "home": str(start.home.folder),
        "addresses": {
            "services": str(addressing.services),
            "pods": str(addressing.pods),
            "nodes": str(addressing.nodes),
            "loadBalancers": "-".join(map(str, addressing.load_balancers)),
            "api": addressing.api,
            "dns": addressing.dns,
            "mirror": f"127.{addressing.block}.0.0/16" if addressing.mirrored else "",
        },
        "notes": list(launched.notes),
    }


def place_nodes(proxy: Proxy, agent: NodeAgent) -> None:
    """Have node ports served at every node that runs."""
    nodes = agent.power.nodes.values()
    silent = frozenset(node.address for node in nodes if not node.standing.running)
    proxy.place(len(nodes), silent)
