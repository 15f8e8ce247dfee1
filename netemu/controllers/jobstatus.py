"""What a Job's status says; pure."""

from collections.abc import Sequence

from msgspec import Struct

from netemu.clock import rfc3339
from netemu.controllers.jobcount import Count
from netemu.controllers.jobpods import is_indexed
from netemu.controllers.pods import is_ready
from netemu.model import indexes
from netemu.model.conditions import condition, holds
from netemu.model.meta import Object

COMPLETE, FAILED = "Complete", "Failed"
FAILURE_TARGET, SUCCESS_CRITERIA = "FailureTarget", "SuccessCriteriaMet"
SUSPENDED = "Suspended"
_LAST = {FAILURE_TARGET: FAILED, SUCCESS_CRITERIA: COMPLETE}
"""What becomes true when no pod is left, after what was decided."""


class Ending(Struct, frozen=True):
    """How and why a Job ends: the condition that is true until its pods have gone, too."""

    kind: str
    reason: str
    message: str


class Shown(Struct, frozen=True, kw_only=True):
    """A status in its two steps."""

    noted: Object
    """The ended pods are noted, not counted."""
    final: Object
    """They are counted."""
    events: Sequence[tuple[str, str, str]]


def finished(job: Object) -> bool:
    """Whether nothing will ever happen to it again."""
    return holds(job, COMPLETE) or holds(job, FAILED)


def interim(job: Object) -> Ending | None:
    """What was decided before."""
    for kind in _LAST:
        found = condition(job, kind)
        if found is not None and found["status"] == "True":
            return Ending(kind, found.get("reason", ""), found.get("message", ""))
    return None


def status_of(
    job: Object,
    found: Count,
    ending: Ending | None,
    create: Sequence[Object],
    delete: Sequence[Object],
    now: float,
) -> Shown:
    """The status once `create` are made and `delete` are on their way out."""
    events: list[tuple[str, str, str]] = []
    conditions, start = _conditions(job, found, ending, now, events)
    leaving = {id(pod) for pod in delete}
    staying = [pod for pod in found.active if id(pod) not in leaving]
    shared = {
        "startTime": start,
        "active": len(staying) + len(create),
        "terminating": len(found.terminating) + len(delete),
        "ready": sum(is_ready(pod) for pod in staying),
    }
    before = job.get("status") or {}
    if is_indexed(job):
        shared["completedIndexes"] = indexes.text_of(found.done)
        if job["spec"].get("backoffLimitPerIndex") is not None:
            shared["failedIndexes"] = indexes.text_of(found.given_up)
    counts = {"succeeded": before.get("succeeded"), "failed": before.get("failed")}
    if is_indexed(job):
        counts["succeeded"] = len(found.done)
    noted = {
        "succeeded": list(found.noted_succeeded),
        "failed": list(found.noted_failed),
    }
    first = {**shared, **counts, "conditions": conditions}
    first["uncountedTerminatedPods"] = {key: uids for key, uids in noted.items() if uids}
    total = _counted(job, before, found)
    last: Object = {**shared, **total, "conditions": conditions, "uncountedTerminatedPods": {}}
    gone = not (staying or delete or found.terminating or create)
    if ending is not None and gone and _all_counted(found, total):
        last["conditions"] = [*conditions, _condition(_LAST[ending.kind], "True", ending, now)]
        if ending.kind == SUCCESS_CRITERIA:
            last["completionTime"] = rfc3339(now)
            events.append(("Normal", "Completed", "Job completed"))
        else:
            events.append(("Warning", ending.reason, ending.message))
    return Shown(noted=_written(first), final=_written(last), events=events)


def _counted(job: Object, before: Object, found: Count) -> dict[str, int]:
    if is_indexed(job):
        succeeded = len(found.done)
    else:
        succeeded = int(before.get("succeeded") or 0) + len(found.noted_succeeded)
    return {
        "succeeded": succeeded,
        "failed": int(before.get("failed") or 0) + len(found.noted_failed),
    }


def _all_counted(found: Count, total: dict[str, int]) -> bool:
    return (total["succeeded"], total["failed"]) == (found.succeeded, found.failed)


_ORDER = (
    "conditions", "startTime", "completionTime", "active", "succeeded", "failed", "terminating",
    "completedIndexes", "failedIndexes", "uncountedTerminatedPods", "ready",
)  # fmt: skip
_EVEN_IF_EMPTY = frozenset({"terminating", "ready", "uncountedTerminatedPods"})
"""Pointers in Go, which a Job that has begun always has."""


def _written(status: Object) -> Object:
    return {
        key: status[key]
        for key in _ORDER
        if key in status and (status[key] or key in _EVEN_IF_EMPTY)
    }


def _conditions(
    job: Object,
    found: Count,
    ending: Ending | None,
    now: float,
    events: list[tuple[str, str, str]],
) -> tuple[list[Object], str | None]:
    """The conditions but for the last one, and the start time."""
    before = job.get("status") or {}
    conditions: list[Object] = list(before.get("conditions") or ())
    start = before.get("startTime")
    suspended = bool(job["spec"].get("suspend"))
    was = holds(job, SUSPENDED)
    if ending is not None:
        if not holds(job, ending.kind):
            conditions.append(_condition(ending.kind, "True", ending, now))
    elif suspended and not was:
        why = Ending(SUSPENDED, "JobSuspended", "Job suspended")
        conditions = _replaced(conditions, _condition(SUSPENDED, "True", why, now))
        events.append(("Normal", "Suspended", "Job suspended"))
    elif was and not suspended:
        why = Ending(SUSPENDED, "JobResumed", "Job resumed")
        conditions = _replaced(conditions, _condition(SUSPENDED, "False", why, now))
        events.append(("Normal", "Resumed", "Job resumed"))
        start = rfc3339(now)  # the deadline counts anew
    if start is None and not suspended:
        start = rfc3339(now)
    return conditions, start


def _replaced(conditions: Sequence[Object], new: Object) -> list[Object]:
    return [*(item for item in conditions if item["type"] != new["type"]), new]


def _condition(kind: str, status: str, why: Ending, now: float) -> Object:
    stamp = rfc3339(now)
    return {
        "type": kind,
        "status": status,
        "lastProbeTime": stamp,
        "lastTransitionTime": stamp,
        "reason": why.reason,
        "message": why.message,
    }
