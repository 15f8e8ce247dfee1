from netemu.clock import rfc3339
from netemu.model.conditions import condition, holds, with_condition

READY = {"type": "Ready", "status": "True"}


def test_a_new_condition_is_stamped_and_comes_last() -> None:
    first = with_condition(None, {"type": "A", "status": "True"}, 0.0)
    both = with_condition(first, READY, 60.0)
    assert [item["type"] for item in both] == ["A", "Ready"]
    assert both[1]["lastTransitionTime"] == "1970-01-01T00:01:00Z"


def test_the_stamp_moves_only_with_the_status() -> None:
    first = with_condition([], READY, 0.0)
    same = with_condition(first, {**READY, "reason": "Because"}, 60.0)
    assert same[0]["lastTransitionTime"] == rfc3339(0.0)
    assert same[0]["reason"] == "Because"
    other = with_condition(same, {"type": "Ready", "status": "False"}, 60.0)
    assert other[0]["lastTransitionTime"] == rfc3339(60.0)


def test_the_given_list_is_left_alone() -> None:
    first = with_condition([], READY, 0.0)
    with_condition(first, {"type": "Ready", "status": "False"}, 60.0)
    assert first[0]["status"] == "True"


def test_a_condition_holds_only_when_it_is_true() -> None:
    obj = {"status": {"conditions": [READY, {"type": "B", "status": "Unknown"}]}}
    assert holds(obj, "Ready")
    assert not holds(obj, "B")
    assert not holds(obj, "C")
    assert not holds({}, "Ready")
    assert condition(obj, "B") == {"type": "B", "status": "Unknown"}
