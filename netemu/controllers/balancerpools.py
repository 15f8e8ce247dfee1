"""Pools of load balancer addresses, and how they are written. Pure.

Pools are netemu's own range, or those that MetalLB is configured with: by its ConfigMap (up to
0.12) or by IPAddressPools (from 0.13). Who gets which address says `balancerpick`.
Source: MetalLB's internal/config.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from socket import inet_ntoa
from typing import Any, Final

from netemu.model.addressing import IpAddress
from netemu.model.meta import Key, Object, labels_of, name_of
from netemu.model.selector import Selector, from_object, matches

CONFIG: Final[Key] = ("metallb-system", "config")
"""The ConfigMap MetalLB read up to 0.12."""
LAST_IPV4: Final = 2**32 - 1
"""Addresses are kept as numbers; those of IPv6 that anybody uses are far above."""


class BadPool(ValueError):
    """A pool that can't be read; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Ranges of addresses."""

    name: str
    ranges: tuple[tuple[int, int], ...]
    """First and last, as numbers."""
    auto: bool = True
    """False: only for those who ask for the pool or one of its addresses."""
    avoid_buggy: bool = False
    """Whether .0 and .255 are left out."""
    pinned: "Pinned | None" = None
    """Whom it is for; None: everybody."""
    labels: Mapping[str, str] = field(default_factory=dict)
    layer2: bool = False
    """Announced by all nodes, whether or not an L2Advertisement says so."""
    always: bool = False
    """Announced also while nobody serves, so that clients are refused rather than ignored."""

    def has(self, address: str) -> bool:
        """Whether an address is one of the pool's."""
        try:
            number = int(ip_address(address))
        except ValueError:
            return False
        return any(first <= number <= last for first, last in self.ranges)

    def gives(self, address: str) -> bool:
        """Whether somebody may have that address of the pool."""
        return self.has(address) and not (self.avoid_buggy and _is_buggy(int(ip_address(address))))

    def addresses(self, family: str) -> Iterator[str]:
        """What it may give, of an address family, in order."""
        six = family == "IPv6"
        for first, last in self.ranges:
            if (first > LAST_IPV4) != six:
                continue
            for number in range(first, last + 1):
                if six:
                    yield str(ip_address(number))
                elif not self.avoid_buggy or not _is_buggy(number):
                    yield inet_ntoa(number.to_bytes(4))  # pools are large, and this is much faster


def _is_buggy(number: int) -> bool:
    """Old routers take .0 and .255 for everybody's."""
    return number <= LAST_IPV4 and number & 255 in (0, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """For whom a pool is (``serviceAllocation``); those come here first."""

    priority: int = 0
    """Lower comes first; 0 is the last."""
    namespaces: frozenset[str] = frozenset()
    namespace_selectors: tuple[Selector, ...] = ()
    """If there are some of these two, only Services in a namespace that is among them."""
    selectors: tuple[Selector, ...] = ()
    """If there are some, only Services that one of these matches."""

    def means(
        self, namespace: str, namespace_labels: Mapping[str, str], labels: Mapping[str, str]
    ) -> bool:
        """Whether the pool is for a Service."""
        if (self.namespaces or self.namespace_selectors) and not (
            namespace in self.namespaces
            or any(matches(each, namespace_labels) for each in self.namespace_selectors)
        ):
            return False
        return not self.selectors or any(matches(each, labels) for each in self.selectors)


# How pools are written


def own_pool(*ranges: tuple[IpAddress, IpAddress]) -> Pool:
    """The default range of each address family, netemu's own."""
    numbers = tuple((int(first), int(last)) for first, last in ranges)
    return Pool(name="netemu", ranges=numbers, layer2=True, always=True)


def pool_from(obj: Object) -> Pool:
    """Read an IPAddressPool. Raises BadPool."""
    spec = obj.get("spec") or {}
    return Pool(
        name=name_of(obj),
        ranges=_ranges(name_of(obj), spec.get("addresses") or ()),
        auto=spec.get("autoAssign", True) is not False,
        avoid_buggy=bool(spec.get("avoidBuggyIPs")),
        pinned=_pinned(name_of(obj), spec.get("serviceAllocation")),
        labels=labels_of(obj),
    )


def _pinned(pool: str, allocation: Object | None) -> Pinned | None:
    if allocation is None:
        return None
    return Pinned(
        priority=allocation.get("priority") or 0,
        namespaces=frozenset(allocation.get("namespaces") or ()),
        namespace_selectors=_selectors(pool, allocation, "namespaceSelectors"),
        selectors=_selectors(pool, allocation, "serviceSelectors"),
    )


def pools_from_config(config: Object) -> list[Pool]:
    """Read MetalLB's ConfigMap. Raises BadPool."""
    import yaml  # late: few clusters have one

    try:
        written: Any = yaml.safe_load((config.get("data") or {}).get("config") or "")
        listed = (written or {}).get("address-pools") or ()
        return [
            Pool(
                name=item["name"],
                ranges=_ranges(item["name"], item.get("addresses") or ()),
                auto=item.get("auto-assign", True) is not False,
                avoid_buggy=bool(item.get("avoid-buggy-ips")),
                layer2=item.get("protocol", "layer2") == "layer2",
            )
            for item in listed
        ]
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise BadPool(f"could not parse config: {error}") from error


def _selectors(pool: str, allocation: Object, key: str) -> tuple[Selector, ...]:
    try:
        return tuple(from_object(each) or () for each in allocation.get(key) or ())
    except (KeyError, ValueError) as error:
        raise BadPool(f"parsing address pool {pool}: invalid {key}: {error}") from error


def _ranges(pool: str, written: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Ranges as ``first-last`` or in CIDR."""
    ranges: list[tuple[int, int]] = []
    for text in written:
        try:
            ranges.append(_span(text) if "-" in text else _network(text))
        except ValueError as error:
            words = f'invalid CIDR "{text}" in pool "{pool}": {error}'
            raise BadPool(f"parsing address pool {pool}: {words}") from error
    if not ranges:
        raise BadPool(f"parsing address pool {pool}: pool has no prefixes defined")
    return tuple(ranges)


def _network(text: str) -> tuple[int, int]:
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f'invalid CIDR "{text}"') from None
    return int(network.network_address), int(network.broadcast_address)


def _span(text: str) -> tuple[int, int]:
    found: list[IpAddress] = []
    for word, which in zip(text.split("-", 1), ("start", "end"), strict=True):
        try:
            found.append(ip_address(word.strip()))
        except ValueError:
            words = f'invalid IP range "{text}": invalid {which} IP "{word}"'
            raise ValueError(words) from None
    first, last = found
    if int(first) > int(last):
        words = f'start IP "{first}" is after the end IP "{last}"'
        raise ValueError(f'invalid IP range "{text}": {words}')
    return int(first), int(last)
