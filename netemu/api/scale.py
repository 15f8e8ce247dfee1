"""The scale subresource: a workload's replicas as an autoscaling/v1 Scale; pure."""

from typing import Final

from netemu.api.tables.wording import selector_text
from netemu.model.errors import BadRequest, Cause, Invalid
from netemu.model.meta import Object, name_of
from netemu.model.resources import Resource
from netemu.model.selector import Selector, equality, from_object

SCALE: Final = Resource("autoscaling", "v1", "Scale", "scales")
"""How a Scale is checked and patched; it is no resource of its own."""

_METADATA: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(workload: Object) -> Object:
    """The Scale of a Deployment or ReplicaSet."""
    metadata = workload["metadata"]
    spec, status = workload.get("spec") or {}, workload.get("status") or {}
    # Go leaves out zeros here: a Scale of nothing has an empty spec.
    replicas = spec.get("replicas", 1)
    selector = _selector(workload, spec.get("selector"))
    return {
        "kind": SCALE.kind,
        "apiVersion": SCALE.api_version,
        "metadata": {key: metadata[key] for key in _METADATA if key in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {
            "replicas": status.get("replicas", 0),
            **({"selector": selector_text(selector)} if selector else {}),
        },
    }


def _selector(workload: Object, given: Object | None) -> Selector | None:
    """The selector; that of a ReplicationController is a plain map."""
    if workload.get("kind") == "ReplicationController":
        return equality(given or {})
    return from_object(given)


def scaled(workload: Object, scale: Object) -> Object:
    """The workload with the replicas a Scale wants. Raises BadRequest, Invalid."""
    if (scale.get("kind", SCALE.kind), scale.get("apiVersion", SCALE.api_version)) != (
        SCALE.kind,
        SCALE.api_version,
    ):
        raise BadRequest(
            f"expected a {SCALE.api_version} {SCALE.kind}, not {scale.get('apiVersion')} "
            f"{scale.get('kind')}"
        )
    given = scale.get("metadata") or {}
    metadata = {**workload["metadata"]}
    for field in ("name", "namespace", "uid", "resourceVersion"):
        if given.get(field):
            metadata[field] = given[field]  # what doesn't fit is a conflict, as in any update
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        words = f"Invalid value: {replicas}: must be greater than or equal to 0"
        cause = Cause("FieldValueInvalid", words, "spec.replicas")
        raise Invalid(SCALE.group, SCALE.kind, name_of(workload), [cause])
    return {
        **workload,
        "metadata": metadata,
        "spec": {**workload["spec"], "replicas": replicas},
    }
