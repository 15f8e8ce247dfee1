"""What a Deployment's status says: counts, and the conditions Progressing and Available.

Reasons and messages are upstream's (pkg/controller/deployment/util, progress.go): ``kubectl rollout
status`` and people's scripts read them.
"""

from collections.abc import Sequence

from netemu.clock import parse_rfc3339, rfc3339
from netemu.controllers.rollout import Deployment, ReplicaSet
from netemu.model.meta import Object

Conditions = Sequence[Object]

PROGRESSING = "Progressing"
AVAILABLE = "Available"
REPLICA_FAILURE = "ReplicaFailure"

PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"
CREATED = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
UPDATED = "ReplicaSetUpdated"
COMPLETE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
CREATE_FAILED = "ReplicaSetCreateError"


def _condition(kind: str, status: str, reason: str, message: str, now: float) -> Object:
    stamp = rfc3339(now)
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": stamp,
        "lastTransitionTime": stamp,
        "reason": reason,
        "message": message,
    }


def _find(conditions: Conditions, kind: str) -> Object | None:
    return next((item for item in conditions if item["type"] == kind), None)


def _without(conditions: Conditions, kind: str) -> Conditions:
    return [item for item in conditions if item["type"] != kind]


def _with(conditions: Conditions, new: Object, *, renew: bool = False) -> Conditions:
    """Set a condition; one with the same status and reason stays, unless it is to be renewed."""
    old = _find(conditions, new["type"])
    if old is not None and old["status"] == new["status"]:
        if old.get("reason") == new["reason"] and not renew:
            return conditions
        new = {**new, "lastTransitionTime": old.get("lastTransitionTime")}
    return [*_without(conditions, new["type"]), new]


def counts(deployment: Deployment, new: ReplicaSet | None, every: Sequence[ReplicaSet]) -> Object:
    """The numbers of a status, without conditions; a 0 is left out, as Go writes it."""
    available = sum(item.available for item in every)
    before = deployment.obj.get("status") or {}
    numbers = {
        "observedGeneration": int(deployment.obj["metadata"].get("generation") or 0),
        "replicas": sum(item.replicas for item in every),
        "updatedReplicas": new.replicas if new else 0,
        "readyReplicas": sum(item.ready for item in every),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(item.size for item in every) - available),
    }
    status = {key: number for key, number in numbers.items() if number}
    if before.get("collisionCount") is not None:
        status["collisionCount"] = before["collisionCount"]
    return status


def is_complete(deployment: Deployment, status: Object) -> bool:
    """Whether all pods are of the new template, and available, and no other is left."""
    wanted = deployment.replicas
    seen = int(status.get("observedGeneration") or 0)
    counted = ("updatedReplicas", "replicas", "availableReplicas")
    return seen >= int(deployment.obj["metadata"].get("generation") or 0) and all(
        int(status.get(key) or 0) == wanted for key in counted
    )


def _progressed(before: Object, after: Object) -> bool:
    def old_pods(status: Object) -> int:
        return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))

    more = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_pods(after) < old_pods(before) or any(
        after.get(key, 0) > before.get(key, 0) for key in more
    )


def _deadline(deployment: Deployment, conditions: Conditions) -> float | None:
    """When lack of progress is to be reported; None while there is nothing to wait for."""
    current = _find(conditions, PROGRESSING)
    if deployment.deadline is None or current is None or current["reason"] in (COMPLETE, TIMED_OUT):
        return None
    return parse_rfc3339(current["lastUpdateTime"]) + deployment.deadline


def with_pause(deployment: Deployment, conditions: Conditions, now: float) -> Conditions:
    """Say that the rollout pauses or goes on; a missed deadline stays reported."""
    if deployment.deadline is None:
        return conditions
    current = _find(conditions, PROGRESSING)
    reason = current["reason"] if current else None
    if reason == TIMED_OUT or deployment.paused == (reason == PAUSED):
        return conditions
    what, why = ("paused", PAUSED) if deployment.paused else ("resumed", RESUMED)
    return _with(conditions, _condition(PROGRESSING, "Unknown", why, f"Deployment is {what}", now))


def with_new(
    deployment: Deployment, conditions: Conditions, new: ReplicaSet | None, now: float
) -> Conditions:
    """Say that the new ReplicaSet was created, or found when nothing was said before."""
    if deployment.deadline is None or new is None:
        return conditions
    if not new.uid:
        message = f'Created new replica set "{new.name}"'
        return _with(conditions, _condition(PROGRESSING, "True", CREATED, message, now))
    if _find(conditions, PROGRESSING) is None:
        message = f'Found new replica set "{new.name}"'
        return _with(conditions, _condition(PROGRESSING, "True", FOUND, message, now))
    return conditions


def with_availability(
    deployment: Deployment, conditions: Conditions, status: Object, now: float
) -> Conditions:
    """Say whether enough pods are available."""
    if status.get("availableReplicas", 0) >= deployment.replicas - deployment.unavailable:
        message = "Deployment has minimum availability."
        new = _condition(AVAILABLE, "True", "MinimumReplicasAvailable", message, now)
    else:
        message = "Deployment does not have minimum availability."
        new = _condition(AVAILABLE, "False", "MinimumReplicasUnavailable", message, now)
    return _with(conditions, new)


def with_progress(
    deployment: Deployment,
    conditions: Conditions,
    status: Object,
    new: ReplicaSet | None,
    now: float,
) -> Conditions:
    """Judge the rollout: complete, progressing, or past its deadline."""
    if deployment.deadline is None:
        return _without(conditions, PROGRESSING)
    current = _find(conditions, PROGRESSING)
    was_complete = current is not None and current["reason"] == COMPLETE
    if was_complete and status.get("replicas", 0) == status.get("updatedReplicas", 0):
        return conditions
    who = f'ReplicaSet "{new.name}"' if new else f'Deployment "{deployment.name}"'
    if is_complete(deployment, status):
        message = f"{who} has successfully progressed."
        return _with(conditions, _condition(PROGRESSING, "True", COMPLETE, message, now))
    if _progressed(deployment.obj.get("status") or {}, status):
        condition = _condition(PROGRESSING, "True", UPDATED, f"{who} is progressing.", now)
        return _with(conditions, condition, renew=True)
    deadline = _deadline(deployment, conditions)
    if deadline is not None and deadline < now:
        message = f"{who} has timed out progressing."
        return _with(conditions, _condition(PROGRESSING, "False", TIMED_OUT, message, now))
    return conditions


def with_failures(
    conditions: Conditions, new: ReplicaSet | None, every: Sequence[ReplicaSet]
) -> Conditions:
    """Pass on that a ReplicaSet cannot create its pods; the new one's word comes first."""
    for item in [*([new] if new else []), *every]:
        failure = _find((item.obj.get("status") or {}).get("conditions") or (), REPLICA_FAILURE)
        if failure is not None:
            stamp = failure.get("lastTransitionTime")
            return _with(conditions, {**failure, "lastUpdateTime": stamp})
    return _without(conditions, REPLICA_FAILURE)


def failed_creation(deployment: Deployment, name: str, why: str, now: float) -> Object:
    """The status after the new ReplicaSet could not be created."""
    status = deployment.obj.get("status") or {}
    if deployment.deadline is None:
        return status
    message = f'Failed to create new replica set "{name}": {why}'
    failed = _condition(PROGRESSING, "False", CREATE_FAILED, message, now)
    return {**status, "conditions": [*_with(status.get("conditions") or (), failed)]}


def seconds_to_deadline(deployment: Deployment, status: Object, now: float) -> float | None:
    """When to look again whether the rollout is stuck; a second late, so that it is over then."""
    if deployment.paused or is_complete(deployment, status):
        return None
    deadline = _deadline(deployment, status.get("conditions") or ())
    return None if deadline is None else max(0.0, deadline - now) + 1.0
