"""What to do about a Job; pure (upstream: pkg/controller/job, syncJob and manageJob)."""

from collections.abc import Sequence

from msgspec import Struct

from netemu.clock import parse_rfc3339
from netemu.controllers.jobcount import Count, count, next_failures
from netemu.controllers.jobpods import (
    finished_at,
    index_failures,
    index_of,
    is_indexed,
    is_tracked,
    new_pod,
    replaces_only_failed,
)
from netemu.controllers.jobpolicy import succeeded_by
from netemu.controllers.jobstatus import (
    FAILURE_TARGET,
    SUCCESS_CRITERIA,
    Ending,
    finished,
    interim,
    status_of,
)
from netemu.controllers.podranking import first_to_go
from netemu.controllers.pods import restarts
from netemu.model.meta import Object, is_deleting

BURST = 500
"""Pods created or deleted in one turn at most (upstream: MaxPodCreateDeletePerSync)."""
LIMIT_REACHED = "Job has reached the specified backoff limit"
TOO_LONG = "Job was active longer than specified deadline"


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    job: Object
    pods: Sequence[Object]
    """Its own."""
    now: float
    first_backoff: float = 10.0
    """Seconds before a failed pod is replaced; doubled with each failure."""
    longest_backoff: float = 600.0


class Plan(Struct, frozen=True, kw_only=True):
    """What to do, in this order."""

    note: Object | None = None
    """The status that notes which pods have ended; before their finalizers go."""
    strip: Sequence[Object] = ()
    delete: Sequence[Object] = ()
    create: Sequence[Object] = ()
    status: Object | None = None
    """The status in the end; None when it is as it was."""
    events: Sequence[tuple[str, str, str]] = ()
    """(type, reason, message)."""
    again: float | None = None


def plan(seen: Observed) -> Plan:
    """Count what has ended, then make or remove pods, then say how it stands."""
    job = seen.job
    if finished(job):
        return Plan(strip=[pod for pod in seen.pods if is_tracked(pod)])
    found = count(job, seen.pods)
    ending = interim(job) or _ending(seen, found)
    create: list[Object] = []
    delete: Sequence[Object] = ()
    waits: list[float | None] = []
    if ending is not None:
        delete = found.active
    elif not is_deleting(job):
        create, delete, wait = _manage(seen, found)
        waits = [wait, _deadline_in(seen)]
        ending = _completed(job, found, len(found.active) - len(delete) + len(create))
    return _told(seen, found, ending, create, delete, waits)


def _told(
    seen: Observed,
    found: Count,
    ending: Ending | None,
    create: Sequence[Object],
    delete: Sequence[Object],
    waits: Sequence[float | None],
) -> Plan:
    job = seen.job
    shown = status_of(job, found, ending, create, delete, seen.now)
    before = job.get("status") or {}
    due = [wait for wait in waits if wait is not None]
    return Plan(
        note=shown.noted if found.strip and shown.noted != before else None,
        strip=found.strip,
        delete=delete,
        create=create,
        status=shown.final if shown.final != before else None,
        events=shown.events,
        again=min(due, default=None),
    )


def _ending(seen: Observed, found: Count) -> Ending | None:
    """Whether the Job is over before its pods are all done."""
    job = seen.job
    failure = _failure(seen, found)
    if failure is not None:
        return Ending(FAILURE_TARGET, *failure)
    if is_indexed(job):
        why = succeeded_by(job, found.done)
        if why:
            return Ending(SUCCESS_CRITERIA, "SuccessPolicy", why)
    return None


def _failure(seen: Observed, found: Count) -> tuple[str, str] | None:
    spec = seen.job["spec"]
    limit = int(spec.get("backoffLimit", 6))
    if found.fail_job:
        return "PodFailurePolicy", found.fail_job
    if found.failed > limit or _restarted_too_often(seen, found, limit):
        return "BackoffLimitExceeded", LIMIT_REACHED
    deadline = _deadline_in(seen)
    if deadline is not None and deadline <= 0:
        return "DeadlineExceeded", TOO_LONG
    if spec.get("backoffLimitPerIndex") is None:
        return None
    most = spec.get("maxFailedIndexes")
    if most is not None and len(found.given_up) > most:
        text = "Job has exceeded the specified maximal number of failed indexes"
        return "MaxFailedIndexesExceeded", text
    over = len(found.given_up) + len(found.done) >= int(spec.get("completions") or 0)
    if found.given_up and over:
        return "FailedIndexes", "Job has failed indexes"
    return None


def _restarted_too_often(seen: Observed, found: Count, limit: int) -> bool:
    """With restartPolicy OnFailure the containers' restarts are the failures."""
    if seen.job["spec"]["template"]["spec"].get("restartPolicy") != "OnFailure":
        return False
    total = sum(restarts(pod) for pod in found.active)
    return total > 0 if limit == 0 else total >= limit


def _deadline_in(seen: Observed) -> float | None:
    """Seconds until the Job has been active for too long."""
    spec, status = seen.job["spec"], seen.job.get("status") or {}
    limit, start = spec.get("activeDeadlineSeconds"), status.get("startTime")
    if limit is None or spec.get("suspend"):
        return None
    if not start:
        return float(limit)
    return max(0.0, parse_rfc3339(start) + float(limit) - seen.now)


def _manage(seen: Observed, found: Count) -> tuple[list[Object], Sequence[Object], float | None]:
    """Pods to create, pods to delete, and the seconds until pods may be created."""
    job, spec, active = seen.job, seen.job["spec"], found.active
    if spec.get("suspend"):
        return [], active[:BURST], None
    wanted = _wanted(job, found)
    leaving = _surplus(seen, active, len(active) - wanted)
    if leaving:
        return [], leaving[:BURST], None
    blocked = len(found.terminating) if replaces_only_failed(job) else 0
    missing = wanted - len(active) - blocked
    if missing <= 0:
        return [], (), None
    wait = _backoff(seen, found.failures_in_row, found.last_failure)
    if spec.get("backoffLimitPerIndex") is None and wait > 0:
        return [], (), wait
    if is_indexed(job):
        return _indexed(seen, found, min(missing, BURST))
    return [new_pod(job, None) for _ in range(min(missing, BURST))], (), None


def _wanted(job: Object, found: Count) -> int:
    spec = job["spec"]
    parallelism, completions = int(spec.get("parallelism", 1)), spec.get("completions")
    if completions is None:
        return len(found.active) if found.succeeded else parallelism
    missing = int(completions) - found.succeeded - len(found.given_up)
    return max(0, min(parallelism, missing))


def _surplus(seen: Observed, active: Sequence[Object], surplus: int) -> Sequence[Object]:
    """Pods to delete: those whose index nobody needs or another has first, then as usual."""
    leaving: list[Object] = []
    if is_indexed(seen.job):
        completions, taken = seen.job["spec"].get("completions") or 0, set()
        for pod in active:
            index = index_of(pod)
            if not 0 <= index < completions or index in taken:
                leaving.append(pod)
            taken.add(index)
    others = [pod for pod in active if all(pod is not item for item in leaving)]
    more = surplus - len(leaving)
    if more > 0:
        leaving += first_to_go(others, active, more, seen.now)
    return leaving


def _backoff(seen: Observed, failures: int, since: float) -> float:
    """Seconds still to wait after so many failures, the latest of them `since`."""
    if not failures:
        return 0.0
    delay = min(seen.first_backoff * 2.0 ** min(failures - 1, 20), seen.longest_backoff)
    return max(0.0, since + delay - seen.now)


def _indexed(
    seen: Observed, found: Count, room: int
) -> tuple[list[Object], Sequence[Object], float | None]:
    """Pods for the lowest indexes that have none; each index waits for itself alone."""
    job = seen.job
    busy = {index_of(pod) for pod in found.active} | found.done | found.given_up
    if replaces_only_failed(job):
        busy |= {index_of(pod) for pod in found.terminating}
    made: list[Object] = []
    waits: list[float] = []
    for index in range(int(job["spec"].get("completions") or 0)):
        if len(made) >= room:
            break
        if index in busy:
            continue
        last = found.last_failed.get(index)
        wait = 0.0
        if last is not None:
            wait = _backoff(seen, sum(index_failures(last)) + 1, finished_at(last))
        if wait > 0:
            waits.append(wait)
        else:
            made.append(new_pod(job, index, next_failures(job, last)))
    return made, (), min(waits, default=None)


def _completed(job: Object, found: Count, active: int) -> Ending | None:
    completions = job["spec"].get("completions")
    if completions is None:
        done = found.succeeded > 0 and active == 0
    else:
        done = found.succeeded >= completions
    if not done:
        return None
    return Ending(
        SUCCESS_CRITERIA, "CompletionsReached", "Reached expected number of succeeded pods"
    )
