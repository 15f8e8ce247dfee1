"""Pods get nodes, or are told why not."""

from netemu.model import resources
from netemu.model.conditions import condition
from netemu.model.meta import Object
from tests.support.control import Control, control
from tests.support.samples import node


def new_pod(name: str, cpu: str = "100m", **spec: object) -> Object:
    requests = {"requests": {"cpu": cpu}}
    containers = [{"name": "c", "image": "pause", "resources": requests}]
    return {
        "metadata": {"namespace": "default", "name": name},
        "spec": {"containers": containers, **spec},
    }


def node_of(plane: Control, name: str) -> str:
    return str(plane.get(resources.PODS, name)["spec"].get("nodeName", ""))


async def test_a_pod_is_bound_and_that_is_told() -> None:
    async with control(nodes=1) as plane:
        await plane.apply(resources.PODS, new_pod("a"))
        assert node_of(plane, "a") == "node-1"
        assert plane.events("Scheduled") == ["a: Successfully assigned default/a to node-1"]
        scheduled = condition(plane.get(resources.PODS, "a"), "PodScheduled") or {}
        assert scheduled["status"] == "True"


async def test_a_pod_without_a_node_is_told_why_and_tried_again() -> None:
    async with control(nodes=1) as plane:
        await plane.apply(resources.PODS, new_pod("big", "8"))
        scheduled = condition(plane.get(resources.PODS, "big"), "PodScheduled") or {}
        assert (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")
        assert scheduled["message"].startswith("0/1 nodes are available: 1 Insufficient cpu. ")
        assert len(plane.events("FailedScheduling")) == 1
        await plane.client.create(resources.NODES, node("node-2", cpu="16"))
        await plane.settled()
        assert node_of(plane, "big") == "node-2"
        assert (condition(plane.get(resources.PODS, "big"), "PodScheduled") or {}).get(
            "reason"
        ) is None


async def test_room_that_a_pod_leaves_is_used() -> None:
    async with control(nodes=1) as plane:
        await plane.apply(resources.PODS, new_pod("first", "3"))
        await plane.apply(resources.PODS, new_pod("second", "3"))
        assert node_of(plane, "second") == ""
        await plane.end(plane.get(resources.PODS, "first"))
        await plane.settled()
        assert node_of(plane, "second") == "node-1"


async def test_an_ended_pod_takes_no_room() -> None:
    async with control(nodes=1) as plane:
        first = await plane.apply(resources.PODS, new_pod("first", "3"))
        await plane.apply(resources.PODS, new_pod("second", "3"))
        status = {**first["status"], "phase": "Succeeded"}
        await plane.client.update_status(resources.PODS, {**first, "status": status})
        await plane.settled()
        assert node_of(plane, "second") == "node-1"


async def test_an_uncordoned_node_is_used_at_once() -> None:
    async with control(nodes=1) as plane:
        one = plane.get(resources.NODES, "node-1", "")
        cordoned = {**one, "spec": {**one["spec"], "unschedulable": True}}
        await plane.client.update(resources.NODES, cordoned)
        await plane.settled()
        await plane.apply(resources.PODS, new_pod("a"))
        assert node_of(plane, "a") == ""
        one = plane.get(resources.NODES, "node-1", "")  # others write to it, too
        await plane.client.update(
            resources.NODES, {**one, "spec": {**one["spec"], "unschedulable": False}}
        )
        await plane.settled()
        assert node_of(plane, "a") == "node-1"


async def test_gated_pods_and_those_of_other_schedulers_are_left_alone() -> None:
    async with control(nodes=1) as plane:
        await plane.apply(resources.PODS, new_pod("gated", schedulingGates=[{"name": "x.dev/g"}]))
        await plane.apply(resources.PODS, new_pod("other", schedulerName="mine"))
        assert (node_of(plane, "gated"), node_of(plane, "other")) == ("", "")
        gated = plane.get(resources.PODS, "gated")
        spec = {key: value for key, value in gated["spec"].items() if key != "schedulingGates"}
        await plane.client.update(resources.PODS, {**gated, "spec": spec})
        await plane.settled()
        assert node_of(plane, "gated") == "node-1"


async def test_a_burst_of_pods_never_overfills_a_node() -> None:
    async with control(nodes=2) as plane:
        for number in range(10):
            await plane.client.create(resources.PODS, new_pod(f"p{number}", "1"))
        await plane.settled()
        places = [node_of(plane, f"p{number}") for number in range(10)]
        assert sorted(places) == [""] * 2 + ["node-1"] * 4 + ["node-2"] * 4
