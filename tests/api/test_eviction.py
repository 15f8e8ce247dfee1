"""Evictions: who may go, and what the refused are told."""

import pytest

from netemu.api.eviction import budgets_of, judge, marked
from netemu.model.conditions import condition
from netemu.model.errors import ApiError, TooManyRequests
from netemu.model.meta import Object
from tests.support.samples import NOW, pod


def budget(allowed: int = 1, *, seen: int = 1, **spec: object) -> Object:
    return {
        "metadata": {"namespace": "default", "name": "b", "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
        "status": {
            "observedGeneration": seen,
            "disruptionsAllowed": allowed,
            "currentHealthy": 3,
            "desiredHealthy": 2,
        },
    }


def test_without_a_budget_it_goes() -> None:
    assert judge(pod("p"), [], NOW).budget is None


def test_the_budget_pays() -> None:
    paid = judge(pod("p"), [budget()], NOW).budget
    assert paid is not None
    assert paid["status"]["disruptionsAllowed"] == 0
    assert list(paid["status"]["disruptedPods"]) == ["p"]


def test_a_budget_that_is_used_up_refuses() -> None:
    """13.5 of the upstream catalogue; the words and the cause that drain looks for."""
    with pytest.raises(TooManyRequests) as refused:
        judge(pod("p"), [budget(0)], NOW)
    status = refused.value.status()
    assert status["code"] == 429
    assert status["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    assert status["details"]["causes"] == [
        {
            "reason": "DisruptionBudget",
            "message": "The disruption budget b needs 2 healthy pods and has 3 currently",
        }
    ]


def test_a_budget_that_nobody_looked_at_yet_refuses() -> None:
    with pytest.raises(TooManyRequests) as refused:
        judge(pod("p"), [budget(seen=0)], NOW)
    assert refused.value.details["retryAfterSeconds"] == 10


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_what_does_not_run_may_always_go(phase: str) -> None:
    assert judge(pod("p", phase=phase), [budget(0)], NOW).budget is None


def test_unready_pods_go_by_policy() -> None:
    """13.7: by default only while the others are enough."""
    unready = pod("p", ready=False)
    assert judge(unready, [budget(0)], NOW).budget is None
    short = budget(0)
    short["status"]["currentHealthy"] = 1
    with pytest.raises(TooManyRequests):
        judge(unready, [short], NOW)
    always = {**short, "spec": {**short["spec"], "unhealthyPodEvictionPolicy": "AlwaysAllow"}}
    assert judge(unready, [always], NOW).budget is None


def test_two_budgets_are_one_too_many() -> None:
    with pytest.raises(ApiError, match="more than one PodDisruptionBudget"):
        judge(pod("p"), [budget(), budget()], NOW)


def test_which_budgets_are_about_a_pod() -> None:
    everything = {**budget(), "spec": {"selector": {}}}
    nothing = {**budget(), "spec": {}}
    other = {**budget(), "spec": {"selector": {"matchLabels": {"app": "db"}}}}
    mine = budget()
    assert budgets_of(pod("p"), [everything, nothing, other, mine]) == [everything, mine]


def test_a_pod_says_why_it_goes() -> None:
    found = condition(marked(pod("p"), NOW), "DisruptionTarget") or {}
    assert (found["status"], found["reason"]) == ("True", "EvictionByEvictionAPI")
