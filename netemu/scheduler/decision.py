"""One pod's decision: filter, score, choose; or a sentence that says why there is no node."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from netemu.scheduler.facts import Node, Pod
from netemu.scheduler.filters import Reason, is_tainted, is_wanted, objections
from netemu.scheduler.neighbours import (
    NONE,
    NOT_PREEMPTIBLE,
    Census,
    NamespaceLabels,
    Placed,
    Spread,
)
from netemu.scheduler.scores import scores, spanned
from netemu.scheduler.usage import Cluster, Usage

LIKING = 2.0
"""The weight of wishes about other pods (upstream's InterPodAffinity and PodTopologySpread)."""


class Chosen(Struct, frozen=True):
    """The node to run on."""

    node: str


class Unschedulable(Struct, frozen=True):
    """No node will do."""

    message: str
    """Upstream's words, as ``kubectl describe pod`` shows them."""
    refused: Mapping[str, Sequence[Reason]] = {}
    """Why each node is out."""


Decision: TypeAlias = Chosen | Unschedulable


def decide(
    pod: Pod, cluster: Cluster, rng: random.Random, of: NamespaceLabels = lambda _: {}
) -> Decision:
    """Choose a node; of equally good ones, any. `of`: the labels of a namespace."""
    if not cluster.nodes:
        return Unschedulable("no nodes available to schedule pods", {})
    census = census_of(pod, cluster, of)
    candidates = []
    refused: dict[str, tuple[Reason, ...]] = {}
    for name in sorted(cluster.nodes):
        node, usage = cluster.nodes[name], cluster.usage(name)
        reasons = judged(pod, node, usage, census)
        if reasons:
            refused[name] = reasons
        else:
            candidates.append((node, usage))
    if not candidates:
        return Unschedulable(explanation(pod, refused), refused)
    totals = scores(pod, candidates)
    if census is not None:
        likings = [census.liking(node.labels) for node, _ in candidates]
        totals = [a + LIKING * b for a, b in zip(totals, spanned(likings), strict=True)]
    best = max(totals)
    winners = [
        node.name for (node, _), total in zip(candidates, totals, strict=True) if total == best
    ]
    return Chosen(rng.choice(winners))


def judged(pod: Pod, node: Node, usage: Usage, census: Census | None) -> tuple[Reason, ...]:
    """Why the pod cannot run on the node; nothing if it can."""
    reasons = objections(pod, node, usage)
    if reasons or census is None:
        return reasons
    text = census.objection(node.labels)
    return (Reason(text, preemptible=text not in NOT_PREEMPTIBLE),) if text else ()


def census_of(pod: Pod, cluster: Cluster, of: NamespaceLabels) -> Census | None:
    """What the pod's decision depends on besides nodes; None: on nothing."""
    if pod.wishes is NONE and not cluster.wanted_by_some:
        return None
    nodes = cluster.nodes.values()
    eligible = {
        item: [node.labels for node in nodes if _counts(pod, node, item)]
        for item in pod.wishes.spread
    }
    others = [_placed(other, node.labels) for node, other in cluster.placed()]
    return Census(_placed(pod, {}), others, eligible, of)


def _placed(pod: Pod, labels: Mapping[str, str]) -> Placed:
    return Placed(pod.key[0], pod.labels, pod.wishes, pod.leaving, labels)


def _counts(pod: Pod, node: Node, item: Spread) -> bool:
    """Whether a node's domain is one to spread over (KEP-3094)."""
    wanted = not item.honors_affinity or is_wanted(pod, node)
    return wanted and (not item.honors_taints or not is_tainted(pod, node))


def nowhere(reason: str, nodes: int) -> str:
    """A reason that is the pod's own, so no node can help."""
    head = f"0/{nodes} nodes are available: "
    return f"{head}{reason}. preemption: {head}{nodes} Preemption is not helpful for scheduling."


def explanation(
    pod: Pod, refused: Mapping[str, Sequence[Reason]], preemption: str | None = None
) -> str:
    """Count the reasons over all nodes (upstream: FitError); `preemption` says what came of that,
    "" that others leave.
    """
    counts = Counter(reason.text for reasons in refused.values() for reason in reasons)
    head = f"0/{len(refused)} nodes are available: "
    said = _preemption(pod, refused, head) if preemption is None else preemption
    return f"{head}{_histogram(counts)}." + (f" preemption: {said}" if said else "")


def _preemption(pod: Pod, refused: Mapping[str, Sequence[Reason]], head: str) -> str:
    """What is said when nobody can be made to leave."""
    if not pod.preempts:
        return "not eligible due to preemptionPolicy=Never."
    counts = Counter(
        "No preemption victims found for incoming pod"
        if all(reason.preemptible for reason in reasons)
        else "Preemption is not helpful for scheduling"
        for reasons in refused.values()
    )
    return f"{head}{_histogram(counts)}."


def _histogram(counts: Mapping[str, int]) -> str:
    return ", ".join(sorted(f"{number} {text}" for text, number in counts.items()))
