"""How fast a target grows and shrinks."""

from hypothesis import given
from hypothesis import strategies as st

from netemu.controllers.autoscalebehavior import Memory, decided
from netemu.model.meta import Object


def spec(**behavior: object) -> Object:
    found: Object = {"minReplicas": 2, "maxReplicas": 20}
    return {**found, "behavior": behavior} if behavior else found


def test_growing_at_once_but_at_most_by_four_or_by_half_of_all() -> None:
    verdict = decided(spec(), Memory(), 3, 20, 0.0)
    assert (verdict.replicas, verdict.limited[0]) == (7, "ScaleUpLimit")
    memory = Memory()
    memory.scaled(0.0, 3, 7)
    assert decided(spec(), memory, 7, 20, 5.0).replicas == 7, "the same fifteen seconds"
    assert decided(spec(), memory, 7, 20, 16.0).replicas == 14


def test_shrinking_only_when_it_was_lower_for_five_minutes() -> None:
    memory = Memory()
    assert decided(spec(), memory, 8, 8, 0.0).replicas == 8
    verdict = decided(spec(), memory, 8, 2, 200.0)
    assert (verdict.replicas, verdict.stable[0]) == (8, "ScaleDownStabilized")
    assert decided(spec(), memory, 8, 2, 301.0).replicas == 2


def test_a_window_of_its_own() -> None:
    obj = spec(scaleDown={"stabilizationWindowSeconds": 0, "policies": [
        {"type": "Pods", "value": 1, "periodSeconds": 60}]})  # fmt: skip
    verdict = decided(obj, Memory(), 8, 2, 0.0)
    assert (verdict.replicas, verdict.limited[0]) == (7, "ScaleDownLimit")


def test_disabled() -> None:
    obj = spec(scaleUp={"selectPolicy": "Disabled", "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15}]})  # fmt: skip
    assert decided(obj, Memory(), 3, 9, 0.0).replicas == 3


def test_within_its_bounds() -> None:
    assert decided(spec(), Memory(), 18, 30, 0.0).limited[0] == "TooManyReplicas"
    assert decided(spec(), Memory(), 2, 1, 0.0).limited[0] == "TooFewReplicas"
    assert decided(spec(), Memory(), 5, 5, 0.0).limited == ("", "")


@given(
    current=st.integers(2, 20),
    proposals=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    step=st.floats(1, 120),
)
def test_never_beyond_its_bounds_and_never_against_the_proposal(
    current: int, proposals: list[int], step: float
) -> None:
    memory, now = Memory(), 0.0
    for proposal in proposals:
        now += step
        verdict = decided(spec(), memory, current, proposal, now)
        assert 2 <= verdict.replicas <= 20
        if proposal >= current:
            assert verdict.replicas >= min(current, 20)
        memory.scaled(now, current, verdict.replicas)
        current = verdict.replicas
