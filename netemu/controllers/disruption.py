"""The disruption controller: how many of a budget's pods may be evicted right now.

It only tells; the eviction subresource asks (upstream: pkg/controller/disruption).
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from netemu.clock import parse_rfc3339
from netemu.controllers.pods import is_ready
from netemu.controllers.runner import Context
from netemu.model import resources, selector
from netemu.model.client import Change
from netemu.model.conditions import with_condition
from netemu.model.meta import (
    Key,
    Object,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)

EVICTION_SECONDS = 120.0
"""How long an evicted pod that doesn't go counts as gone (upstream: DeletionTimeout)."""


class Observed(Struct, frozen=True, kw_only=True):
    """What a status is made from."""

    budget: Object
    pods: Sequence[Object]
    """The namespace's pods that it selects."""
    scales: Mapping[str, int]
    """Replicas wanted, by uid of what has the count, of all that own one of the pods: a Deployment
    counts once, however many of its ReplicaSets have pods (upstream: getExpectedScale)."""
    now: float


def status_of(seen: Observed) -> Object:
    """The status of a budget."""
    budget, before = seen.budget, seen.budget.get("status") or {}
    disrupted = _disrupted(seen, before.get("disruptedPods") or {})
    healthy = sum(
        is_ready(pod) and not is_deleting(pod) and name_of(pod) not in disrupted
        for pod in seen.pods
    )
    expected, desired = _expected(seen)
    allowed = max(0, healthy - desired) if expected > 0 else 0
    new = {
        "type": "DisruptionAllowed",
        "status": "True" if allowed else "False",
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
        "observedGeneration": int(budget["metadata"].get("generation") or 0),
    }
    return {
        "observedGeneration": new["observedGeneration"],
        **({"disruptedPods": disrupted} if disrupted else {}),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": with_condition(before.get("conditions"), new, seen.now),
    }


def _disrupted(seen: Observed, before: Mapping[str, str]) -> dict[str, str]:
    """Evicted pods that are still there, for as long as that is to be believed."""
    present = {name_of(pod) for pod in seen.pods if not is_deleting(pod)}
    return {
        name: when
        for name, when in before.items()
        if name in present and parse_rfc3339(when) + EVICTION_SECONDS > seen.now
    }


def _expected(seen: Observed) -> tuple[int, int]:
    """How many pods there should be, and how many of them must be healthy."""
    spec = seen.budget["spec"]
    most, least = spec.get("maxUnavailable"), spec.get("minAvailable")
    if most is not None:
        expected = sum(seen.scales.values())
        return expected, max(0, expected - _share(most, expected))
    if least is None:
        return 0, 0
    if isinstance(least, str):
        expected = sum(seen.scales.values())
        return expected, _share(least, expected)
    return len(seen.pods), int(least)


def _share(value: Any, whole: int) -> int:
    """A number, or a percentage rounded up (intstr.GetScaledValueFromIntOrPercent)."""
    if isinstance(value, str):
        return math.ceil(int(value.removesuffix("%")) * whole / 100)
    return int(value)


def selects(budget: Object, pod: Object) -> bool:
    """Whether the budget is about the pod: policy/v1's empty selector means every pod."""
    wanted = budget["spec"].get("selector")
    if wanted is None or namespace_of(budget) != namespace_of(pod):
        return False
    parsed = selector.from_object(wanted)
    return not wanted or (parsed is not None and selector.matches(parsed, labels_of(pod)))


_OWNERS = {
    "ReplicaSet": resources.REPLICA_SETS,
    "ReplicationController": resources.REPLICATION_CONTROLLERS,
    "StatefulSet": "statefulsets.apps",
    "Deployment": resources.DEPLOYMENTS,
}


class DisruptionController:
    """Keeps the budgets' statuses."""

    resources = (
        resources.POD_DISRUPTION_BUDGETS,
        resources.PODS,
        resources.DEPLOYMENTS,
        resources.REPLICA_SETS,
    )

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._clock = context.clock
        self._observers: dict[str, Callable[[Change], Iterable[Key]]] = {
            resources.POD_DISRUPTION_BUDGETS: lambda change: (key_of(change.object),),
            resources.PODS: self._of_pod,
        }

    def observe(self, change: Change) -> Iterable[Key]:
        """A budget's own change, its pods', and how many pods a workload wants."""
        found = self._observers.get(change.resource)
        if found is not None:
            return found(change)
        counts = [obj["spec"].get("replicas") for obj in (change.old, change.new) if obj]
        if len(counts) == 2 and counts[0] == counts[1]:
            return ()
        return map(key_of, self._budgets(namespace_of(change.object)))

    def _budgets(self, namespace: str) -> list[Object]:
        return self._client.list(resources.POD_DISRUPTION_BUDGETS, namespace)

    def _of_pod(self, change: Change) -> Iterable[Key]:
        for budget in self._budgets(namespace_of(change.object)):
            pods = (pod for pod in (change.old, change.new) if pod is not None)
            if any(selects(budget, pod) for pod in pods):
                yield key_of(budget)

    async def sync(self, key: Key) -> float | None:
        """Say how it stands with one budget."""
        budget = self._client.get(resources.POD_DISRUPTION_BUDGETS, *key)
        if budget is None:
            return None
        pods = [pod for pod in self._client.list(resources.PODS, key[0]) if selects(budget, pod)]
        owners = {own["uid"]: own for pod in pods if (own := controller_of(pod)) is not None}
        scales = dict(self._scale(key[0], owner) for owner in owners.values())
        seen = Observed(budget=budget, pods=pods, scales=scales, now=self._clock.now())
        status = status_of(seen)
        if status != budget.get("status"):
            new = {**budget, "status": status}
            await self._client.update_status(resources.POD_DISRUPTION_BUDGETS, new)
        return EVICTION_SECONDS if status.get("disruptedPods") else None

    def _scale(self, namespace: str, owner: Object) -> tuple[str, int]:
        """The pods' topmost scalable owner, by uid, and what it wants."""
        resource = _OWNERS.get(owner["kind"])
        found = self._client.get(resource, namespace, owner["name"]) if resource else None
        if found is None or uid_of(found) != owner["uid"]:
            return owner["uid"], 0
        above = controller_of(found)
        if above is not None and above["kind"] in _OWNERS:
            return self._scale(namespace, above)
        return owner["uid"], int(found["spec"].get("replicas", 1))
