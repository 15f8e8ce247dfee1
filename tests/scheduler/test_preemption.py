"""Who has to leave for a more important pod."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from netemu.model import resources
from netemu.model.conditions import condition
from netemu.model.meta import Object
from netemu.scheduler.decision import Chosen, Unschedulable, decide
from netemu.scheduler.facts import Node, Pod
from netemu.scheduler.preemption import Victims, victims, waits
from netemu.scheduler.usage import Cluster
from tests.support.control import control

ROOM = {"cpu": 1000, "memory": 2**30, "pods": 10}


def cluster(nodes: int = 1) -> Cluster:
    made = Cluster()
    for number in range(nodes):
        made.put_node(Node(name=f"n{number + 1}", allocatable=ROOM))
    return made


def pod(name: str, cpu: int, priority: int = 0, **more: Any) -> Pod:
    given = {"requests": {"cpu": cpu}, "priority": priority, **more}
    return Pod(key=("default", name), uid=name, **given)


def found(wanted: Pod, where: Cluster, *budgets: Object) -> Victims | None:
    decision = decide(wanted, where, random.Random(1))
    assert isinstance(decision, Unschedulable)
    return victims(wanted, where, decision.refused, budgets, lambda _: {})


def names(item: Victims | None) -> list[str]:
    return sorted(pod.key[1] for pod in item.pods) if item else []


def test_the_least_important_go_and_no_more_than_needed() -> None:
    where = cluster()
    for name, cpu, priority in (("low", 600, 1), ("tiny", 100, 1), ("mid", 300, 100)):
        where.place(pod(name, cpu, priority), "n1")
    assert names(found(pod("high", 500, 1000), where)) == ["low"]
    assert names(found(pod("high", 900, 1000), where)) == ["low", "mid"]
    assert where.usage("n1").pods == 3  # it only thought of it


def test_nobody_goes_for_an_equal_or_for_one_who_does_not_push() -> None:
    where = cluster()
    where.place(pod("low", 600, 5), "n1")
    assert found(pod("equal", 600, 5), where) is None
    assert found(pod("polite", 600, 9, preempts=False), where) is None
    assert found(pod("huge", 2000, 9), where) is None


def test_the_node_is_chosen_where_least_is_lost() -> None:
    where = cluster(2)
    where.place(pod("a", 1000, 3), "n1")
    where.place(pod("b", 500, 1), "n2")
    where.place(pod("c", 500, 1), "n2")
    chosen = found(pod("high", 800, 10), where)
    assert chosen is not None
    assert (chosen.node, names(chosen)) == ("n2", ["b", "c"])


def test_budgets_are_kept_where_that_is_possible() -> None:
    where = cluster(2)
    for name, node in (("kept", "n1"), ("free", "n2")):
        where.place(pod(name, 1000, 1, labels={"app": name}), node)
    budget = {
        "metadata": {"name": "b", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "kept"}}},
        "status": {"disruptionsAllowed": 0},
    }
    assert names(found(pod("high", 500, 10), where, budget)) == ["free"]


def test_whoever_made_room_is_waited_for() -> None:
    where = cluster()
    where.place(pod("low", 600, 1, leaving=True), "n1")
    assert waits(pod("high", 600, 10, nominated="n1"), where)
    assert not waits(pod("high", 600, 10), where)


PODS = st.lists(st.tuples(st.integers(1, 10), st.integers(0, 3)), max_size=8)


@given(PODS, st.integers(1, 10), st.integers(1, 4))
def test_with_the_victims_gone_the_pod_fits_and_each_was_needed(
    given_pods: list[tuple[int, int]], cpu: int, priority: int
) -> None:
    where, free = cluster(2), {"n1": 1000, "n2": 1000}
    for number, (size, rank) in enumerate(given_pods):
        node = max(free, key=lambda name: free[name])
        if free[node] >= size * 100:
            free[node] -= size * 100
            where.place(pod(f"p{number}", size * 100, rank), node)
    wanted = pod("wanted", cpu * 100, priority)
    decision = decide(wanted, where, random.Random(1))
    if isinstance(decision, Chosen):
        return
    chosen = victims(wanted, where, decision.refused, (), lambda _: {})
    if chosen is None:
        return
    assert all(victim.priority < priority for victim in chosen.pods)
    for victim in chosen.pods:
        where.remove(victim.key)
    after = decide(wanted, where, random.Random(1))
    assert isinstance(after, Chosen)
    for victim in chosen.pods:  # with any one back, that node is too full again
        where.place(victim, chosen.node)
        again = decide(wanted, where, random.Random(1))
        assert isinstance(again, Unschedulable) or again.node != chosen.node
        where.remove(victim.key)


def asking(name: str, cpu: str, **spec: object) -> Object:
    requests = {"requests": {"cpu": cpu}}
    containers = [{"name": "c", "image": "pause", "resources": requests}]
    metadata = {"namespace": "default", "name": name}
    return {"metadata": metadata, "spec": {"containers": containers, **spec}}


async def test_room_is_made_kept_and_told_of() -> None:
    async with control(nodes=1) as plane:
        await plane.apply(resources.PRIORITY_CLASSES, {"metadata": {"name": "high"}, "value": 1000})
        await plane.apply(resources.PODS, asking("low", "3"))
        high = await plane.apply(resources.PODS, asking("high", "3", priorityClassName="high"))
        assert high["status"]["nominatedNodeName"] == "node-1"
        told = (condition(high, "PodScheduled") or {})["message"]
        assert told == "0/1 nodes are available: 1 Insufficient cpu."
        low = plane.get(resources.PODS, "low")
        assert "deletionTimestamp" in low["metadata"]
        assert (condition(low, "DisruptionTarget") or {})["reason"] == "PreemptionByScheduler"
        uid = high["metadata"]["uid"]
        assert plane.events("Preempted") == [f"low: Preempted by pod {uid} on node node-1"]
        await plane.apply(resources.PODS, asking("quick", "2"))  # the room is taken
        await plane.end(low)
        await plane.settled()
        assert plane.get(resources.PODS, "high")["spec"]["nodeName"] == "node-1"
        assert "nodeName" not in plane.get(resources.PODS, "quick")["spec"]
