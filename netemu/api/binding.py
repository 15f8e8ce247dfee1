"""Assigning a pod to a node: what ``pods/binding`` does to the pod; pure."""

from netemu.model.conditions import with_condition
from netemu.model.errors import Cause, Conflict, Invalid
from netemu.model.meta import Object, annotations_of, is_deleting, name_of, uid_of

_BINDING = "pods/binding"


def bound(pod: Object, request: Object, now: float) -> Object:
    """The pod as assigned to the node that a Binding names. Raises Conflict, Invalid."""
    target = request.get("target") or {}
    node, name = target.get("name"), name_of(pod)
    causes = [] if target.get("kind") in (None, "", "Node") else [_foreign(target["kind"])]
    if not node:
        causes.append(Cause(*_REQUIRED))
    if causes:
        raise Invalid("", "Binding", name, causes)
    _check(pod, (request.get("metadata") or {}).get("uid"))
    status = pod.get("status") or {}
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
    conditions = with_condition(status.get("conditions"), scheduled, now)
    given = (request.get("metadata") or {}).get("annotations")
    metadata = pod["metadata"]
    if given:
        metadata = {**metadata, "annotations": {**annotations_of(pod), **given}}
    return {
        **pod,
        "metadata": metadata,
        "spec": {**pod["spec"], "nodeName": node},
        "status": {**status, "conditions": [_without_reason(item) for item in conditions]},
    }


_REQUIRED = ("FieldValueRequired", "Required value", "target.name")


def _foreign(kind: str) -> Cause:
    said = f'Unsupported value: "{kind}": supported values: "Node", "<empty>"'
    return Cause("FieldValueNotSupported", said, "target.kind")


def _check(pod: Object, uid: str | None) -> None:
    name = name_of(pod)
    if uid and uid != uid_of(pod):
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {uid_of(pod)}"
        raise Conflict(_BINDING, name, why)
    if is_deleting(pod):
        raise Conflict(_BINDING, name, f"pod {name} is being deleted, cannot be assigned to a host")
    if node := pod["spec"].get("nodeName"):
        raise Conflict(_BINDING, name, f'pod {name} is already assigned to node "{node}"')


def _without_reason(item: Object) -> Object:
    """A condition that became true keeps no reason why it was false."""
    if item["type"] != "PodScheduled":
        return item
    return {key: value for key, value in item.items() if key not in ("reason", "message")}
