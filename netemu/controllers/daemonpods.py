"""A DaemonSet's pods: on which nodes they belong, and how they are made for one node each.

A pod is bound by the scheduler like any other; affinity to its node's name says where.
"""

from collections.abc import Mapping

from msgspec import Struct

from netemu.controllers.revisions import HASH_LABEL
from netemu.model.meta import (
    Object,
    annotations_of,
    copied,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from netemu.model.placement import (
    Taint,
    Toleration,
    required_terms,
    taints_of,
    tolerations_of,
)
from netemu.model.selector import equality, matches

GENERATION = "pod-template-generation"
"""A label from before there were revisions; clients still look for it."""
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

_EVERYWHERE = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
"""What every pod of a DaemonSet tolerates (pkg/controller/daemon/util)."""
_HOST_NETWORK = ("node.kubernetes.io/network-unavailable", "NoSchedule")


class Fit(Struct, frozen=True):
    """What a node is to a DaemonSet."""

    runs: bool
    """A pod is to be started on it."""
    stays: bool
    """A pod that is on it may stay."""


def fit(spec: Object, node: Object) -> Fit:
    """Whether pods of a template's spec belong on a node."""
    if not _selects(spec, node):
        return Fit(runs=False, stays=False)
    tolerations = (*tolerations_of(spec), *_automatic(spec))
    resented = [t.effect for t in taints_of(node) if not _tolerated(t, tolerations)]
    return Fit(
        runs=not any(effect in ("NoSchedule", "NoExecute") for effect in resented),
        stays="NoExecute" not in resented,
    )


def _selects(spec: Object, node: Object) -> bool:
    labels, name = labels_of(node), name_of(node)
    if spec.get("nodeName") not in (None, "", name):
        return False
    if not matches(equality(spec.get("nodeSelector") or {}), labels):
        return False
    terms = required_terms(spec)
    return terms is None or any(term.matches(name, labels) for term in terms)


def _automatic(spec: Object) -> tuple[Toleration, ...]:
    keys = (*_EVERYWHERE, _HOST_NETWORK) if spec.get("hostNetwork") else _EVERYWHERE
    return tuple(Toleration(key, "", effect, exists=True) for key, effect in keys)


def _tolerated(taint: Taint, tolerations: tuple[Toleration, ...]) -> bool:
    return any(item.tolerates(taint) for item in tolerations)


def new_pod(obj: Object, template: Object, number: str, node: str) -> Object:
    """A pod for one node; `number` is the hash of its revision."""
    said = template.get("metadata") or {}
    labels: dict[str, str] = {**(said.get("labels") or {}), HASH_LABEL: number}
    generation = annotations_of(obj).get(TEMPLATE_GENERATION)
    labels[GENERATION] = generation or str(obj["metadata"].get("generation") or 1)
    metadata = {
        "generateName": f"{name_of(obj)}-",
        "namespace": namespace_of(obj),
        "labels": labels,
        **{key: said[key] for key in ("annotations", "finalizers") if said.get(key)},
        "ownerReferences": [owner_reference(obj, "apps/v1", "DaemonSet")],
    }
    spec = _tolerant(_at_node(template["spec"], node))
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _at_node(spec: Object, node: str) -> Object:
    """Affinity to one node, in place of whatever affinity to nodes the template has."""
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    wanted = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    result: Object = copied(spec)
    affinity = result.setdefault("affinity", {})
    affinity["nodeAffinity"] = {**(affinity.get("nodeAffinity") or {}), _REQUIRED: wanted}
    return result


def _tolerant(spec: Object) -> Object:
    have = list(spec.get("tolerations") or ())
    keys = (*_EVERYWHERE, _HOST_NETWORK) if spec.get("hostNetwork") else _EVERYWHERE
    for key, effect in keys:
        item = {"key": key, "operator": "Exists", "effect": effect}
        if item not in have:
            have.append(item)
    return {**spec, "tolerations": have}


def node_of(pod: Object) -> str:
    """The node a pod runs on, or is meant for as long as it has none; "" if nobody knows."""
    if pod["spec"].get("nodeName"):
        return str(pod["spec"]["nodeName"])
    terms = _wanted_terms(pod["spec"])
    for term in terms.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and len(field.get("values") or ()) == 1:
                return str(field["values"][0])
    return ""


def _wanted_terms(spec: Mapping[str, Object]) -> Object:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    found: Object = affinity.get(_REQUIRED) or {}
    return found
