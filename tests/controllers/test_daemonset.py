"""DaemonSets in motion: real API, real controllers, a test in the node's place."""

from netemu.model.meta import Object, name_of
from netemu.model.resources import DAEMON_SETS, NODES, PODS
from tests.support.control import Control, control
from tests.support.samples import node, template


def daemon_set(image: str = "v1", **spec: object) -> Object:
    return {
        "metadata": {"namespace": "default", "name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            **spec,
        },
    }


def places(plane: Control) -> list[str]:
    return sorted(pod["spec"].get("nodeName", "") for pod in plane.running())


async def test_the_scheduler_binds_each_pod_to_its_node() -> None:
    async with control() as plane:
        await plane.apply(DAEMON_SETS, daemon_set())
        assert places(plane) == ["node-1", "node-2"]
        await plane.client.create(NODES, node("node-3"))
        await plane.settled()
        assert places(plane) == ["node-1", "node-2", "node-3"]
        assert any(text.startswith("web: Created pod: web-") for text in
                   plane.events("SuccessfulCreate"))  # fmt: skip


async def test_failures_on_a_node_are_answered_slower_and_slower() -> None:
    async with control(nodes=1) as plane:
        await plane.apply(DAEMON_SETS, daemon_set())
        first = await failed(plane)
        second = name_of(plane.running()[0])
        assert second != first
        await failed(plane)
        assert [name_of(pod) for pod in plane.running()] == [second]
        await plane.advance(1)
        assert [name_of(pod) for pod in plane.running()] != [second]


async def failed(plane: Control) -> str:
    """Let the only pod fail; its name."""
    [pod] = plane.running()
    status = {**pod["status"], "phase": "Failed"}
    await plane.client.update_status(PODS, {**pod, "status": status})
    await plane.settled()
    return name_of(pod)


async def test_a_node_that_went_counts_no_more() -> None:
    async with control() as plane:
        await plane.apply(DAEMON_SETS, daemon_set())
        await plane.client.delete(NODES, "", "node-2")
        await plane.settled()
        status = plane.get(DAEMON_SETS, "web")["status"]
        assert status["desiredNumberScheduled"] == 1
