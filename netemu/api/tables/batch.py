"""Rows of Jobs and CronJobs."""

from typing import Any

from netemu.api.tables.wording import age, containers, human_duration, selector_object, since
from netemu.clock import parse_rfc3339
from netemu.model.conditions import holds
from netemu.model.meta import Object, is_deleting, name_of


def job(obj: Object, now: float) -> list[Any]:
    """Name, Status, Completions, Duration, Age, Containers, Images, Selector."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [
        name_of(obj),
        _status(obj),
        _completions(spec, status),
        _duration(status, now),
        age(obj, now),
        *containers((spec.get("template") or {}).get("spec") or {}),
        selector_object(spec.get("selector")),
    ]


def _status(obj: Object) -> str:
    for kind in ("Complete", "Failed"):
        if holds(obj, kind):
            return kind
    if is_deleting(obj):
        return "Terminating"
    for kind in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if holds(obj, kind):
            return kind
    return "Running"


def _completions(spec: Object, status: Object) -> str:
    done = status.get("succeeded", 0)
    if spec.get("completions") is not None:
        return f"{done}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"


def _duration(status: Object, now: float) -> str:
    if not status.get("startTime"):
        return ""
    if status.get("completionTime"):
        now = parse_rfc3339(status["completionTime"])
    return human_duration(now - parse_rfc3339(status["startTime"]))


def cron_job(obj: Object, now: float) -> list[Any]:
    """Name, Schedule, Timezone, Suspend, Active, Last Schedule, Age, and what its Jobs run."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    inner = (spec.get("jobTemplate") or {}).get("spec") or {}
    last = status.get("lastScheduleTime")
    return [
        name_of(obj),
        spec.get("schedule", ""),
        spec.get("timeZone") or "<none>",
        "True" if spec.get("suspend") else "False",
        len(status.get("active") or ()),
        since(last, now) if last else "<none>",
        age(obj, now),
        *containers((inner.get("template") or {}).get("spec") or {}),
        selector_object(inner.get("selector")),
    ]
