"""Who gets which load balancer address. Pure.

Once MetalLB has pools, new addresses come from these alone, as in a cluster; addresses that are
held stay while any pool has them. The words of refusals are MetalLB's.
Source: MetalLB's internal/allocator and controller/service.go.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from itertools import chain
from typing import Final

from netemu.controllers.balancerpools import Pool
from netemu.model.addressing import family_of
from netemu.model.meta import Key, Object, annotations_of, key_of, labels_of

PREFIXES: Final = ("metallb.io", "metallb.universe.tf")
"""Of MetalLB's annotations, the newer one first."""
FROM_POOL: Final = "metallb.io/ip-allocated-from-pool"
"""Says on a Service which of MetalLB's pools its addresses are of."""


class Unavailable(Exception):
    """There is no address for a Service; the text is MetalLB's."""

    def __init__(self, reason: str, lost: str = "") -> None:
        """`lost` is as in `Picked`."""
        super().__init__(reason)
        self.lost = lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a Service wants of the pools."""

    key: Key
    families: tuple[str, ...] = ("IPv4",)
    """Its address families, the primary one first."""
    prefers: bool = False
    """Of two families, whether one will do."""
    asked: tuple[str, ...] = ()
    """The addresses it asks for; none for any."""
    mistake: str = ""
    """Why nobody can know what it asks for; "" if that is clear."""
    pool: str = ""
    """The pool it asks for; "" for any."""
    held: tuple[str, ...] = ()
    """The addresses it has."""
    ports: tuple[tuple[str, int], ...] = ()
    """(protocol, port)"""
    sharing: str = ""
    """Services that say the same may share an address if their ports differ ..."""
    backend: str = ""
    """... and this doesn't: with the Local policy all traffic goes to the same pods."""
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The addresses for a Service."""

    addresses: tuple[str, ...]
    pool: str
    lost: str = ""
    """Why it can't keep those that it had; "" if it had none, or asks for others."""


Holders = Mapping[str, Collection[Request]]
"""Who has each address."""


def held_by(service: Object) -> tuple[str, ...]:
    """The addresses a Service has."""
    status = (service.get("status") or {}).get("loadBalancer") or {}
    return tuple(item["ip"] for item in status.get("ingress") or () if "ip" in item)


def request_from(service: Object, namespace_labels: Mapping[str, str]) -> Request:
    """Shrink a Service to what it wants."""
    spec = service["spec"]
    asked, mistake = _asked_by(service)
    local = spec.get("externalTrafficPolicy") == "Local"
    selector = sorted((spec.get("selector") or {}).items()) if local else ()
    return Request(
        key=key_of(service),
        families=tuple(spec.get("ipFamilies") or ("IPv4",)),
        prefers=spec.get("ipFamilyPolicy") == "PreferDualStack",
        asked=asked,
        mistake=mistake,
        pool=_annotated(service, "address-pool"),
        held=held_by(service),
        ports=tuple((p.get("protocol", "TCP"), p["port"]) for p in spec.get("ports") or ()),
        sharing=_annotated(service, "allow-shared-ip"),
        backend=",".join(f"{key}={value}" for key, value in selector),
        labels=labels_of(service),
        namespace_labels=namespace_labels,
    )


def _asked_by(service: Object) -> tuple[tuple[str, ...], str]:
    """The addresses a Service asks for, and what is wrong with them."""
    one, several = service["spec"].get("loadBalancerIP"), _annotated(service, "loadBalancerIPs")
    name = f"{PREFIXES[0]}/loadBalancerIPs"
    if one and several:
        return (), f"service can not have both {name} and svc.Spec.LoadBalancerIP"
    words = [word.strip() for word in (one or several).split(",")] if one or several else []
    try:
        asked = tuple(str(ip_address(word)) for word in words)
    except ValueError:
        told = f'spec.loadBalancerIP "{one}"' if one else f'{name}: "{several}"'
        return (), f"invalid {told}"
    if len(asked) > 2:
        return (), f"IPFamilyForAddresses: invalid ips length {len(asked)} {_listed(asked)}"
    if len({family_of(each) for each in asked}) < len(asked):
        return (), f"IPFamilyForAddresses: same address family {_listed(asked)}"
    return asked, ""


def _annotated(service: Object, name: str) -> str:
    annotations = annotations_of(service)
    return next((annotations[f"{p}/{name}"] for p in PREFIXES if f"{p}/{name}" in annotations), "")


def _listed(addresses: Iterable[str]) -> str:
    return "[" + " ".join(f'"{address}"' for address in addresses) + "]"


def pick(request: Request, pools: Sequence[Pool], own: Pool, holders: Holders) -> Picked:
    """The addresses for a Service: its own if they still will do. Raises Unavailable.

    `pools` are MetalLB's; without any it is netemu's `own` that addresses come from.
    """
    every = (*pools, own)
    if request.mistake:
        raise Unavailable(request.mistake)
    if request.asked:
        return _as_asked(request, every, holders, strict=bool(pools))
    lost = ""
    if request.held:
        try:
            kept = _assigned(request, request.held, every, holders)
        except Unavailable as reason:
            lost = str(reason)
        else:
            if request.pool in ("", kept.name):
                addresses = _completed(request, request.held, kept, holders)
                if addresses:
                    return Picked(addresses=addresses, pool=kept.name)
    try:
        addresses, pool = _drawn(request, pools or (own,), holders)
    except Unavailable as reason:
        raise Unavailable(str(reason), lost) from None
    return Picked(addresses=addresses, pool=pool.name, lost=lost)


def _as_asked(request: Request, pools: Sequence[Pool], holders: Holders, *, strict: bool) -> Picked:
    """What it asks for. MetalLB wants an address of each family then; netemu adds what lacks."""
    asked, told = request.asked, f"requested loadBalancer IP(s) {_listed(request.asked)}"
    families = {family_of(address) for address in asked}
    if families != set(request.families) if strict else families - set(request.families):
        raise Unavailable(f"{told} does not match the ipFamily of the service")
    pool = _assigned(request, asked, pools, holders)
    if request.pool not in ("", pool.name):
        raise Unavailable(f"{told} is not compatible with requested address pool {request.pool}")
    addresses = asked if strict else _completed(request, asked, pool, holders)
    if not addresses:
        raise Unavailable("no available IPs")
    return Picked(addresses=addresses, pool=pool.name)


def _assigned(
    request: Request, addresses: Sequence[str], pools: Iterable[Pool], holders: Holders
) -> Pool:
    """The pool of these addresses, if they may be had. Raises Unavailable."""
    pool = next((p for p in pools if all(p.gives(address) for address in addresses)), None)
    if pool is None:
        raise Unavailable(f"{_listed(addresses)} is not allowed in config")
    if not _means(pool, request):
        raise Unavailable(f"pool {pool.name} not compatible for ip assignment")
    for address in addresses:
        problem = _problem(request, address, holders)
        if problem is not None:
            raise Unavailable(problem)
    return pool


def _completed(
    request: Request, given: Sequence[str], pool: Pool, holders: Holders
) -> tuple[str, ...]:
    """One address of each family, those that lack from the same pool; none if some can't be had."""
    found: list[str] = []
    for family in request.families:
        own = next((address for address in given if family_of(address) == family), None)
        address = own or _free(request, pool, family, holders)
        if address is not None:
            found.append(address)
        elif not request.prefers:
            return ()
    return tuple(found)


def _drawn(
    request: Request, pools: Sequence[Pool], holders: Holders
) -> tuple[tuple[str, ...], Pool]:
    if request.pool:
        pool = next((pool for pool in pools if pool.name == request.pool), None)
        if pool is None:
            raise Unavailable(f'unknown pool "{request.pool}"')
        addresses = _completed(request, (), pool, holders)
        if not addresses:
            raise Unavailable(f"no available IPs in pool {pool.name}")
        return addresses, _assigned(request, addresses, (pool,), holders)
    for some in _tried(request, pools):
        found = [(_completed(request, (), pool, holders), pool) for pool in some]
        found = [each for each in found if each[0]]
        if found:  # with both families, if there is one; else with the primary one
            return max(found, key=lambda each: (len(each[0]), _primary(request, each[0])))
    raise Unavailable("no available IPs")


def _primary(request: Request, addresses: Sequence[str]) -> bool:
    return family_of(addresses[0]) == request.families[0]


def _tried(request: Request, pools: Iterable[Pool]) -> tuple[list[Pool], list[Pool]]:
    """Pools that name whom they are for come first, then those for everybody."""
    auto = sorted((pool for pool in pools if pool.auto), key=lambda pool: pool.name)
    pinned = [(p.pinned.priority, p) for p in auto if p.pinned is not None and _means(p, request)]
    pinned.sort(key=lambda each: (each[0] == 0, each[0]))
    return [pool for _, pool in pinned], [pool for pool in auto if pool.pinned is None]


def _means(pool: Pool, request: Request) -> bool:
    return pool.pinned is None or pool.pinned.means(
        request.key[0], request.namespace_labels, request.labels
    )


def _free(request: Request, pool: Pool, family: str, holders: Holders) -> str | None:
    """The first address that can be had, or rather the one that it has."""
    own = (a for a in request.held if family_of(a) == family and pool.gives(a))
    shared = bool(request.sharing)  # else what anybody has needs no closer look
    others = (a for a in pool.addresses(family) if shared or a not in holders)
    candidates = chain(own, others)
    return next((a for a in candidates if _problem(request, a, holders) is None), None)


def _problem(request: Request, address: str, holders: Holders) -> str | None:
    """Why an address can't be shared with those who have it."""
    others = [other for other in holders.get(address, ()) if other.key != request.key]
    if any(not _share(request, other) for other in others):
        users = ",".join("/".join(other.key) for other in others)
        me = "/".join(request.key)
        return f'can\'t change sharing key for "{me}", address also in use by {users}'
    taken = {port for other in others for port in other.ports}
    for protocol, port in request.ports:
        if (protocol, port) in taken:
            return f'port {protocol}/{port} is already in use on "{address}"'
    return None


def _share(one: Request, other: Request) -> bool:
    return bool(one.sharing) and (one.sharing, one.backend) == (other.sharing, other.backend)
