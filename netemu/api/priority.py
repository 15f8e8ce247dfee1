"""How important a pod is: its PriorityClass becomes a number (the Priority admission plugin)."""

from collections.abc import Sequence

from netemu.model.errors import Forbidden
from netemu.model.meta import Object, name_of


def prioritized(pod: Object, classes: Sequence[Object]) -> Object:
    """The pod with the priority of its class, or of the default one. Raises Forbidden."""
    spec = pod.get("spec") or {}
    found = _class_of(pod, classes)
    value = int((found or {}).get("value") or 0)
    given = spec.get("priority")
    if given is not None and given != value:
        raise _forbidden(
            pod,
            f"the integer value of priority ({given}) must not be provided in pod spec; priority "
            f"admission controller computed {value} from the given PriorityClass name",
        )
    if found is None:
        return pod
    policy = found.get("preemptionPolicy") or "PreemptLowerPriority"
    decided = {"priorityClassName": name_of(found), "priority": value, "preemptionPolicy": policy}
    return {**pod, "spec": {**spec, **decided}}


def _class_of(pod: Object, classes: Sequence[Object]) -> Object | None:
    name = (pod.get("spec") or {}).get("priorityClassName")
    if not name:
        defaults = [item for item in classes if item.get("globalDefault")]
        return min(defaults, key=lambda item: int(item.get("value") or 0), default=None)
    for item in classes:
        if name_of(item) == name:
            return item
    raise _forbidden(pod, f"no PriorityClass with name {name} was found")


def _forbidden(pod: Object, why: str) -> Forbidden:
    name = pod["metadata"].get("name", "")
    return Forbidden(f'pods "{name}" is forbidden: {why}', name=name, kind="pods")
