"""Pods and their PriorityClasses."""

import pytest

from netemu.api.priority import prioritized
from netemu.model.errors import Forbidden
from netemu.model.meta import Object
from tests.support.samples import pod

HIGH: Object = {"metadata": {"name": "high"}, "value": 1000, "preemptionPolicy": "Never"}
USUAL: Object = {"metadata": {"name": "usual"}, "value": 5, "globalDefault": True}


def test_a_class_becomes_a_number() -> None:
    spec = prioritized(pod("p", priorityClassName="high"), [HIGH, USUAL])["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (1000, "Never")


def test_without_one_the_default_class_counts() -> None:
    spec = prioritized(pod("p"), [HIGH, USUAL])["spec"]
    assert (spec["priority"], spec["priorityClassName"]) == (5, "usual")
    assert "priority" not in prioritized(pod("p"), [HIGH])["spec"]


def test_a_class_that_is_not_there_forbids_the_pod() -> None:
    with pytest.raises(Forbidden, match="no PriorityClass with name nope was found"):
        prioritized(pod("p", priorityClassName="nope"), [HIGH])


def test_the_number_is_not_for_users_to_say() -> None:
    with pytest.raises(Forbidden, match="computed 1000 from the given PriorityClass name"):
        prioritized(pod("p", priorityClassName="high", priority=7), [HIGH])
    assert prioritized(pod("p", priorityClassName="high", priority=1000), [HIGH])
