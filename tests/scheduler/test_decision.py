"""One pod's decision."""

import random

from netemu.model.placement import Taint
from netemu.scheduler.decision import Chosen, Unschedulable, decide
from netemu.scheduler.facts import Node, Pod
from netemu.scheduler.usage import Cluster

ROOM = {"cpu": 1000, "memory": 2**30, "pods": 10}


def cluster(*nodes: Node) -> Cluster:
    result = Cluster()
    for node in nodes:
        result.put_node(node)
    return result


def pod(name: str = "a", cpu: int = 100, preempts: bool = True) -> Pod:
    key = ("default", name)
    return Pod(key=key, uid=name, owner="rs", requests={"cpu": cpu}, preempts=preempts)


def test_siblings_are_spread_over_equal_nodes() -> None:
    where = cluster(*(Node(name=f"n{n}", allocatable=ROOM) for n in range(3)))
    rng = random.Random(1)
    for name in "abcdef":
        decision = decide(pod(name), where, rng)
        assert isinstance(decision, Chosen)
        where.place(pod(name), decision.node)
    assert [where.usage(f"n{n}").pods for n in range(3)] == [2, 2, 2]


def test_equal_nodes_are_chosen_at_random() -> None:
    where = cluster(*(Node(name=f"n{n}", allocatable=ROOM) for n in range(3)))
    found = {decide(pod(), where, random.Random(seed)) for seed in range(30)}
    assert len(found) == 3


def test_without_nodes_that_is_said() -> None:
    decision = decide(pod(), Cluster(), random.Random(1))
    assert decision == Unschedulable("no nodes available to schedule pods")


def test_the_reasons_are_counted() -> None:
    tainted = Node(name="n1", taints=(Taint("color", "red", "NoSchedule"),), allocatable=ROOM)
    where = cluster(tainted, *(Node(name=f"n{n}", allocatable=ROOM) for n in (2, 3)))
    for name, node in (("x", "n2"), ("y", "n3")):
        where.place(pod(name, 500), node)
    found = decide(pod(cpu=600), where, random.Random(1))
    assert isinstance(found, Unschedulable)
    assert found.message == (
        "0/3 nodes are available: 1 node(s) had untolerated taint {color: red}, "
        "2 Insufficient cpu. preemption: 0/3 nodes are available: "
        "1 Preemption is not helpful for scheduling, "
        "2 No preemption victims found for incoming pod."
    )
    decision = decide(pod(cpu=600, preempts=False), where, random.Random(1))
    assert isinstance(decision, Unschedulable)
    assert decision.message.endswith("preemption: not eligible due to preemptionPolicy=Never.")
