"""Which of the possible nodes is best for a pod.

Each scorer gives every node a number, which becomes 0 to 100 relative to the others; weights are
those of upstream's default plugins.
"""

from collections.abc import Callable, Mapping, Sequence

from netemu.scheduler.facts import Node, Pod
from netemu.scheduler.filters import term_matches, tolerated
from netemu.scheduler.usage import Usage, assumed

BEST = 100.0

Candidate = tuple[Node, Usage]
Scorer = Callable[[Pod, Sequence[Candidate]], list[float]]


def _relative(numbers: Sequence[float], *, fewer_is_better: bool = False) -> list[float]:
    most = max(numbers)
    if most == 0:
        return [BEST if fewer_is_better else 0.0] * len(numbers)
    shares = [BEST * number / most for number in numbers]
    return [BEST - share for share in shares] if fewer_is_better else shares


def spanned(numbers: Sequence[float]) -> list[float]:
    """Numbers of either sign, the least becoming 0 and the most 100; equal ones all 0."""
    least, most = min(numbers), max(numbers)
    if least == most:
        return [0.0] * len(numbers)
    return [BEST * (number - least) / (most - least) for number in numbers]


def _few_repelling_taints(pod: Pod, candidates: Sequence[Candidate]) -> list[float]:
    numbers = [
        sum(t.effect == "PreferNoSchedule" and not tolerated(pod, t) for t in node.taints)
        for node, _ in candidates
    ]
    return _relative(numbers, fewer_is_better=True)


def _preferred(pod: Pod, candidates: Sequence[Candidate]) -> list[float]:
    numbers = [
        sum(weight for weight, term in pod.preferred if term_matches(term, node))
        for node, _ in candidates
    ]
    return _relative(numbers)


def _apart_from_siblings(pod: Pod, candidates: Sequence[Candidate]) -> list[float]:
    if not pod.owner:
        return [BEST] * len(candidates)
    numbers = [usage.owners[pod.owner] for _, usage in candidates]
    return _relative(numbers, fewer_is_better=True)


def _least_loaded(pod: Pod, candidates: Sequence[Candidate]) -> list[float]:
    """The mean over CPU and memory of what stays free, as a share of the node."""
    return [_free_share(assumed(pod), node, usage) for node, usage in candidates]


def _free_share(wanted: Mapping[str, int], node: Node, usage: Usage) -> float:
    shares = []
    for name, number in wanted.items():
        total = node.allocatable.get(name, 0)
        free = total - usage.assumed[name] - number
        shares.append(BEST * max(0, free) / total if total else 0.0)
    return sum(shares) / len(shares)


SCORERS: tuple[tuple[float, Scorer], ...] = (
    (3, _few_repelling_taints),
    (2, _preferred),
    (2, _apart_from_siblings),
    (1, _least_loaded),
)
"""Weight and scorer."""


def scores(pod: Pod, candidates: Sequence[Candidate]) -> list[float]:
    """The weighted sums, one for each candidate."""
    totals = [0.0] * len(candidates)
    for weight, scorer in SCORERS:
        for position, number in enumerate(scorer(pod, candidates)):
            totals[position] += weight * number
    return totals
