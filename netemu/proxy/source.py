"""Whose address an endpoint sees: the client's where Kubernetes keeps it, else the node's.

kube-proxy keeps a pod's address on its way to a clusterIP, and anybody's on the external path of a
Service with the Local policy; it masquerades what else there is, and what comes back to where it
started (rule 37).
"""

from collections.abc import Callable
from functools import partial
from socket import AF_INET6, inet_aton, inet_pton

from netemu.model.addressing import IpNetwork
from netemu.model.service import TrafficPolicy
from netemu.proxy.entrance import Candidates
from netemu.proxy.policy import Door
from netemu.proxy.route import Path


class Sources:
    """Tells which clients' connections, of one address family, are made in their own name."""

    def __init__(self, pods: IpNetwork, own: tuple[IpNetwork, ...]) -> None:
        """`own`: the ranges whose addresses are the cluster network's; a client there is a process
        of that network, and what it connects from may be the very address it connects to.
        """
        self._pods = _bounds(pods)
        self._own = [_bounds(network) for network in own]
        # Packed addresses compare as numbers do, and cost less.
        self._packed: Callable[[str], bytes] = (
            inet_aton if pods.version == 4 else partial(inet_pton, AF_INET6)
        )

    def kept(self, way: Candidates, client: str) -> bool:
        """Whether endpoints are to see the client's own address."""
        if not isinstance(way, Path):
            return False
        return self.kept_at(way.door, client)

    def kept_at(self, door: Door, client: str) -> bool:
        """The same, for a client that comes by a door."""
        address = self._packed(client)
        if not door.external:
            return self._pods[0] <= address <= self._pods[1]
        if door.policy is TrafficPolicy.CLUSTER:
            return False
        return not self._is_own(address)

    def near(self, endpoint: str) -> bool:
        """Whether an endpoint is in the cluster's own network, as the API and hostNetwork are."""
        return self._is_own(self._packed(endpoint))

    def _is_own(self, address: bytes) -> bool:
        return any(first <= address <= last for first, last in self._own)


def _bounds(network: IpNetwork) -> tuple[bytes, bytes]:
    return network.network_address.packed, network.broadcast_address.packed
