"""Pods that take ports of their node (hostPort)."""

from collections.abc import Mapping

from netemu.model.addressing import family_of
from netemu.model.service import HostPort, NodePlace, PodAddress
from netemu.proxy.policy import Reach
from netemu.proxy.ports import RELAYED, Plan
from netemu.proxy.site import LOOPBACK, Backend, Listener, Network, Site


def host_port_plan(pod: PodAddress, site: Site, nodes: Mapping[str, NodePlace]) -> Plan:
    """The listeners of a pod that takes ports of its node; whether it is ready doesn't matter."""
    listeners: dict[Listener, Backend] = {}
    reached: dict[Backend, Reach] = {}
    for port in pod.host_ports:
        if port.protocol not in RELAYED:
            continue
        for address in _host_addresses(port, site, nodes.get(pod.node)):
            family = family_of(address)
            own = next((ip for ip in pod.ips if family_of(ip) == family), None)
            if own is None:
                continue
            name = f"{address}:{port.port}"
            backend = Backend((pod.namespace, f"pod/{pod.name}"), name, port.protocol, family)
            listeners[Listener(Network.CLUSTER, address, port.port, port.protocol)] = backend
            reached[backend] = Reach(((own, port.container_port),))
    return Plan(listeners, reached)


def _host_addresses(port: HostPort, site: Site, node: NodePlace | None) -> list[str]:
    if port.address:
        return [port.address] if port.address == LOOPBACK or site.binds(port.address) else []
    if node is None or not node.address or node.address in site.silent:
        return []
    # Where the cluster's loopback is the machine's, a pod doesn't take ports of that.
    return [node.address] if site.loopback else [*node.addresses, LOOPBACK]
