"""Debugging containers, added to a pod that runs."""

from typing import Any

import pytest

from netemu.api.ephemeral import with_ephemeral
from netemu.api.patch import STRATEGIC
from netemu.model.errors import Invalid
from netemu.model.meta import Object
from netemu.model.resources import PODS
from tests.support.api import Cluster
from tests.support.node import container, pod

PATH = "/api/v1/namespaces/default/pods/web"


def debugger(name: str = "debug", **fields: Any) -> Object:
    return {"name": name, "image": "busybox", **fields}


def problems(*containers: Object, old: Object | None = None) -> list[str]:
    given = {"spec": {"ephemeralContainers": list(containers)}}
    with pytest.raises(Invalid) as refused:
        with_ephemeral(old or pod(container("main")), given)
    return [f"{cause.field}: {cause.message}" for cause in refused.value.causes]


def test_one_is_added_with_its_defaults_and_nothing_else_changes() -> None:
    old = pod(container("main"))
    given = {"spec": {"ephemeralContainers": [debugger(tty=True)], "containers": []}}
    new = with_ephemeral(old, given)
    assert new["spec"]["containers"][0]["name"] == "main"
    assert new["spec"]["ephemeralContainers"] == [
        {
            **debugger(tty=True),
            "imagePullPolicy": "Always",
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (debugger("main"), '.name: Duplicate value: "main"'),
        (debugger(image=""), ".image: Required value"),
        (debugger(targetContainerName="nope"), '.targetContainerName: Not found: "nope"'),
        (
            debugger(ports=[{"containerPort": 80, "protocol": "TCP"}]),
            ".ports: Forbidden: cannot be set for an Ephemeral Container",
        ),
        (
            debugger(lifecycle={"preStop": {"sleep": {"seconds": 1}}}),
            ".lifecycle: Forbidden: cannot be set for an Ephemeral Container",
        ),
        (debugger(image=" x"), '.image: Invalid value: " x": must not have leading or trailing'),
    ],
)
def test_rules(wrong: Object, said: str) -> None:
    assert any(
        problem.startswith("spec.ephemeralContainers[0]" + said) for problem in problems(wrong)
    )


def test_those_that_are_there_stay_as_they_are() -> None:
    old = with_ephemeral(pod(), {"spec": {"ephemeralContainers": [debugger()]}})
    path = "spec.ephemeralContainers: Forbidden: existing ephemeral containers "
    assert problems(old=old) == [f'{path}"debug" may not be removed\n']
    assert problems(debugger(image="other"), old=old) == [f'{path}"debug" may not be changed\n']
    both = [*old["spec"]["ephemeralContainers"], debugger("again")]
    new = with_ephemeral(old, {"spec": {"ephemeralContainers": both}})
    assert [item["name"] for item in new["spec"]["ephemeralContainers"]] == ["debug", "again"]


async def with_pod(cluster: Cluster) -> None:
    metadata, spec = {"name": "web", "namespace": "default"}, pod(container("main"))["spec"]
    client = cluster.registry.client("tests")
    await client.create(PODS, {"metadata": metadata, "spec": spec})


async def test_by_patch_and_by_put(cluster: Cluster) -> None:
    await with_pod(cluster)
    patch = {"spec": {"ephemeralContainers": [debugger(targetContainerName="main")]}}
    made = await cluster.json("PATCH", f"{PATH}/ephemeralcontainers", patch, content_type=STRATEGIC)
    assert made["spec"]["ephemeralContainers"][0]["targetContainerName"] == "main"
    more = [*made["spec"]["ephemeralContainers"], debugger("again")]
    whole = {**made, "spec": {**made["spec"], "ephemeralContainers": more, "containers": []}}
    put = await cluster.json("PUT", f"{PATH}/ephemeralcontainers", whole)
    assert len(put["spec"]["ephemeralContainers"]) == 2
    assert len(put["spec"]["containers"]) == 1
    assert await cluster.json("GET", f"{PATH}/ephemeralcontainers") == put
    old = await cluster.refused("PUT", f"{PATH}/ephemeralcontainers", whole)
    assert old["reason"] == "Conflict"


async def test_the_pod_itself_does_not_take_them(cluster: Cluster) -> None:
    await with_pod(cluster)
    patch = {"spec": {"ephemeralContainers": [debugger()]}}
    refused = await cluster.refused("PATCH", PATH, patch, content_type=STRATEGIC)
    assert "pod updates may not change fields other than" in refused["message"]
