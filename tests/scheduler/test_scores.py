"""Which node is better."""

import pytest

from netemu.model.placement import Taint, Term
from netemu.model.selector import Operator, Requirement
from netemu.scheduler.facts import Node, Pod
from netemu.scheduler.scores import scores
from netemu.scheduler.usage import Usage

ROOM = {"cpu": 4000, "memory": 2**33, "pods": 110}


def holding(*pods: Pod) -> Usage:
    usage = Usage()
    for pod in pods:
        usage.add(pod)
    return usage


def sibling(name: str, owner: str = "rs") -> Pod:
    return Pod(key=("default", name), uid=name, owner=owner)


GOOD = Node(name="good", labels={"disk": "ssd"}, allocatable=ROOM)
DISLIKED = Node(name="bad", taints=(Taint("x", "", "PreferNoSchedule"),), allocatable=ROOM)
SSD = Term((Requirement("disk", Operator.IN, ("ssd",)),), ())
WISHING = Pod(key=("default", "a"), uid="a", preferred=((10, SSD),))

CASES = [
    pytest.param(sibling("a"), Usage(), Usage(), DISLIKED, id="no disliked taint"),
    pytest.param(WISHING, holding(sibling("x")), Usage(), None, id="preferred before emptier"),
    pytest.param(
        sibling("a"), holding(sibling("x", "other")), holding(sibling("y")), None, id="no sibling"
    ),
    pytest.param(Pod(key=("d", "a"), uid="a"), Usage(), holding(sibling("y")), None, id="emptier"),
]


@pytest.mark.parametrize(("pod", "good", "bad", "other"), CASES)
def test_the_first_of_two_is_better(pod: Pod, good: Usage, bad: Usage, other: Node | None) -> None:
    worse = other or Node(name="bad", allocatable=ROOM)
    first, second = scores(pod, [(GOOD, good), (worse, bad)])
    assert first > second


def test_equal_nodes_have_equal_scores() -> None:
    first, second = scores(sibling("a"), [(GOOD, Usage()), (GOOD, Usage())])
    assert first == second
