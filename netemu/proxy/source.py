"""Whose address an endpoint sees: the client's where Kubernetes keeps it, else the node's.

kube-proxy keeps a pod's address on its way to a clusterIP, and anybody's on the external path of a
Service with the Local policy; it masquerades what else there is, and what comes back to where it
started (rule 37).
"""

from ipaddress import IPv4Network
from socket import inet_aton

from netemu.model.service import TrafficPolicy
from netemu.proxy.entrance import Candidates
from netemu.proxy.policy import Door
from netemu.proxy.route import Path


class Sources:
    """Tells which clients' connections are made in their own name."""

    def __init__(self, pods: IPv4Network, own: tuple[IPv4Network, ...]) -> None:
        """`own`: the ranges whose addresses are the cluster network's; a client there is a process
        of that network, and what it connects from may be the very address it connects to.
        """
        self._pods = _bounds(pods)
        self._own = [_bounds(network) for network in own]

    def kept(self, way: Candidates, client: str) -> bool:
        """Whether endpoints are to see the client's own address."""
        if not isinstance(way, Path):
            return False
        return self.kept_at(way.door, client)

    def kept_at(self, door: Door, client: str) -> bool:
        """The same, for a client that comes by a door."""
        address = inet_aton(client)  # compares as numbers do, and costs less
        if not door.external:
            return self._pods[0] <= address <= self._pods[1]
        if door.policy is TrafficPolicy.CLUSTER:
            return False
        return not self._is_own(address)

    def near(self, endpoint: str) -> bool:
        """Whether an endpoint is in the cluster's own network, as the API and hostNetwork are."""
        return self._is_own(inet_aton(endpoint))

    def _is_own(self, address: bytes) -> bool:
        return any(first <= address <= last for first, last in self._own)


def _bounds(network: IPv4Network) -> tuple[bytes, bytes]:
    return network.network_address.packed, network.broadcast_address.packed
