"""Who has to leave a node for a pod of higher priority; pure.

As upstream's DefaultPreemption: on each node where leaving helps, all pods of lower priority are
taken away, and then as many as possible are let back, the most important first and those first
whose budget would be broken. The node is chosen by what the others lose.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from netemu.model.meta import Object, namespace_of
from netemu.model.selector import from_object, matches
from netemu.scheduler.decision import census_of, judged
from netemu.scheduler.facts import Pod
from netemu.scheduler.filters import Reason
from netemu.scheduler.neighbours import NamespaceLabels
from netemu.scheduler.usage import Cluster

TERMINATING = "not eligible due to a terminating pod on the nominated node."


class Victims(Struct, frozen=True):
    """The pods that have to leave a node."""

    node: str
    pods: tuple[Pod, ...]
    violations: int
    """How many of them a PodDisruptionBudget protects."""


def waits(pod: Pod, cluster: Cluster) -> bool:
    """Whether somebody is leaving already for this pod."""
    members = cluster.usage(pod.nominated).members.values() if pod.nominated else ()
    return any(other.leaving and other.priority < pod.priority for other in members)


def victims(
    pod: Pod,
    cluster: Cluster,
    refused: Mapping[str, Sequence[Reason]],
    budgets: Iterable[Object],
    of: NamespaceLabels,
) -> Victims | None:
    """The least harm that makes room for a pod; None where there is no way."""
    if not pod.preempts:
        return None
    known = list(budgets)
    found = []
    for name, reasons in sorted(refused.items()):
        if all(reason.preemptible for reason in reasons):
            on_node = _on_node(pod, cluster, name, known, of)
            if on_node is not None:
                found.append(on_node)
    return min(found, key=_harm, default=None)


def _harm(item: Victims) -> tuple[object, ...]:
    """What upstream compares, in its order; of equals the one whose victims began last."""
    priorities = [pod.priority for pod in item.pods]
    highest = max(priorities)
    newest = max(pod.started for pod in item.pods if pod.priority == highest)
    return (item.violations, highest, sum(priorities), len(priorities), _reversed(newest))


def _reversed(text: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in text)


def _on_node(
    pod: Pod, cluster: Cluster, name: str, budgets: Sequence[Object], of: NamespaceLabels
) -> Victims | None:
    node, before = cluster.nodes[name], dict(cluster.usage(name).members)
    lower = [other for other in before.values() if other.priority < pod.priority]
    if not lower:
        return None

    def fits() -> bool:
        return not judged(pod, node, cluster.usage(name), census_of(pod, cluster, of))

    try:
        for other in lower:
            cluster.remove(other.key)
        if not fits():
            return None
        gone, violations = _reprieved(cluster, name, lower, budgets, fits)
    finally:
        for other in lower:
            cluster.place(other, name)
    return Victims(name, tuple(gone), violations) if gone else None


def _reprieved(
    cluster: Cluster,
    name: str,
    lower: Sequence[Pod],
    budgets: Sequence[Object],
    fits: Callable[[], bool],
) -> tuple[list[Pod], int]:
    """Let back whoever can stay: who has to go, and how many of them a budget protects."""
    gone: list[Pod] = []
    protected = _protected(lower, budgets)
    order = sorted(lower, key=lambda p: (p.key not in protected, -p.priority, p.started, p.key))
    violations = 0
    for other in order:
        cluster.place(other, name)
        if not fits():
            cluster.remove(other.key)
            gone.append(other)
            violations += other.key in protected
    return gone, violations


def _protected(pods: Sequence[Pod], budgets: Sequence[Object]) -> set[tuple[str, str]]:
    """The pods that may not be disrupted any more, in order of importance."""
    left = [int((item.get("status") or {}).get("disruptionsAllowed") or 0) for item in budgets]
    found = set()
    for pod in sorted(pods, key=lambda item: -item.priority):
        for number, budget in enumerate(budgets):
            if _is_about(budget, pod):
                left[number] -= 1
                if left[number] < 0:
                    found.add(pod.key)
    return found


def _is_about(budget: Object, pod: Pod) -> bool:
    wanted = from_object(budget["spec"].get("selector"))
    if wanted is None or namespace_of(budget) != pod.key[0]:
        return False
    return matches(wanted, pod.labels)
