"""What a ReplicaSet needs next: pods of its template, as many as it asks for.

Pods that have ended or are being deleted don't count.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from netemu.clock import rfc3339
from netemu.controllers.claims import adopted, claim, spec_selector, without_owner
from netemu.controllers.podranking import first_to_go
from netemu.controllers.pods import available_in, is_active, is_ready
from netemu.model import resources
from netemu.model.meta import (
    Object,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from netemu.model.selector import Selector

BURST = 500
"""Pods created or deleted in one turn at most (upstream: BurstReplicas)."""

REPLICA_FAILURE = "ReplicaFailure"


class Flavour(Struct, frozen=True):
    """A kind of which there are as many pods as it says."""

    resource: str
    api_version: str
    kind: str
    selector: Callable[[Object], Selector]
    """Of one object; nothing must select nothing, so it never is the empty selector."""


REPLICA_SET = Flavour(resources.REPLICA_SETS, "apps/v1", "ReplicaSet", spec_selector)


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    flavour: Flavour = REPLICA_SET
    replica_set: Object
    pods: Sequence[Object]
    """The namespace's pods that it owns or might adopt."""
    related: Callable[[], Iterable[Object]]
    """All pods of its kind (its own, and those of its Deployment's other ReplicaSets)."""
    now: float


class Plan(Struct, frozen=True, kw_only=True):
    """What to do about a ReplicaSet's pods; at most one of create and delete."""

    adopt: tuple[Object, ...] = ()
    """New states of pods that become its own."""
    release: tuple[Object, ...] = ()
    """New states of pods that are let go."""
    create: int = 0
    delete: tuple[Object, ...] = ()


def plan(seen: Observed) -> Plan:
    """The pods to claim, create and delete."""
    obj = seen.replica_set
    flavour = seen.flavour
    claims = claim(obj, flavour.selector(obj), (pod for pod in seen.pods if is_active(pod)))
    adopt = tuple(adopted(pod, obj, flavour.api_version, flavour.kind) for pod in claims.adopt)
    release = tuple(without_owner(pod, uid_of(obj)) for pod in claims.release)
    if is_deleting(obj):
        return Plan()
    pods = [*claims.mine, *claims.adopt]
    surplus = len(pods) - _replicas(obj)
    if surplus <= 0:
        return Plan(adopt=adopt, release=release, create=min(-surplus, BURST))
    leaving = first_to_go(pods, seen.related(), min(surplus, BURST), seen.now)
    return Plan(adopt=adopt, release=release, delete=tuple(leaving))


def _replicas(obj: Object) -> int:
    return int(obj["spec"].get("replicas", 1))


def status_of(obj: Object, pods: Iterable[Object], failure: Object | None, now: float) -> Object:
    """The status of a ReplicaSet with these active pods; `failure` as `failed` gives it."""
    mine = [pod for pod in pods if is_active(pod)]
    spec = obj["spec"]
    labels = ((spec["template"].get("metadata") or {}).get("labels") or {}).items()
    pause = int(spec.get("minReadySeconds") or 0)
    ready = [pod for pod in mine if is_ready(pod)]
    available = ready if not pause else [p for p in ready if not available_in(p, pause, now)]
    numbers = {
        "fullyLabeledReplicas": sum(labels <= labels_of(pod).items() for pod in mine),
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
        "observedGeneration": int(obj["metadata"].get("generation") or 0),
    }
    status = {"replicas": len(mine), **{key: number for key, number in numbers.items() if number}}
    before = (obj.get("status") or {}).get("conditions") or ()
    conditions = [item for item in before if item["type"] != REPLICA_FAILURE]
    if failure is not None:
        conditions += [item for item in before if item["type"] == REPLICA_FAILURE] or [failure]
    return {**status, "conditions": conditions} if conditions else status


def failed(what: Plan, error: Exception, now: float) -> Object:
    """The condition that says why pods could not be created or deleted."""
    return {
        "type": REPLICA_FAILURE,
        "status": "True",
        "lastTransitionTime": rfc3339(now),
        "reason": "FailedCreate" if what.create else "FailedDelete",
        "message": str(error),
    }


def new_pod(obj: Object, flavour: Flavour = REPLICA_SET) -> Object:
    """A pod as a ReplicaSet's template describes it."""
    template = obj["spec"]["template"]
    said = template.get("metadata") or {}
    metadata = {
        "generateName": f"{name_of(obj)}-",
        "namespace": namespace_of(obj),
        **{key: said[key] for key in ("labels", "annotations", "finalizers") if said.get(key)},
        "ownerReferences": [owner_reference(obj, flavour.api_version, flavour.kind)],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
