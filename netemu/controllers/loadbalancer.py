"""The load balancer controller: gives Services of type LoadBalancer an address, and takes it back.

What a cloud's service controller and MetalLB's do between them: the finalizer goes on before
anything is given and off when it has been taken back (KEP-980), the address is told in the status,
and events say what happened. Services with a loadBalancerClass are left to somebody else.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from netemu.controllers.actions import Action, Tell, Update, WriteStatus, execute
from netemu.controllers.balancerpick import (
    FROM_POOL,
    Picked,
    Request,
    Unavailable,
    held_by,
    pick,
    request_from,
)
from netemu.controllers.balancerpools import (
    CONFIG,
    BadPool,
    Pool,
    own_pool,
    pool_from,
    pools_from_config,
)
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.meta import (
    Key,
    Object,
    annotations_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
)

FINALIZER: Final = "service.kubernetes.io/load-balancer-cleanup"
CLASS: Final = "netemu.dev/load-balancer"
"""The loadBalancerClass that means us, as having none does."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a plan is made from."""

    service: Object
    pools: tuple[Pool, ...]
    """MetalLB's."""
    own: Pool
    holders: dict[str, tuple[Request, ...]] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)


def wants_balancer(service: Object) -> bool:
    """Whether the Service is to have an address of ours."""
    spec = service["spec"]
    ours = spec.get("loadBalancerClass") in (None, "", CLASS)
    return spec.get("type") == "LoadBalancer" and ours and not is_deleting(service)


def plan(seen: Observed) -> list[Action]:
    """The finalizer, the status and what to tell."""
    if wants_balancer(seen.service):
        return _provide(seen)
    return _release(seen.service)


def _provide(seen: Observed) -> list[Action]:
    service = seen.service
    about = resources.SERVICES
    actions: list[Action] = []
    if FINALIZER not in _finalizers(service):
        service = _with_finalizers(service, [*_finalizers(service), FINALIZER])
        actions = [
            Tell(service, "Normal", "EnsuringLoadBalancer", "Ensuring load balancer"),
            Update(about, service),
        ]
    request = request_from(service, seen.namespace_labels)
    name = "/".join(request.key)
    try:
        picked = pick(request, seen.pools, seen.own, seen.holders)
    except Unavailable as reason:
        actions += _lost(service, name, reason.lost)
        if request.held or FROM_POOL in annotations_of(service):
            actions.append(WriteStatus(about, service, _status(service, ()), {FROM_POOL: None}))
        words = f'Failed to allocate IP for "{name}": {reason}'
        return [*actions, Tell(service, "Warning", "AllocationFailed", words)]
    return [*actions, *_lost(service, name, picked.lost), *_given(seen, service, picked)]


def _lost(service: Object, name: str, why: str) -> list[Action]:
    words = f'current IP for "{name}" not allowed by config, will attempt for new IP assignment'
    return [Tell(service, "Normal", "ClearAssignment", f"{words}: {why}")] if why else []


def _given(seen: Observed, service: Object, picked: Picked) -> list[Action]:
    """Tell of the addresses, unless they are told already."""
    held, addresses = held_by(service), picked.addresses
    source = None if picked.pool == seen.own.name else picked.pool
    told = annotations_of(service).get(FROM_POOL)
    if (held, told) == (addresses, source):
        return []
    ingress = tuple({"ip": address, "ipMode": "VIP"} for address in addresses)
    write = WriteStatus(resources.SERVICES, service, _status(service, ingress), {FROM_POOL: source})
    if held == addresses:
        return [write]
    actions: list[Action] = []
    if held:
        words = f"{', '.join(held)} -> {', '.join(addresses)}"
        actions.append(Tell(service, "Normal", "LoadbalancerIP", words))
    listed = " ".join(f'"{address}"' for address in addresses)
    return [
        *actions,
        write,
        Tell(service, "Normal", "IPAllocated", f"Assigned IP [{listed}]"),
        Tell(service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer"),
    ]


def _release(service: Object) -> list[Action]:
    """Only the finalizer says that there was something of ours to take back."""
    if FINALIZER not in _finalizers(service):
        return []
    left = [name for name in _finalizers(service) if name != FINALIZER]
    actions: list[Action] = [
        Tell(service, "Normal", "DeletingLoadBalancer", "Deleting load balancer")
    ]
    actions.append(Update(resources.SERVICES, _unmarked(_with_finalizers(service, left))))
    if held_by(service) and not is_deleting(service):
        actions.append(WriteStatus(resources.SERVICES, service, _status(service, ())))
    return [*actions, Tell(service, "Normal", "DeletedLoadBalancer", "Deleted load balancer")]


def _status(service: Object, ingress: tuple[Object, ...]) -> Object:
    balancer = {"ingress": list(ingress)} if ingress else {}
    return {**(service.get("status") or {}), "loadBalancer": balancer}


def _finalizers(service: Object) -> list[str]:
    return list(service["metadata"].get("finalizers") or ())


def _with_finalizers(service: Object, names: list[str]) -> Object:
    metadata = {key: value for key, value in service["metadata"].items() if key != "finalizers"}
    return {**service, "metadata": {**metadata, **({"finalizers": names} if names else {})}}


def _unmarked(service: Object) -> Object:
    """Without the annotation that names a pool."""
    if FROM_POOL not in annotations_of(service):
        return service
    left = {key: value for key, value in annotations_of(service).items() if key != FROM_POOL}
    return {**service, "metadata": {**service["metadata"], "annotations": left}}


class LoadBalancerController:
    """Brings Services' load balancers in line."""

    resources = (
        resources.SERVICES,
        resources.CONFIG_MAPS,
        resources.IP_ADDRESS_POOLS,
        resources.NAMESPACES,
    )

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._own = own_pool(*(each.load_balancers for each in context.addressing.families))
        self._configured: dict[Key, tuple[Pool, ...]] = {}
        """MetalLB's pools by the object that names them."""
        self._held: dict[Key, Request] = {}
        """The Services that have an address."""
        self._waiting: dict[Key, str] = {}
        """Those that can't have one, and what they were told."""

    def observe(self, change: Change) -> Iterable[Key]:
        """A Service's own change; when pools change or an address is free, those it concerns."""
        if change.resource == resources.SERVICES:
            return self._service(change)
        if change.resource == resources.NAMESPACES:
            return self._in_namespace(change)
        if change.resource == resources.CONFIG_MAPS and key_of(change.object) != CONFIG:
            return ()
        self._pools(change)
        return tuple({*self._held, *self._waiting})

    def _service(self, change: Change) -> Iterable[Key]:
        key = key_of(change.object)
        before = self._held.pop(key, None)
        if change.new is not None and change.new["spec"].get("type") == "LoadBalancer":
            self._note(change.new)
        freed = before is not None and self._held.get(key) != before
        return (key, *(self._waiting if freed else ()))

    def _in_namespace(self, change: Change) -> Iterable[Key]:
        """Pools may be for namespaces with certain labels."""
        if change.old is None or change.new is None:
            return ()
        if labels_of(change.old) == labels_of(change.new):
            return ()
        name = name_of(change.new)
        return tuple(key for key in {*self._held, *self._waiting} if key[0] == name)

    def _note(self, service: Object) -> None:
        if held_by(service):
            self._held[key_of(service)] = request_from(service, {})

    def _pools(self, change: Change) -> None:
        key = key_of(change.object)
        self._configured.pop(key, None)
        if change.new is None:
            return
        try:
            if change.resource == resources.CONFIG_MAPS:
                self._configured[key] = tuple(pools_from_config(change.new))
            else:
                self._configured[key] = (pool_from(change.new),)
        except BadPool as error:
            log.warning("load balancers: %s", error)
            self._recorder.event(change.new, "Warning", "InvalidConfiguration", str(error))

    async def sync(self, key: Key) -> float | None:
        """Bring one Service in line."""
        service = self._client.get(resources.SERVICES, *key)
        if service is None:
            self._waiting.pop(key, None)
            return None
        actions = self._without_repeats(key, plan(self._observed(service)))
        await execute(self._client, self._recorder, actions)
        current = self._client.get(resources.SERVICES, *key)
        if current is not None and current["spec"].get("type") == "LoadBalancer":
            self._note(current)  # now, not when the watch says so: the next Service is waiting
        return None

    def _observed(self, service: Object) -> Observed:
        holders: dict[str, tuple[Request, ...]] = {}
        for request in self._held.values():
            for address in request.held:
                holders[address] = (*holders.get(address, ()), request)
        namespace = self._client.get(resources.NAMESPACES, "", service["metadata"]["namespace"])
        return Observed(
            service=service,
            pools=tuple(pool for _, pools in sorted(self._configured.items()) for pool in pools),
            own=self._own,
            holders=holders,
            namespace_labels=labels_of(namespace) if namespace else {},
        )

    def _without_repeats(self, key: Key, actions: list[Action]) -> list[Action]:
        """A refusal is told once, until it is another one."""
        refusal = next(
            (a.message for a in actions if isinstance(a, Tell) and a.type == "Warning"), None
        )
        if refusal is None:
            self._waiting.pop(key, None)
            return actions
        told = self._waiting.get(key) == refusal
        self._waiting[key] = refusal
        if not told:
            return actions
        return [a for a in actions if not (isinstance(a, Tell) and a.type == "Warning")]
