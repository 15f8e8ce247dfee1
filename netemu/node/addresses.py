"""Pod addresses: one allocator per node, over the node's ranges.

With dual stack a pod has the same number in both ranges: who has one has the other. An address is
given again as late as possible, so that whoever remembers a pod that is gone (a DNS cache, a
client) doesn't meet another in its place.
"""

from collections import OrderedDict
from collections.abc import Sequence

from netemu.model.addressing import IpNetwork

MOST = 2**12 - 3
"""Addresses of a range that are used at most: of IPv6 there are more than could be listed, and a
node has 110 pods."""


class NoAddress(Exception):
    """The range is used up."""


class PodAddresses:
    """The addresses of one node's pods, by uid."""

    def __init__(self, networks: Sequence[IpNetwork]) -> None:
        """The node's range of each address family, the primary one first."""
        self._networks = networks
        # The first address is the node's own end, the last one is broadcast, as in any CNI range.
        most = min(*(network.num_addresses - 3 for network in networks), MOST)
        primary = networks[0]
        self._free: OrderedDict[str, int] = OrderedDict(
            (str(primary[number]), number) for number in range(2, most + 2)
        )
        self._held: dict[str, tuple[str, int]] = {}

    def take(self, uid: str, wanted: str = "") -> tuple[str, ...]:
        """The pod's address of each family: the ones it holds, else those that go with `wanted`
        (of the primary family) if it is free, else those that were free for longest.

        Raises NoAddress.
        """
        if uid not in self._held:
            if not self._free:
                raise NoAddress(f"no IP addresses available in range set: {self._networks[0]}")
            address = wanted if wanted in self._free else next(iter(self._free))
            self._held[uid] = address, self._free.pop(address)
        address, number = self._held[uid]
        return address, *(str(network[number]) for network in self._networks[1:])

    def release(self, uid: str) -> None:
        """Give the pod's addresses back; nothing happens if it holds none."""
        held = self._held.pop(uid, None)
        if held is not None:
            self._free[held[0]] = held[1]
