"""One pod's decision: filter, score, choose; or a sentence that says why there is no node."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from netemu.scheduler.facts import Pod
from netemu.scheduler.filters import Reason, objections
from netemu.scheduler.scores import scores
from netemu.scheduler.usage import Cluster


class Chosen(Struct, frozen=True):
    """The node to run on."""

    node: str


class Unschedulable(Struct, frozen=True):
    """No node will do."""

    message: str
    """Upstream's words, as ``kubectl describe pod`` shows them."""


Decision: TypeAlias = Chosen | Unschedulable


def decide(pod: Pod, cluster: Cluster, rng: random.Random) -> Decision:
    """Choose a node; of equally good ones, any."""
    if not cluster.nodes:
        return Unschedulable("no nodes available to schedule pods")
    candidates = []
    refused: dict[str, tuple[Reason, ...]] = {}
    for name in sorted(cluster.nodes):
        node, usage = cluster.nodes[name], cluster.usage(name)
        reasons = objections(pod, node, usage)
        if reasons:
            refused[name] = reasons
        else:
            candidates.append((node, usage))
    if not candidates:
        return Unschedulable(explanation(pod, refused))
    totals = scores(pod, candidates)
    best = max(totals)
    winners = [
        node.name for (node, _), total in zip(candidates, totals, strict=True) if total == best
    ]
    return Chosen(rng.choice(winners))


def nowhere(reason: str, nodes: int) -> str:
    """A reason that is the pod's own, so no node can help."""
    head = f"0/{nodes} nodes are available: "
    return f"{head}{reason}. preemption: {head}{nodes} Preemption is not helpful for scheduling."


def explanation(pod: Pod, refused: Mapping[str, Sequence[Reason]]) -> str:
    """Count the reasons over all nodes (upstream: FitError)."""
    counts = Counter(reason.text for reasons in refused.values() for reason in reasons)
    head = f"0/{len(refused)} nodes are available: "
    return f"{head}{_histogram(counts)}. preemption: {_preemption(pod, refused, head)}"


def _preemption(pod: Pod, refused: Mapping[str, Sequence[Reason]], head: str) -> str:
    """No pod here has a lower priority than another, so the answer is always no."""
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
