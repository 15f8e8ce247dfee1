"""What a pod's RuntimeClass adds to it (the RuntimeClass admission plugin, KEP-688)."""

from collections.abc import Mapping

from netemu.model.errors import Forbidden
from netemu.model.meta import Object


def with_runtime(pod: Object, found: Object | None) -> Object:
    """A new pod with the overhead and the scheduling of its class, which is `found`.

    Raises Forbidden.
    """
    spec = pod["spec"]
    name = spec["runtimeClassName"]
    if found is None:
        raise _refused(pod, f'RuntimeClass "{name}" not found')
    overhead = (found.get("overhead") or {}).get("podFixed") or {}
    if spec.get("overhead") and not overhead:
        raise unfounded(pod)
    if spec.get("overhead") and spec["overhead"] != overhead:
        raise _refused(pod, "Pod's Overhead doesn't match RuntimeClass's defined Overhead")
    scheduling = found.get("scheduling") or {}
    more: Object = {"overhead": overhead} if overhead else {}
    if selector := scheduling.get("nodeSelector"):
        more["nodeSelector"] = _merged(pod, spec.get("nodeSelector") or {}, selector)
    if tolerations := scheduling.get("tolerations"):
        given = spec.get("tolerations") or []
        more["tolerations"] = [*given, *(item for item in tolerations if item not in given)]
    return {**pod, "spec": {**spec, **more}}


def unfounded(pod: Object) -> Forbidden:
    """The refusal of an overhead that no class gives."""
    return _refused(pod, "Pod Overhead set without corresponding RuntimeClass defined Overhead")


def _merged(pod: Object, given: Mapping[str, str], selector: Mapping[str, str]) -> dict[str, str]:
    for key, value in selector.items():
        if given.get(key, value) != value:
            why = f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
            raise _refused(pod, f"{why}pod.spec.nodeSelector[{key}] = {given[key]}")
    return {**given, **selector}


def _refused(pod: Object, why: str) -> Forbidden:
    name = pod["metadata"].get("name", "")
    return Forbidden(f'pods "{name}" is forbidden: pod rejected: {why}', name=name, kind="pods")
