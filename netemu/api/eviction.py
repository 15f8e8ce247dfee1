"""Evicting a pod: a deletion that a PodDisruptionBudget may forbid for now.

The judgement is pure; the caller writes what it says (pkg/registry/core/pod/storage/eviction.go).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from netemu.clock import rfc3339
from netemu.model import selector
from netemu.model.conditions import condition, holds, with_condition
from netemu.model.errors import ApiError, TooManyRequests
from netemu.model.meta import Object, is_deleting, labels_of, name_of, namespace_of
from netemu.model.resources import Resource

EVICTION: Final = Resource("policy", "v1", "Eviction", "evictions")
"""How an Eviction is checked; it is no resource of its own."""
OLD_VERSION: Final = "policy/v1beta1"
"""What kubectl before 1.22 sends; the same fields."""
RETRY_SECONDS: Final = 10


class Permit(Struct, frozen=True, kw_only=True):
    """The pod may go."""

    budget: Object | None = None
    """The budget that pays for it: its new state, with the new status."""


def budgets_of(pod: Object, budgets: Iterable[Object]) -> list[Object]:
    """The budgets that are about a pod, among those of its namespace."""
    found = []
    for budget in budgets:
        wanted = budget["spec"].get("selector")
        if wanted is None or namespace_of(budget) != namespace_of(pod):
            continue
        parsed = selector.from_object(wanted)
        if not wanted or (parsed is not None and selector.matches(parsed, labels_of(pod))):
            found.append(budget)
    return found


def judge(pod: Object, budgets: Sequence[Object], now: float) -> Permit:
    """Whether a pod with these budgets may be evicted. Raises ApiError, TooManyRequests."""
    phase = (pod.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed", "Pending") or is_deleting(pod):
        return Permit()  # nothing that works is lost
    if len(budgets) > 1:
        raise ApiError(_TWO)  # upstream's 500, without its preamble
    if not budgets:
        return Permit()
    (budget,) = budgets
    if not holds(pod, "Ready") and _unready_may_go(budget):
        return Permit()
    return Permit(budget=_paid(budget, pod, now))


_TWO = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
    "support."
)


def _unready_may_go(budget: Object) -> bool:
    """A pod that is not ready isn't counted as healthy (KEP-3017)."""
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired = int(status.get("desiredHealthy") or 0)
    return int(status.get("currentHealthy") or 0) >= desired > 0


def _paid(budget: Object, pod: Object, now: float) -> Object:
    """The budget after one more disruption. Raises TooManyRequests."""
    status, name = budget.get("status") or {}, name_of(budget)
    generation = int(budget["metadata"].get("generation") or 0)
    if int(status.get("observedGeneration") or 0) < generation:
        why = f"The disruption budget {name} is still being processed by the server."
        raise _refusal(why, retryAfterSeconds=RETRY_SECONDS)
    left = int(status.get("disruptionsAllowed") or 0)
    if left <= 0:
        raise _refusal(
            f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods "
            f"and has {status.get('currentHealthy', 0)} currently"
        )
    new = {
        **status,
        "disruptionsAllowed": left - 1,
        "disruptedPods": {**(status.get("disruptedPods") or {}), name_of(pod): rfc3339(now)},
    }
    if left == 1 and condition(budget, "DisruptionAllowed") is not None:
        none_left = {
            "type": "DisruptionAllowed",
            "status": "False",
            "reason": "InsufficientPods",
            "message": "",
            "observedGeneration": generation,
        }
        new["conditions"] = with_condition(status.get("conditions"), none_left, now)
    return {**budget, "status": new}


def _refusal(why: str, **more: int) -> TooManyRequests:
    return TooManyRequests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        causes=[{"reason": "DisruptionBudget", "message": why}],
        **more,
    )


def marked(pod: Object, now: float) -> Object:
    """The pod, with the condition that tells why it goes."""
    status = pod.get("status") or {}
    why = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    return {**pod, "status": {**status, "conditions": with_condition(
        status.get("conditions"), why, now
    )}}  # fmt: skip
