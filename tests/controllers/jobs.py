"""Jobs and their pods for tests."""

from netemu.clock import rfc3339
from netemu.controllers.jobpods import INDEX, TRACKING
from netemu.model import resources
from netemu.model.meta import Object, name_of, owner_reference
from tests.support.control import Control
from tests.support.samples import NOW

CONTAINER = {"name": "main", "image": "pause"}


def manifest(name: str = "pi", *, restart: str = "Never", **spec: object) -> Object:
    """A Job as a user writes it."""
    template = {"spec": {"restartPolicy": restart, "containers": [CONTAINER]}}
    metadata = {"namespace": "default", "name": name}
    return {"metadata": metadata, "spec": {"template": template, **spec}}


def job(status: Object | None = None, **spec: object) -> Object:
    """A Job as it is stored."""
    labels = {"batch.kubernetes.io/controller-uid": "j1"}
    defaults: Object = {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"restartPolicy": "Never", "containers": [CONTAINER]},
        },
    }
    metadata = {"namespace": "default", "name": "pi", "uid": "j1"}
    return {"metadata": metadata, "spec": {**defaults, **spec}, "status": status or {}}


def job_pod(
    number: int,
    phase: str = "Running",
    *,
    index: int | None = None,
    tracked: bool = True,
    deleting: bool = False,
    exit_code: int | None = None,
    since: float = NOW,
    conditions: list[Object] | None = None,
    annotations: dict[str, str] | None = None,
) -> Object:
    """One of the Job's pods."""
    metadata: Object = {
        "namespace": "default",
        "name": f"pi-{number}",
        "uid": f"p{number}",
        "labels": {"batch.kubernetes.io/controller-uid": "j1"},
        "annotations": dict(annotations or {}),
        "creationTimestamp": rfc3339(since),
        "ownerReferences": [owner_reference(job(), "batch/v1", "Job")],
    }
    if index is not None:
        metadata["annotations"][INDEX] = str(index)
    if tracked:
        metadata["finalizers"] = [TRACKING]
    if deleting:
        metadata |= {"deletionTimestamp": rfc3339(since), "deletionGracePeriodSeconds": 0}
    status: Object = {"phase": phase, "conditions": conditions or []}
    if phase in ("Failed", "Succeeded"):
        code = exit_code if exit_code is not None else int(phase == "Failed")
        ended = {"exitCode": code, "finishedAt": rfc3339(since)}
        status["containerStatuses"] = [{"name": "main", "state": {"terminated": ended}}]
    spec = {"containers": [CONTAINER], "nodeName": "node-1"}
    return {"metadata": metadata, "spec": spec, "status": status}


async def end(plane: Control, pod: Object, code: int = 0) -> None:
    """Say of a pod what its node says when its container has ended."""
    current = plane.get(resources.PODS, name_of(pod))
    ended = {"exitCode": code, "finishedAt": rfc3339(plane.clock.now()), "reason": "Error"}
    status = {
        **current["status"],
        "phase": "Failed" if code else "Succeeded",
        "containerStatuses": [{"name": "main", "restartCount": 0, "state": {"terminated": ended}}],
    }
    await plane.client.update_status(resources.PODS, {**current, "status": status})
    await plane.settled()


def open_pods(plane: Control) -> list[Object]:
    """Pods that have not ended."""
    return [p for p in plane.running() if p["status"]["phase"] in ("Pending", "Running")]
