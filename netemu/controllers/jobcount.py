"""Which of a Job's pods count, and as what; pure.

Three places together tell how many have ended: the numbers in the status, the uids that are noted
in it but whose pods may still bear the finalizer, and ended pods that were not noted yet. Each
pod goes through them in this order, once (KEP-2307).
"""

from collections.abc import Sequence

from msgspec import Struct, field

from netemu.controllers.jobpods import (
    finished_at,
    has_failed,
    index_failures,
    index_of,
    is_indexed,
    is_terminating,
    is_tracked,
)
from netemu.controllers.jobpolicy import Verdict, judge
from netemu.controllers.pods import is_active, phase_of
from netemu.model import indexes
from netemu.model.meta import Object, uid_of

MOST_NOTED = 500
"""Uids that a status notes at once (upstream: MaxUncountedPods)."""


class Count(Struct, frozen=True, kw_only=True):
    """How it stands with a Job's pods."""

    active: Sequence[Object]
    terminating: Sequence[Object]
    succeeded: int
    """All of them, noted or not."""
    failed: int
    noted_succeeded: tuple[str, ...]
    """Uids for the status, with those that were in it."""
    noted_failed: tuple[str, ...]
    strip: Sequence[Object]
    """Pods whose finalizer can go once the status is written."""
    done: frozenset[int] = frozenset()
    """Indexes that succeeded."""
    given_up: frozenset[int] = frozenset()
    """Indexes that failed for good."""
    last_failed: dict[int, Object] = field(default_factory=dict)
    """The latest failed pod of each index, where failures count by index."""
    fail_job: str = ""
    """Why the failure policy ends the Job."""
    failures_in_row: int = 0
    """Pods that failed since the last success."""
    last_failure: float = 0.0
    """When the latest of those ended."""


def count(job: Object, pods: Sequence[Object]) -> Count:
    """Count a Job's own pods."""
    status = job.get("status") or {}
    noted = status.get("uncountedTerminatedPods") or {}
    before_good, before_bad = noted.get("succeeded") or [], noted.get("failed") or []
    good = [pod for pod in pods if phase_of(pod) == "Succeeded"]
    bad = [(pod, judge(job, pod)) for pod in pods if has_failed(pod, job)]
    done, given_up, last_failed = _indexes(job, status, good, bad)
    held = _held(job, pods, done, given_up, last_failed)
    # What no finalizer holds any more has been counted before.
    new_good = [pod for pod in good if is_tracked(pod) and uid_of(pod) not in before_good]
    new_bad = [
        pod
        for pod, verdict in bad
        if is_tracked(pod) and uid_of(pod) not in before_bad and verdict.counts
    ]
    if is_indexed(job):
        succeeded, noted_good = len(done), []
    else:
        noted_good = [*before_good, *map(uid_of, new_good)][:MOST_NOTED]
        succeeded = int(status.get("succeeded") or 0) + len(before_good) + len(new_good)
    failed = int(status.get("failed") or 0) + len(before_bad) + len(new_bad)
    noted_bad = [*before_bad, *(uid_of(pod) for pod in new_bad if uid_of(pod) not in held)]
    noted_bad = noted_bad[:MOST_NOTED]
    skipped = held | {uid_of(pod) for pod in new_good if not is_indexed(job)} - {*noted_good}
    skipped |= {uid_of(pod) for pod in new_bad} - {*noted_bad}
    ended = [*good, *(pod for pod, _ in bad)]
    in_row, latest = _failures_in_row(good, bad)
    return Count(
        active=[pod for pod in pods if is_active(pod)],
        terminating=[pod for pod in pods if is_terminating(pod)],
        succeeded=succeeded,
        failed=failed,
        noted_succeeded=tuple(noted_good),
        noted_failed=tuple(noted_bad),
        strip=[pod for pod in ended if is_tracked(pod) and uid_of(pod) not in skipped],
        done=done,
        given_up=given_up,
        last_failed=last_failed,
        fail_job=next((v.message for _, v in bad if v.action == "FailJob"), ""),
        failures_in_row=in_row,
        last_failure=latest,
    )


Judged = Sequence[tuple[Object, Verdict]]


def _indexes(
    job: Object, status: Object, good: Sequence[Object], bad: Judged
) -> tuple[frozenset[int], frozenset[int], dict[int, Object]]:
    """Indexes that succeeded, those that failed for good, and each index's latest failure."""
    if not is_indexed(job):
        return frozenset(), frozenset(), {}
    completions = job["spec"].get("completions") or 0
    done = set(indexes.parse(status.get("completedIndexes") or "", completions))
    done |= {index for pod in good if 0 <= (index := index_of(pod)) < completions}
    limit = job["spec"].get("backoffLimitPerIndex")
    if limit is None:
        return frozenset(done), frozenset(), {}
    given_up = set(indexes.parse(status.get("failedIndexes") or "", completions))
    latest: dict[int, Object] = {}
    for pod, verdict in bad:
        index = index_of(pod)
        if not 0 <= index < completions or index in done:
            continue
        if index not in latest or index_failures(pod) > index_failures(latest[index]):
            latest[index] = pod
        if verdict.action == "FailIndex" or (verdict.counts and index_failures(pod)[0] >= limit):
            given_up.add(index)
    return frozenset(done), frozenset(given_up - done), latest


def _held(
    job: Object,
    pods: Sequence[Object],
    done: frozenset[int],
    given_up: frozenset[int],
    latest: dict[int, Object],
) -> set[str]:
    """Failed pods that must stay until they have a successor, which inherits the count."""
    running = {index_of(pod) for pod in pods if is_active(pod)}
    free = running | done | given_up
    return {uid_of(pod) for index, pod in latest.items() if index not in free}


def _failures_in_row(good: Sequence[Object], bad: Judged) -> tuple[int, float]:
    """How many pods have failed since one succeeded, and when the latest did."""
    last_success = max((finished_at(pod) for pod in good), default=0.0)
    ends = [finished_at(pod) for pod, verdict in bad if verdict.counts]
    later = [end for end in ends if end > last_success]
    return len(later), max(later, default=0.0)


def next_failures(job: Object, last: Object | None) -> tuple[int, int] | None:
    """What the next pod of an index inherits; None where failures don't count by index."""
    if job["spec"].get("backoffLimitPerIndex") is None:
        return None
    if last is None:
        return 0, 0
    counted, ignored = index_failures(last)
    return (counted + 1, ignored) if judge(job, last).counts else (counted, ignored + 1)
