"""Who goes first."""

import pytest

from netemu.controllers.podranking import DELETION_COST, first_to_go
from netemu.model.meta import Object
from tests.support.samples import NOW, pod


def restarted(name: str, count: int) -> Object:
    obj = pod(name)
    obj["status"]["containerStatuses"] = [{"restartCount": count}]
    return obj


def costing(name: str, cost: str) -> Object:
    obj = pod(name)
    obj["metadata"]["annotations"] = {DELETION_COST: cost}
    return obj


PAIRS = [
    pytest.param(pod("z", node="", phase="Pending", ready=False), pod("a"), id="unscheduled"),
    pytest.param(pod("z", phase="Pending"), pod("a"), id="pending"),
    pytest.param(pod("z", ready=False), pod("a"), id="not ready"),
    pytest.param(costing("z", "-1"), costing("a", "x"), id="cheaper"),
    pytest.param(pod("z", since=NOW - 10), pod("a", since=NOW - 9000), id="ready for less time"),
    pytest.param(restarted("z", 3), restarted("a", 1), id="restarted more"),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_pods_one_goes_first(first: Object, second: Object) -> None:
    assert first_to_go([second, first], [first, second], 1, NOW) == [first]


def test_the_node_with_most_of_its_kind_gives_first() -> None:
    lonely, twin, sibling = pod("a", node="n1"), pod("b", node="n2"), pod("c", node="n2")
    assert first_to_go([lonely, twin], [lonely, twin, sibling], 1, NOW) == [twin]


def test_no_more_go_than_asked_for() -> None:
    pods = [pod(name) for name in "abc"]
    assert len(first_to_go(pods, pods, 2, NOW)) == 2
