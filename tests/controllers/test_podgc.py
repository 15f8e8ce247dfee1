"""Pods of nodes that are gone."""

from netemu.controllers.podgc import bound, plan
from netemu.model import resources
from netemu.model.meta import Object
from tests.support.control import control
from tests.support.pile import Pile
from tests.support.samples import node, pod


def test_planning_on_its_own_result_gives_nothing() -> None:
    pile = Pile()
    pile.put(resources.PODS, pod("a"))
    pile.apply(plan(None, pile.all(resources.PODS)))
    assert plan(None, pile.all(resources.PODS)) == []


def test_an_existing_node_keeps_its_pods() -> None:
    assert plan(node("node-1"), [pod("a")]) == []
    assert list(bound(pod("a", node=""))) == []


async def test_a_node_that_comes_back_in_time_keeps_its_pods() -> None:
    async with control(nodes=1) as plane:
        await plane.apply(resources.PODS, new_pod())
        await plane.client.delete(resources.NODES, "", "node-1")
        await plane.advance(0.5)
        await plane.client.create(resources.NODES, node("node-1"))
        await plane.advance(5.0)
        assert len(plane.running()) == 1
        await plane.client.delete(resources.NODES, "", "node-1")
        await plane.advance(1.0)
        assert plane.all(resources.PODS) == []


def new_pod() -> Object:
    return {
        "metadata": {"namespace": "default", "name": "a"},
        "spec": {"containers": [{"name": "c", "image": "pause"}]},
    }
