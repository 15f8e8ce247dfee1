"""Whether a node takes a pod it was given: what the kubelet checks again by itself. Pure.

The scheduler never sends such pods, but whoever sets spec.nodeName by hand may. What a node refuses
has failed for good, and its controller makes another one.
"""

from collections.abc import Iterable

from msgspec import Struct

from netemu.model.meta import Object, is_deleting, labels_of, name_of, uid_of
from netemu.model.placement import host_ports, ports_meet, required_terms
from netemu.model.selector import equality, matches

ENDED = ("Succeeded", "Failed")


class Rejection(Struct, frozen=True):
    """Why a node refuses a pod, in the kubelet's words (pkg/kubelet/lifecycle/predicate.go)."""

    reason: str
    message: str


def rejection(pod: Object, node: Object, others: Iterable[Object]) -> Rejection | None:
    """What speaks against a new pod; `others` are the pods of the node."""
    if not _is_selected(pod["spec"], node):
        return _failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    wanted = list(host_ports(pod["spec"]))
    if wanted and _taken(pod, wanted, others):
        words = "node(s) didn't have free ports for the requested pod ports"
        return _failed("NodePorts", words)
    return None


def _failed(predicate: str, words: str) -> Rejection:
    return Rejection(predicate, f"Predicate {predicate} failed: {words}")


def _is_selected(spec: Object, node: Object) -> bool:
    labels, name = labels_of(node), name_of(node)
    if not matches(equality(spec.get("nodeSelector") or {}), labels):
        return False
    terms = required_terms(spec)
    return terms is None or any(term.matches(name, labels) for term in terms)


def _taken(pod: Object, wanted: Iterable[tuple[str, str, int]], others: Iterable[Object]) -> bool:
    used = [
        port
        for other in others
        if uid_of(other) != uid_of(pod) and (other.get("status") or {}).get("phase") not in ENDED
        for port in host_ports(other["spec"])
    ]
    return any(ports_meet(one, two) for one in wanted for two in used)


def rejected(status: Object, why: Rejection) -> Object:
    """The status of a pod that its node refused."""
    return {
        **status,
        "phase": "Failed",
        "reason": why.reason,
        "message": f"Pod was rejected: {why.message}",
    }


def may_be_judged(pod: Object) -> bool:
    """Whether a pod is new: neither started nor ended nor on its way out."""
    status = pod.get("status") or {}
    new = not status.get("startTime") and status.get("phase", "Pending") == "Pending"
    return new and not is_deleting(pod)
