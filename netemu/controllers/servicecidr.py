"""The ServiceCIDR controller: says which ranges are ready, and keeps those in use (KEP-1880).

The cluster's own ranges are in the object `kubernetes`. A range goes only when no Service is left
whose address lies in no other (upstream: pkg/controller/servicecidrs). Upstream waits ten seconds
more, until all API servers know that the range is going; here there is but one.
"""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

from netemu.controllers.actions import Action, Create, Delete, Update, WriteStatus, execute
from netemu.controllers.runner import Context
from netemu.model.addressing import Addressing, IpAddress, IpNetwork
from netemu.model.client import Change
from netemu.model.conditions import with_condition
from netemu.model.meta import Object, is_deleting, name_of
from netemu.model.resources import IP_ADDRESSES, SERVICE_CIDRS
from netemu.model.serviceranges import networks_of

FINALIZER: Final = "networking.k8s.io/service-cidr-finalizer"
OWN: Final = "kubernetes"
"""The object that has the cluster's own ranges."""

READY: Final = ("True", "", "Kubernetes Service CIDR is ready")
TERMINATING: Final = (
    "False",
    "Terminating",
    (
        "There are still IPAddresses referencing the ServiceCIDR, "
        "please remove them or create a new ServiceCIDR"
    ),
)


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    obj: Object
    others: Sequence[IpNetwork]
    """The ranges of all the other ServiceCIDRs."""
    used: Sequence[IpAddress]
    """What IPAddress objects there are for."""
    addressing: Addressing
    now: float


def plan(seen: Observed) -> list[Action]:
    """The finalizer and the status."""
    obj = seen.obj
    finalizers = list(obj["metadata"].get("finalizers") or ())
    old, going = _is_of_another_run(seen), is_deleting(obj)
    if going and not old and _keeps(seen):
        return _said(seen, TERMINATING)
    if going or old:
        left = [name for name in finalizers if name != FINALIZER]
        freed: list[Action] = [] if left == finalizers else [_finalized(obj, left)]
        return freed if going else [*freed, Delete(SERVICE_CIDRS, obj)]
    reason = _unserved(seen)
    said = _said(seen, ("False", "NotServed", reason) if reason else READY)
    if FINALIZER in finalizers:
        return said
    return [_finalized(obj, [*finalizers, FINALIZER]), *said]


def _is_of_another_run(seen: Observed) -> bool:
    """Whether it has the cluster's own ranges as they were once: ranges can't be changed, so it
    is made anew, as the cluster's own Services are.
    """
    have, want = (each["spec"]["cidrs"] for each in (seen.obj, own(seen.addressing)))
    return name_of(seen.obj) == OWN and have != want


def _finalized(obj: Object, names: list[str]) -> Update:
    return Update(SERVICE_CIDRS, {**obj, "metadata": {**obj["metadata"], "finalizers": names}})


def _said(seen: Observed, words: tuple[str, str, str]) -> list[Action]:
    before = (seen.obj.get("status") or {}).get("conditions")
    new = dict(zip(("status", "reason", "message"), words, strict=True))
    conditions = with_condition(before, {"type": "Ready", **new}, seen.now)
    if conditions == before:
        return []
    return [WriteStatus(SERVICE_CIDRS, seen.obj, {"conditions": conditions})]


def _keeps(seen: Observed) -> bool:
    """Whether addresses would be in no range any more."""
    return any(
        any(ip in network for network in networks_of(seen.obj))
        and not any(ip in network for network in seen.others)
        for ip in seen.used
    )


def _unserved(seen: Observed) -> str:
    """Why addresses of it could lead nowhere; "" if they can be served."""
    for network in networks_of(seen.obj):
        ranges = seen.addressing.of(f"IPv{network.version}")
        if ranges is None or network == ranges.services:
            continue
        if ranges.services.is_loopback:
            return f"{network} cannot be served without namespaces (netemu up --net loopback)"
        for other in (ranges.pods, ranges.nodes):
            if network.overlaps(other):
                return f"{network} overlaps {other}, which has the cluster's pods or nodes"
    return ""


def own(addressing: Addressing) -> Object:
    """The object that has the cluster's own ranges."""
    ranges = [str(each.services) for each in addressing.families]
    return {
        "apiVersion": "networking.k8s.io/v1beta1",
        "kind": "ServiceCIDR",
        "metadata": {"name": OWN},
        "spec": {"cidrs": ranges},
    }


class ServiceCidrController:
    """Brings ServiceCIDRs in line."""

    resources = (SERVICE_CIDRS, IP_ADDRESSES)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._addressing = context.addressing

    def observe(self, change: Change) -> Iterable[str]:
        """A range's change touches all, as one may stand in for another; an address that is free
        those that wait to go.
        """
        if change.resource == SERVICE_CIDRS:
            return {name_of(change.object), *map(name_of, self._all())}
        if change.new is None:
            return [name_of(obj) for obj in self._all() if is_deleting(obj)]
        # That of the API is there from the first moment, so the ranges are looked at, too.
        return (OWN,) if name_of(change.object) == self._addressing.api else ()

    def _all(self) -> list[Object]:
        return self._client.list(SERVICE_CIDRS)

    async def sync(self, name: str) -> float | None:
        """Bring one in line."""
        obj = self._client.get(SERVICE_CIDRS, "", name)
        if obj is not None:
            await execute(self._client, self._recorder, plan(self._observed(obj)))
        elif name == OWN:
            wanted = Create(SERVICE_CIDRS, own(self._addressing))
            await execute(self._client, self._recorder, [wanted])
        return None

    def _observed(self, obj: Object) -> Observed:
        others = [each for each in self._all() if name_of(each) != name_of(obj)]
        used = self._client.list(IP_ADDRESSES) if is_deleting(obj) else ()
        return Observed(
            obj=obj,
            others=[network for each in others for network in networks_of(each)],
            used=[ip_address(name_of(each)) for each in used],
            addressing=self._addressing,
            now=self._clock.now(),
        )
