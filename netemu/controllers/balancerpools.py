"""Pools of load balancer addresses and who gets which of them. Pure.

Pools are netemu's own range, or those that MetalLB is configured with: by its ConfigMap (up to
0.12) or by IPAddressPools (from 0.13). Once MetalLB has pools, new addresses come from these alone,
as in a cluster; addresses that are held stay while any pool has them.
Source: MetalLB's internal/allocator and internal/config.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Final

from netemu.model.addressing import IpAddress, family_of
from netemu.model.meta import Key, Object, annotations_of, key_of, labels_of, name_of
from netemu.model.selector import Selector, from_object, matches

CONFIG: Final[Key] = ("metallb-system", "config")
"""The ConfigMap MetalLB read up to 0.12."""
LAST_IPV4: Final = 2**32 - 1
"""Addresses are kept as numbers; those of IPv6 that anybody uses are far above."""
PREFIXES: Final = ("metallb.io", "metallb.universe.tf")
"""Of MetalLB's annotations, the newer one first."""


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
    priority: int = 0
    """Lower comes first; 0 is the last."""
    namespaces: frozenset[str] = frozenset()
    """If there are some, only Services in these get addresses from here."""
    selectors: tuple[Selector, ...] = ()
    """If there are some, only Services that one of these matches."""
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

    def serves(self, request: "Request") -> bool:
        """Whether the pool is for that Service."""
        if self.namespaces and request.key[0] not in self.namespaces:
            return False
        return not self.selectors or any(matches(each, request.labels) for each in self.selectors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a Service wants of the pools in one address family."""

    key: Key
    family: str = "IPv4"
    address: str = ""
    """The address it asks for; "" for any."""
    pool: str = ""
    """The pool it asks for; "" for any."""
    held: str = ""
    """The address it has."""
    ports: frozenset[tuple[str, int]] = frozenset()
    """(protocol, port)"""
    sharing: str = ""
    """Services that say the same may share an address if their ports differ."""
    labels: Mapping[str, str]


Holders = Mapping[str, Collection[Request]]
"""Who has each address."""


def held_by(service: Object) -> list[str]:
    """The addresses a Service has."""
    status = (service.get("status") or {}).get("loadBalancer") or {}
    return [item["ip"] for item in status.get("ingress") or () if "ip" in item]


def requests_from(service: Object) -> list[Request]:
    """Shrink a Service to what it wants: an address of each of its families."""
    return [_request(service, each) for each in service["spec"].get("ipFamilies") or ("IPv4",)]


def _request(service: Object, family: str) -> Request:
    spec = service["spec"]
    asked = spec.get("loadBalancerIP") or _annotated(service, "loadBalancerIPs")
    held = (address for address in held_by(service) if family_of(address) == family)
    return Request(
        key=key_of(service),
        family=family,
        address=_of_family(asked, family),
        pool=_annotated(service, "address-pool"),
        held=next(held, ""),
        ports=frozenset((p.get("protocol", "TCP"), p["port"]) for p in spec.get("ports") or ()),
        sharing=_annotated(service, "allow-shared-ip"),
        labels=labels_of(service),
    )


def _of_family(asked: str, family: str) -> str:
    """The address asked for; of several, separated by commas, the one of the family."""
    words = [word.strip() for word in asked.split(",")]
    if len(words) == 1 and "." not in asked and ":" not in asked:
        return asked  # no address, and told so
    return next((word for word in words if family_of(word) == family), "")


def _annotated(service: Object, name: str) -> str:
    annotations = annotations_of(service)
    return next((annotations[f"{p}/{name}"] for p in PREFIXES if f"{p}/{name}" in annotations), "")


class Unavailable(Exception):
    """There is no address for a Service; the text is MetalLB's."""


def pick(request: Request, pools: Sequence[Pool], own: Pool, holders: Holders) -> str:
    """The address for a Service: its own if that still will do. Raises Unavailable.

    `pools` are MetalLB's; without any it is netemu's `own` that addresses come from.
    """
    every = (*pools, own)
    if request.address:
        return _asked(request, every, holders)
    if request.held and _may_stay(request, every, holders):
        return request.held
    for pool in _eligible(request, pools or (own,)):
        for number in _numbers(pool, request.family):
            address = str(ip_address(number))
            if _problem(request, holders.get(address, ())) is None:
                return address
    raise Unavailable("no available IPs")


def _may_stay(request: Request, pools: Iterable[Pool], holders: Holders) -> bool:
    return (
        any(pool.has(request.held) and request.pool in ("", pool.name) for pool in pools)
        and _problem(request, holders.get(request.held, ())) is None
    )


def _asked(request: Request, pools: Iterable[Pool], holders: Holders) -> str:
    try:
        address = str(ip_address(request.address))
    except ValueError:
        raise Unavailable(f'invalid spec.loadBalancerIP "{request.address}"') from None
    if not any(pool.has(address) and pool.serves(request) for pool in pools):
        raise Unavailable(f'"{address}" is not allowed in config')
    problem = _problem(request, holders.get(address, ()))
    if problem is not None:
        raise Unavailable(problem)
    return address


def _eligible(request: Request, pools: Sequence[Pool]) -> list[Pool]:
    if request.pool:
        asked = [pool for pool in pools if pool.name == request.pool]
        if not asked:
            raise Unavailable(f'unknown pool "{request.pool}"')
        return asked
    fitting = [pool for pool in pools if pool.auto and pool.serves(request)]
    # A pool that names whom it is for comes before those for everybody.
    return sorted(fitting, key=lambda p: (p.priority == 0, p.priority, not p.selectors, p.name))


def _numbers(pool: Pool, family: str) -> Iterable[int]:
    six = family == "IPv6"
    for first, last in pool.ranges:
        if (first > LAST_IPV4) != six:
            continue
        for number in range(first, last + 1):
            if six or not pool.avoid_buggy or number & 255 not in (0, 255):
                yield number


def _problem(request: Request, holders: Collection[Request]) -> str | None:
    """Why the address can't be shared with those who have it."""
    for other in holders:
        if other.key == request.key:
            continue
        where = "/".join(other.key)
        if not request.sharing or request.sharing != other.sharing:
            me = "/".join(request.key)
            return f'can\'t change sharing key for "{me}", address also in use by {where}'
        if request.ports & other.ports:
            protocol, port = min(request.ports & other.ports)
            return f"port {protocol.lower()}/{port} is already in use by {where}"
    return None


# How pools are written


def own_pool(*ranges: tuple[IpAddress, IpAddress]) -> Pool:
    """The default range of each address family, netemu's own."""
    numbers = tuple((int(first), int(last)) for first, last in ranges)
    return Pool(name="netemu", ranges=numbers, layer2=True, always=True)


def pool_from(obj: Object) -> Pool:
    """Read an IPAddressPool. Raises BadPool."""
    spec = obj.get("spec") or {}
    allocation = spec.get("serviceAllocation") or {}
    return Pool(
        name=name_of(obj),
        ranges=_ranges(name_of(obj), spec.get("addresses") or ()),
        auto=spec.get("autoAssign", True) is not False,
        avoid_buggy=bool(spec.get("avoidBuggyIPs")),
        priority=allocation.get("priority") or 0,
        namespaces=frozenset(allocation.get("namespaces") or ()),
        selectors=_selectors(name_of(obj), allocation.get("serviceSelectors") or ()),
        labels=labels_of(obj),
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


def _selectors(pool: str, written: Iterable[Object]) -> tuple[Selector, ...]:
    try:
        return tuple(from_object(each) or () for each in written)
    except (KeyError, ValueError) as error:
        raise BadPool(f'invalid serviceSelectors in pool "{pool}": {error}') from error


def _ranges(pool: str, written: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Ranges as ``first-last`` or in CIDR."""
    return tuple(_range(pool, text) for text in written)


def _range(pool: str, text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    try:
        if dash:
            return int(ip_address(first.strip())), int(ip_address(last.strip()))
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise BadPool(f'invalid CIDR "{text}" in pool "{pool}"') from None
    return int(network.network_address), int(network.broadcast_address)
