"""Facts about pods that several controllers judge by."""

from netemu.clock import parse_rfc3339
from netemu.model.conditions import condition
from netemu.model.meta import Object, is_deleting

ENDED = ("Succeeded", "Failed")
"""Phases of a pod that will never run again."""


def phase_of(pod: Object) -> str:
    """The phase; a pod nobody reported on yet is Pending."""
    return str((pod.get("status") or {}).get("phase") or "Pending")


def has_ended(pod: Object) -> bool:
    """Whether it will never run again."""
    return phase_of(pod) in ENDED


def is_active(pod: Object) -> bool:
    """Whether it counts as a replica: neither ended nor being deleted."""
    return not is_deleting(pod) and not has_ended(pod)


def is_ready(pod: Object) -> bool:
    """Whether the condition Ready holds."""
    for item in (pod.get("status") or {}).get("conditions") or ():
        if item["type"] == "Ready":
            return bool(item["status"] == "True")
    return False


def ready_since(pod: Object) -> float:
    """When Ready last changed, in seconds since the epoch; 0 when nobody says."""
    found = condition(pod, "Ready")
    if found is None or not found.get("lastTransitionTime"):
        return 0.0
    return parse_rfc3339(found["lastTransitionTime"])


def created_at(obj: Object) -> float:
    """When the object was created, in seconds since the epoch; 0 when nobody says."""
    stamp = obj["metadata"].get("creationTimestamp")
    return parse_rfc3339(stamp) if stamp else 0.0


def available_in(pod: Object, min_ready_seconds: int, now: float) -> float | None:
    """Seconds until the pod counts as available, 0 if it does, None while it isn't ready.

    Available means ready for minReadySeconds without a break (the DeploymentSpec's own words).
    """
    if not is_ready(pod):
        return None
    if min_ready_seconds == 0:
        return 0.0
    return max(0.0, ready_since(pod) + min_ready_seconds - now)


def restarts(pod: Object) -> int:
    """The restarts of the container that restarted most."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return max((int(item.get("restartCount") or 0) for item in statuses), default=0)
