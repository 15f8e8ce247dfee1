"""Where a cluster's addresses are and how clients there end: what end-to-end tests share."""

import os

from netemu.testing import Instance

NAMESPACED = ["root", "rootless"] if os.geteuid() == 0 else ["rootless"]
"""Values of --net by which a cluster has networks of its own, as far as this user may."""
EVERY_NET = [*NAMESPACED, "loopback"]
REFUSED, TIMED_OUT, RESET = 7, 28, 56
"""curl's exit codes; the first is for whatever fails at once."""


def cluster_ip(cluster: Instance, service: str) -> str:
    """A Service's own address, the primary one."""
    return str(cluster.get("service", service)["spec"]["clusterIP"])


def balancer_ips(cluster: Instance, service: str) -> list[str]:
    """The addresses of a Service's balancer, as far as it has them."""
    status = cluster.get("service", service)["status"]
    return [str(each["ip"]) for each in status["loadBalancer"].get("ingress") or ()]


def balancer_ip(cluster: Instance, service: str) -> str:
    """The first of them; an error while there is none, for `Instance.wait_for`."""
    return balancer_ips(cluster, service)[0]


def node_addresses(cluster: Instance, node: str) -> list[str]:
    """A node's own addresses, one of each family."""
    addresses = cluster.get("node", node)["status"]["addresses"]
    return [str(each["address"]) for each in addresses if each["type"] == "InternalIP"]
