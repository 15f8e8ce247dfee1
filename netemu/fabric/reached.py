"""Addresses outside the instance's ranges that end in the cluster: external and balancer addresses.

Each is made local to the cluster namespace, so that pods' traffic to it is taken over; and routed
from the host by the uplink, if there is one. As always, a route that the host has is not overruled:
an address that some network of the host's holds is reached from inside the cluster only.
"""

import errno
from collections.abc import Callable, Collection
from contextlib import suppress

from netemu.fabric.cluster import LOOPBACK
from netemu.fabric.rtnetlink import Netlink
from netemu.fabric.uplink import conflict, host_end, link_network
from netemu.model.addressing import IpNetwork


class Reached:
    """The addresses at present."""

    def __init__(
        self,
        cluster: Netlink,
        host: Netlink | None,
        block: int,
        families: Collection[str] = ("IPv4",),
    ) -> None:
        """`host` is None without an uplink, which is one for those families."""
        self._families = families
        self._cluster = cluster
        self._host = host
        self._block = block

    def add(self, network: IpNetwork) -> str:
        """Make addresses local; why the host doesn't reach them, "" if it does. Raises OSError."""
        with suppress(FileExistsError):
            self._cluster.add_local_route(network, LOOPBACK)
        if self._host is None:
            return "there is no uplink"
        version = network.version
        if f"IPv{version}" not in self._families:
            return f"there is no uplink for IPv{version}"
        refusal = conflict([network], self._host.routes(version))
        if refusal:
            return refusal
        gateway = str(link_network(self._block, version)[2])
        index = self._host.index(host_end(self._block))
        self._host.add_route(network, index, gateway=gateway)
        return ""

    def drop(self, network: IpNetwork) -> None:
        """Undo it; nothing happens if they aren't local. Raises OSError."""
        _delete(lambda: self._cluster.delete_local_route(network))
        host = self._host
        if host is not None:
            device = host_end(self._block)
            routes = host.routes(network.version)
            if any(r.destination == network and r.device == device for r in routes):
                _delete(lambda: host.delete_route(network))

    def close(self) -> None:
        """Give the host's side back; what was made goes with the namespace and the uplink."""
        if self._host is not None:
            self._host.close()


def _delete(call: Callable[[], None]) -> None:
    try:
        call()
    except OSError as error:
        if error.errno != errno.ESRCH:
            raise
