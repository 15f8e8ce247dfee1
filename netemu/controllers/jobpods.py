"""Facts about a Job's pods, and how a Job makes new ones; pure.

The finalizer keeps a pod until it has been counted, so that a pod that vanishes is never run again
for nothing (KEP-2307).
"""

from netemu.clock import parse_rfc3339
from netemu.controllers.pods import created_at, has_ended, phase_of
from netemu.model.conditions import condition
from netemu.model.meta import (
    Object,
    annotations_of,
    controller_of,
    is_deleting,
    name_of,
    namespace_of,
    owner_reference,
)

TRACKING = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"
INDEX_ENV = "JOB_COMPLETION_INDEX"
LONGEST_PREFIX = 58
"""What a generated name may begin with."""


def is_indexed(job: Object) -> bool:
    """Whether each pod has a number of its own."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def is_tracked(pod: Object) -> bool:
    """Whether it has yet to be counted."""
    return TRACKING in (pod["metadata"].get("finalizers") or ())


def untracked(pod: Object) -> Object:
    """The pod, counted."""
    left = [item for item in pod["metadata"].get("finalizers") or () if item != TRACKING]
    metadata = {key: value for key, value in pod["metadata"].items() if key != "finalizers"}
    return {**pod, "metadata": {**metadata, "finalizers": left} if left else metadata}


def tracked(pod: Object) -> Object:
    """The pod, to be counted when it ends."""
    have = pod["metadata"].get("finalizers") or []
    if TRACKING in have:
        return pod
    return {**pod, "metadata": {**pod["metadata"], "finalizers": [*have, TRACKING]}}


def owned_by_job(pod: Object) -> bool:
    """Whether a Job controls it."""
    owner = controller_of(pod)
    return owner is not None and owner["kind"] == "Job"


def index_of(pod: Object) -> int:
    """Its completion index; -1 when it has none."""
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isdecimal() else -1


def replaces_only_failed(job: Object) -> bool:
    """Whether a pod on its way out still counts as running (KEP-3939)."""
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or bool(spec.get("podFailurePolicy"))


def is_terminating(pod: Object) -> bool:
    """Whether it is on its way out."""
    return is_deleting(pod) and not has_ended(pod)


def has_failed(pod: Object, job: Object) -> bool:
    """Whether it counts as failed. One that nobody will ever run counts as soon as it is deleted,
    for no kubelet will report on it.
    """
    phase = phase_of(pod)
    if phase == "Failed":
        return True
    if not is_deleting(pod) or phase == "Succeeded":
        return False
    return not replaces_only_failed(job) or not pod["spec"].get("nodeName")


def finished_at(pod: Object) -> float:
    """When it ended, in seconds since the epoch, as well as can be told."""
    ends = [
        parse_rfc3339(ended["finishedAt"])
        for item in (pod.get("status") or {}).get("containerStatuses") or ()
        if (ended := (item.get("state") or {}).get("terminated")) and ended.get("finishedAt")
    ]
    if ends:
        return max(ends)
    ready = condition(pod, "Ready")
    if ready is not None and ready["status"] == "False" and ready.get("lastTransitionTime"):
        return parse_rfc3339(ready["lastTransitionTime"])
    if is_deleting(pod):
        metadata = pod["metadata"]
        grace = int(metadata.get("deletionGracePeriodSeconds") or 0)
        return parse_rfc3339(metadata["deletionTimestamp"]) - grace
    return created_at(pod)


def index_failures(pod: Object) -> tuple[int, int]:
    """How often its index had failed before it: counted, and ignored."""
    noted = annotations_of(pod)
    counts = [noted.get(key, "0") for key in (FAILURES, IGNORED_FAILURES)]
    first, second = (int(text) if text.isdecimal() else 0 for text in counts)
    return first, second


def new_pod(job: Object, index: int | None, failures: tuple[int, int] | None = None) -> Object:
    """A pod as the Job's template describes it; `failures` of its index, where those count."""
    template = job["spec"]["template"]
    said = template.get("metadata") or {}
    labels, notes = dict(said.get("labels") or {}), dict(said.get("annotations") or {})
    spec, prefix = template["spec"], f"{name_of(job)}-"
    if index is not None:
        labels[INDEX] = notes[INDEX] = str(index)
        spec = _with_index(spec)
        if not spec.get("hostname"):
            spec = {**spec, "hostname": f"{name_of(job)}-{index}"}
        tail = f"-{index}-"
        prefix = f"{name_of(job)[: LONGEST_PREFIX - len(tail)]}{tail}"
    if failures is not None:
        notes[FAILURES] = str(failures[0])
        if failures[1]:
            notes[IGNORED_FAILURES] = str(failures[1])
    metadata = {
        "generateName": prefix,
        "namespace": namespace_of(job),
        "labels": labels,
        **({"annotations": notes} if notes else {}),
        "finalizers": [*(said.get("finalizers") or ()), TRACKING],
        "ownerReferences": [owner_reference(job, "batch/v1", "Job")],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _with_index(spec: Object) -> Object:
    """The pod spec whose containers know the index, unless they say otherwise themselves."""
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
    variable = {"name": INDEX_ENV, "valueFrom": source}
    result = dict(spec)
    for key in ("initContainers", "containers"):
        if spec.get(key):
            result[key] = [_with_variable(item, variable) for item in spec[key]]
    return result


def _with_variable(container: Object, variable: Object) -> Object:
    env = container.get("env") or []
    if any(item["name"] == INDEX_ENV for item in env):
        return container
    return {**container, "env": [*env, variable]}
