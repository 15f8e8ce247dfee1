"""The status of a StatefulSet: counts of its pods, and which revisions are on their way."""

from collections.abc import Sequence

from netemu.controllers.pods import available_in, is_ready, phase_of
from netemu.controllers.statefulpods import revision_of
from netemu.model.meta import Object, is_deleting


def status_of(
    obj: Object,
    pods: Sequence[Object],
    *,
    current: str,
    update: str,
    rolling: bool,
    now: float,
) -> Object:
    """The status with these pods; `current` and `update` are names of revisions.

    When the last pod of a rolling update is ready, the new revision becomes the current one.
    """
    spec = obj["spec"]
    pause = int(spec.get("minReadySeconds") or 0)
    running = [pod for pod in pods if phase_of(pod) == "Running" and is_ready(pod)]
    alive = [pod for pod in pods if not is_deleting(pod)]
    before = obj.get("status") or {}
    replicas, ready = len(pods), len(running)
    updated = sum(revision_of(pod) == update for pod in alive)
    wanted = int(spec.get("replicas", 1))
    complete = rolling and updated == replicas == ready == wanted
    if complete:
        current = update
    numbers = {
        "readyReplicas": ready,
        "currentReplicas": sum(revision_of(pod) == current for pod in alive),
        "updatedReplicas": updated,
    }
    return {
        "observedGeneration": int(obj["metadata"].get("generation") or 0),
        "replicas": replicas,
        "availableReplicas": sum(available_in(pod, pause, now) == 0 for pod in running),
        **{key: number for key, number in numbers.items() if number},
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": int(before.get("collisionCount") or 0),
        **({"conditions": before["conditions"]} if before.get("conditions") else {}),
    }
