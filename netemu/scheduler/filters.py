"""Which nodes a pod can run on, and in upstream's words why it can't run on the others.

The first filter that objects speaks for the node, in the order of upstream's default plugins.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from netemu.model.placement import Taint, Term, ports_meet
from netemu.model.selector import matches
from netemu.scheduler.facts import PODS, UNSCHEDULABLE, Node, Pod
from netemu.scheduler.usage import Usage


class Reason(Struct, frozen=True):
    """Why a node is out."""

    text: str
    preemptible: bool = False
    """Whether the node would do if other pods left it."""


Filter = Callable[[Pod, Node, Usage], tuple[Reason, ...]]


def _cordoned(pod: Pod, node: Node, usage: Usage) -> tuple[Reason, ...]:
    taint = Taint(UNSCHEDULABLE, "", "NoSchedule")
    if not node.unschedulable or tolerated(pod, taint):
        return ()
    return (Reason("node(s) were unschedulable"),)


def _tainted(pod: Pod, node: Node, usage: Usage) -> tuple[Reason, ...]:
    for taint in node.taints:
        if taint.effect != "PreferNoSchedule" and not tolerated(pod, taint):
            return (Reason(f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"),)
    return ()


def tolerated(pod: Pod, taint: Taint) -> bool:
    """Whether one of the pod's tolerations covers a taint."""
    return any(toleration.tolerates(taint) for toleration in pod.tolerations)


def is_tainted(pod: Pod, node: Node) -> bool:
    """Whether a taint keeps the pod off the node."""
    return any(t.effect != "PreferNoSchedule" and not tolerated(pod, t) for t in node.taints)


def is_wanted(pod: Pod, node: Node) -> bool:
    """Whether the node is of those that the pod wants."""
    required = pod.required is None or any(term_matches(term, node) for term in pod.required)
    return required and matches(pod.node_selector, node.labels)


def _unwanted(pod: Pod, node: Node, usage: Usage) -> tuple[Reason, ...]:
    if is_wanted(pod, node):
        return ()
    return (Reason("node(s) didn't match Pod's node affinity/selector"),)


def term_matches(term: Term, node: Node) -> bool:
    """Whether a node meets a term."""
    return term.matches(node.name, node.labels)


def _ports_taken(pod: Pod, node: Node, usage: Usage) -> tuple[Reason, ...]:
    taken = any(ports_meet(wanted, used) for wanted in pod.host_ports for used in usage.ports)
    text = "node(s) didn't have free ports for the requested pod ports"
    return (Reason(text, preemptible=True),) if taken else ()


def _too_full(pod: Pod, node: Node, usage: Usage) -> tuple[Reason, ...]:
    reasons = []
    if usage.pods + 1 > node.allocatable.get(PODS, 0):
        reasons.append(Reason("Too many pods", preemptible=True))
    for name, number in sorted(pod.requests.items()):
        total = node.allocatable.get(name, 0)
        if number and number > total - usage.requested[name]:
            # Larger than the whole node: then nobody's leaving helps.
            reasons.append(Reason(f"Insufficient {name}", preemptible=number <= total))
    return tuple(reasons)


FILTERS: tuple[Filter, ...] = (_cordoned, _tainted, _unwanted, _ports_taken, _too_full)


def objections(pod: Pod, node: Node, usage: Usage) -> tuple[Reason, ...]:
    """Why the pod cannot run on the node; nothing if it can."""
    return next(_objecting(pod, node, usage), ())


def _objecting(pod: Pod, node: Node, usage: Usage) -> Iterator[tuple[Reason, ...]]:
    for check in FILTERS:
        reasons = check(pod, node, usage)
        if reasons:
            yield reasons
