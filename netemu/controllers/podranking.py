"""Which pods of a ReplicaSet go first when it shrinks (upstream: controller.ActivePodsWithRanks).

Those that serve least are missed least: unscheduled before scheduled, pending before running, not
ready before ready, cheaper (pod-deletion-cost) first, then those whose node has most of their kind,
and the younger before the older.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from netemu.controllers.pods import created_at, is_active, is_ready, phase_of, ready_since, restarts
from netemu.model.meta import Object, annotations_of, uid_of

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def first_to_go(
    pods: Sequence[Object], related: Iterable[Object], count: int, now: float
) -> list[Object]:
    """The `count` pods to delete; `related` are all pods of the same kind, to tell who doubles."""
    nodes = Counter(node for pod in related if is_active(pod) and (node := _node(pod)))
    ranked = sorted(pods, key=lambda pod: _rank(pod, nodes[_node(pod)], now))
    return ranked[:count]


def _rank(pod: Object, doubled: int, now: float) -> tuple[Any, ...]:
    ready = is_ready(pod)
    return (
        bool(_node(pod)),
        _PHASES.get(phase_of(pod), 2),
        ready,
        _cost(pod),
        -doubled,
        _age(ready_since(pod), now) if ready else 0,
        -restarts(pod),
        _age(created_at(pod), now),
        uid_of(pod),
    )


def _node(pod: Object) -> str:
    return pod["spec"].get("nodeName") or ""


def _cost(pod: Object) -> int:
    try:
        return int(annotations_of(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _age(since: float, now: float) -> int:
    """Age in powers of two: about equally old pods go in random order, not all of one zone
    (KEP-2185).
    """
    return int(math.log2(now - since)) if now - since >= 1 else -1
