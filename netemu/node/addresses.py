"""Pod addresses: one allocator per node, over the node's range.

An address is given again as late as possible, so that whoever remembers a pod that is gone (a DNS
cache, a client) doesn't meet another in its place.
"""

from collections import OrderedDict
from ipaddress import IPv4Address, IPv4Network


class NoAddress(Exception):
    """The range is used up."""


class PodAddresses:
    """The addresses of one node's pods, by uid."""

    def __init__(self, network: IPv4Network) -> None:
        self._network = network
        # The first address is the node's own end, the last one is broadcast, as in any CNI range.
        first, last = int(network.network_address) + 2, int(network.broadcast_address) - 1
        self._free: OrderedDict[str, None] = OrderedDict(
            (str(IPv4Address(number)), None) for number in range(first, last + 1)
        )
        self._held: dict[str, str] = {}

    def take(self, uid: str, wanted: str = "") -> str:
        """The pod's address: the one it holds, else `wanted` if it is free, else the one that was
        free for longest. Raises NoAddress.
        """
        held = self._held.get(uid)
        if held is not None:
            return held
        if not self._free:
            raise NoAddress(f"no IP addresses available in range set: {self._network}")
        address = wanted if wanted in self._free else next(iter(self._free))
        del self._free[address]
        self._held[uid] = address
        return address

    def release(self, uid: str) -> None:
        """Give the pod's address back; nothing happens if it holds none."""
        address = self._held.pop(uid, None)
        if address is not None:
            self._free[address] = None
