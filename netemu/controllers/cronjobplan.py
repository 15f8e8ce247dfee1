"""What to do about a CronJob; pure (upstream: pkg/controller/cronjob, syncCronJob)."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from msgspec import Struct

from netemu.clock import parse_rfc3339, rfc3339
from netemu.controllers.actions import Action, Delete, Tell
from netemu.controllers.jobstatus import COMPLETE, FAILED, finished
from netemu.controllers.pods import created_at
from netemu.model import resources, schedule
from netemu.model.conditions import holds
from netemu.model.meta import Object, is_deleting, name_of, namespace_of, owner_reference, uid_of

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MOST_MISSED = 100
"""Missed start times that are nothing to worry about."""
MARGIN = 0.1
"""Seconds past a due time at which it is looked at (upstream: nextScheduleDelta)."""


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    cron: Object
    jobs: Sequence[Object]
    """Its own."""
    now: float


class Plan(Struct, frozen=True, kw_only=True):
    """What to do, in this order."""

    actions: Sequence[Action] = ()
    create: Object | None = None
    """A new Job; it becomes active."""
    active: Sequence[Object] = ()
    """References to the Jobs that run, without the new one."""
    last_schedule: float | None = None
    last_success: float | None = None
    again: float | None = None


def plan(seen: Observed) -> Plan:
    """Note what has ended, start what is due, forget what is old."""
    actions: list[Action] = []
    active = _still_active(seen, actions)
    success = _last_success(seen)
    before = (seen.cron.get("status") or {}).get("lastScheduleTime")
    last = parse_rfc3339(before) if before else None
    if is_deleting(seen.cron):
        return Plan(actions=actions, active=active, last_schedule=last, last_success=success)
    actions += _old(seen)
    started = _start(seen, active, last, actions)
    return Plan(
        actions=actions,
        create=started.create,
        active=started.active,
        last_schedule=started.last,
        last_success=success,
        again=started.again,
    )


def _still_active(seen: Observed, actions: list[Action]) -> list[Object]:
    """The references of the status whose Jobs still run, with events about the others."""
    jobs = {uid_of(job): job for job in seen.jobs}
    noted = (seen.cron.get("status") or {}).get("active") or []
    kept = []
    for reference in noted:
        job = jobs.get(reference.get("uid", ""))
        if job is None:
            said = f"Active job went missing: {reference.get('name', '')}"
            actions.append(Tell(seen.cron, "Normal", "MissingJob", said))
        elif finished(job):
            how = COMPLETE if holds(job, COMPLETE) else FAILED
            said = f"Saw completed job: {name_of(job)}, condition: {how}"
            actions.append(Tell(seen.cron, "Normal", "SawCompletedJob", said))
        else:
            kept.append(reference)
    known = {reference.get("uid") for reference in noted}
    for job in seen.jobs:
        if uid_of(job) not in known and not finished(job):
            said = f"Saw a job that the controller did not create or forgot: {name_of(job)}"
            actions.append(Tell(seen.cron, "Warning", "UnexpectedJob", said))
    return kept


def _last_success(seen: Observed) -> float | None:
    before = (seen.cron.get("status") or {}).get("lastSuccessfulTime")
    times = [parse_rfc3339(before)] if before else []
    for job in seen.jobs:
        end = (job.get("status") or {}).get("completionTime")
        if end and holds(job, COMPLETE):
            times.append(parse_rfc3339(end))
    return max(times, default=None)


def _old(seen: Observed) -> list[Action]:
    """Finished Jobs beyond what the history keeps, the oldest first."""
    spec = seen.cron["spec"]
    actions: list[Action] = []
    for kind, key in (
        (COMPLETE, "successfulJobsHistoryLimit"),
        (FAILED, "failedJobsHistoryLimit"),
    ):
        limit = spec.get(key)
        found = [job for job in seen.jobs if holds(job, kind) and not is_deleting(job)]
        if limit is None or len(found) <= limit:
            continue
        found.sort(key=lambda job: ((job.get("status") or {}).get("startTime", ""), name_of(job)))
        for job in found[: len(found) - limit]:
            actions += _deleted(seen.cron, job)
    return actions


def _deleted(cron: Object, job: Object) -> list[Action]:
    said = f"Deleted job {name_of(job)}"
    return [
        Delete(resources.JOBS, job, propagation="Background"),
        Tell(cron, "Normal", "SuccessfulDelete", said),
    ]


class _Started(Struct, frozen=True):
    create: Object | None
    active: Sequence[Object]
    last: float | None
    again: float | None


def _start(
    seen: Observed, active: list[Object], last: float | None, actions: list[Action]
) -> _Started:
    cron, now = seen.cron, seen.now
    spec = cron["spec"]
    nothing = _Started(None, active, last, None)
    read = _read(cron, actions)
    if spec.get("suspend") or read is None:
        return nothing
    when, zone = read
    again = next(when.after(now, zone), now + 86400.0) - now + MARGIN
    due = _due(seen, last, when, zone, actions)
    waiting = _Started(None, active, last, again)
    if due is None:
        return waiting
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None and due + deadline < now:
        stamp = datetime.fromtimestamp(due, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
        said = f"Missed scheduled time to start a job: {stamp}"
        actions.append(Tell(cron, "Warning", "MissSchedule", said))
        return waiting
    if active and spec.get("concurrencyPolicy") == "Forbid":
        said = (
            "Not starting job because prior execution is running and concurrency policy is Forbid"
        )
        actions.append(Tell(cron, "Normal", "JobAlreadyActive", said))
        return waiting
    if active and spec.get("concurrencyPolicy") == "Replace":
        uids = {reference.get("uid") for reference in active}
        for job in seen.jobs:
            if uid_of(job) in uids:
                actions += _deleted(cron, job)
        active = []
    return _Started(new_job(cron, due, zone), active, due, again)


def _read(cron: Object, actions: list[Action]) -> tuple[schedule.Schedule, tzinfo] | None:
    spec = cron["spec"]
    text, name = spec.get("schedule", ""), spec.get("timeZone") or "UTC"
    try:
        zone = schedule.zone(name)
    except ValueError as error:
        said = f'invalid timeZone: "{name}": {error}'
        actions.append(Tell(cron, "Warning", "UnknownTimeZone", said))
        return None
    try:
        return schedule.parse(text), zone
    except ValueError as error:
        said = f'unparseable schedule: "{text}" : {error}'
        actions.append(Tell(cron, "Warning", "UnparseableSchedule", said))
        return None


def _due(
    seen: Observed,
    last: float | None,
    when: schedule.Schedule,
    zone: tzinfo,
    actions: list[Action],
) -> float | None:
    """The latest start time that was not acted upon."""
    since = last if last is not None else created_at(seen.cron)
    deadline = seen.cron["spec"].get("startingDeadlineSeconds")
    if deadline is not None:
        since = max(since, seen.now - deadline)
    found = when.latest(since, seen.now, zone)
    if found is None or found == last:
        return None
    if when.missed(since, seen.now, MOST_MISSED, zone) > MOST_MISSED:
        said = (
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check "
            "clock skew"
        )
        actions.append(Tell(seen.cron, "Warning", "TooManyMissedTimes", said))
    return found


def new_job(cron: Object, due: float, zone: tzinfo) -> Object:
    """The Job of one start time; its name tells the minute, so that none is started twice."""
    template = cron["spec"]["jobTemplate"]
    said = template.get("metadata") or {}
    stamp = datetime.fromtimestamp(due, zone).isoformat().replace("+00:00", "Z")
    metadata = {
        "name": f"{name_of(cron)}-{int(due) // 60}",
        "namespace": namespace_of(cron),
        "annotations": {**(said.get("annotations") or {}), SCHEDULED_AT: stamp},
        **({"labels": said["labels"]} if said.get("labels") else {}),
        "ownerReferences": [owner_reference(cron, "batch/v1", "CronJob")],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": template.get("spec") or {},
    }


def status_of(what: Plan, made: Object | None) -> Object:
    """The status when the plan is done; `made` is the new Job as it is stored."""
    active = list(what.active)
    if made is not None:
        active.append(
            {
                "kind": "Job",
                "namespace": namespace_of(made),
                "name": name_of(made),
                "uid": uid_of(made),
                "apiVersion": "batch/v1",
                "resourceVersion": made["metadata"].get("resourceVersion", ""),
            }
        )
    status: Object = {"active": active} if active else {}
    for key, time in (
        ("lastScheduleTime", what.last_schedule),
        ("lastSuccessfulTime", what.last_success),
    ):
        if time is not None:
            status[key] = rfc3339(time)
    return status
