"""Which life's log a client means, and what it is told when there is none. Pure.

The words are the kubelet's (validateContainerLogStatus).
"""

from netemu.model.errors import BadRequest
from netemu.node.pod import ContainerSpec, Pod
from netemu.node.state import Container, done

_WORDS = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


def chosen_life(pod: Pod, spec: ContainerSpec, container: Container, previous: bool) -> int:
    """The number of the life whose log is shown. Raises BadRequest."""
    where = f'container "{spec.name}" in pod "{pod.name}"'
    if previous:
        number = _previous(pod, spec, container)
        if number is None:
            raise BadRequest(f"previous terminated {where} not found")
        return number
    if container.life is not None:
        return container.restarts
    if container.previous is not None:
        return container.restarts - 1
    reason = container.waiting.reason if container.waiting else "ContainerCreating"
    if container.waiting is None and any(s.role.initialises for s in pod.containers):
        reason = "PodInitializing"
    raise BadRequest(f"{where} is waiting to start: {_WORDS.get(reason, reason)}")


def _previous(pod: Pod, spec: ContainerSpec, container: Container) -> int | None:
    """The life that the status shows as lastState."""
    waits = container.waiting is not None and not done(pod, spec, container)
    if container.exited and waits:
        return container.restarts
    return container.restarts - 1 if container.previous is not None else None
