from pathlib import Path
from typing import Any

import pytest

from netemu.model.meta import Object
from netemu.node.admission import Rejection, rejection
from tests.support.node import container, pod, shell, world

NODE: Object = {"metadata": {"name": "node-1", "labels": {"disk": "ssd"}}}
PORTS = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
AFFINITY = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"


def with_port(name: str, port: int = 80, **fields: Any) -> Object:
    return pod(container(ports=[{"containerPort": 80, "hostPort": port, **fields}]), name=name)


@pytest.mark.parametrize(
    ("new", "others", "expected"),
    [
        (pod(), [], None),
        (with_port("a"), [with_port("b", 81)], None),
        (with_port("a"), [with_port("b")], Rejection("NodePorts", PORTS)),
        (with_port("a"), [with_port("b", protocol="UDP")], None),
        (with_port("a"), [{**with_port("b"), "status": {"phase": "Failed"}}], None),
        (pod(nodeSelector={"disk": "ssd"}), [], None),
        (pod(nodeSelector={"disk": "hdd"}), [], Rejection("NodeAffinity", AFFINITY)),
    ],
    ids=["plain", "other port", "taken", "other protocol", "ended", "selected", "not selected"],
)
def test_what_a_node_refuses(new: Object, others: list[Object], expected: Any) -> None:
    assert rejection(new, NODE, others) == expected


async def test_a_refused_pod_has_failed_and_never_runs(tmp_path: Path) -> None:
    port = [{"containerPort": 80, "hostPort": 8099}]
    async with world(tmp_path) as it:
        await it.run(shell("exec sleep 60", ports=port), name="first")
        await it.state("running", name="first")
        await it.run(shell("exec sleep 60", ports=port))
        await it.phase("Failed")
        status = it.pod()["status"]
        assert (status["reason"], status["message"]) == (
            "NodePorts",
            f"Pod was rejected: {PORTS}",
        )
        assert await it.told("NodePorts") == [PORTS]
        assert len(it.runtime.sandboxes) == 1
        await it.clear()
