"""Subresources that write a part of an object."""

import json
from typing import Any

from netemu.model.meta import Object
from tests.support.api import Cluster
from tests.support.bodies import DEPLOYMENT, DEPLOYMENTS, MAP, MERGE, POD, PODS

APPLY = "application/apply-patch+yaml"


async def test_scaling(cluster: Cluster) -> None:
    await cluster.json("POST", DEPLOYMENTS, DEPLOYMENT)
    scale = await cluster.json("GET", f"{DEPLOYMENTS}/d/scale")
    scale["spec"]["replicas"] = 4
    found = await cluster.json("PUT", f"{DEPLOYMENTS}/d/scale", scale)
    assert found["spec"] == {"replicas": 4}
    status = await cluster.refused("PUT", f"{DEPLOYMENTS}/d/scale", scale)
    assert status["reason"] == "Conflict"  # its version is old now
    patch = {"spec": {"replicas": 0}}
    found = await cluster.json("PATCH", f"{DEPLOYMENTS}/d/scale", patch, content_type=MERGE)
    assert found["spec"] == {}
    stored = await cluster.json("GET", f"{DEPLOYMENTS}/d")
    assert (stored["spec"]["replicas"], stored["metadata"]["generation"]) == (0, 3)


async def test_binding(cluster: Cluster) -> None:
    await cluster.json("POST", PODS, POD)
    wish = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    answer = await cluster.whole("POST", f"{PODS}/p/binding", wish)
    assert answer.status == 201
    assert json.loads(answer.body)["status"] == "Success"
    assert (await cluster.json("GET", f"{PODS}/p"))["spec"]["nodeName"] == "n"
    status = await cluster.refused("POST", f"{PODS}/p/binding", wish)
    assert status["message"] == (
        'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"'
    )


async def test_finalizing_a_namespace(cluster: Cluster) -> None:
    await cluster.json("POST", "/api/v1/namespaces", {"metadata": {"name": "x"}})
    deleted = await cluster.json("DELETE", "/api/v1/namespaces/x")
    assert deleted["status"]["phase"] == "Terminating"
    status = await cluster.refused("POST", "/api/v1/namespaces/x/configmaps", MAP)
    assert (status["code"], status["details"]["causes"][0]["reason"]) == (
        403,
        "NamespaceTerminating",
    )
    empty = {**deleted, "spec": {"finalizers": []}}
    await cluster.json("PUT", "/api/v1/namespaces/x/finalize", empty)
    assert (await cluster.refused("GET", "/api/v1/namespaces/x"))["code"] == 404


def a_scale(replicas: int) -> Object:
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "d", "namespace": "default"},
        "spec": {"replicas": replicas},
    }


async def apply_scale(cluster: Cluster, replicas: int, manager: str, **query: str) -> Any:
    path = f"{DEPLOYMENTS}/d/scale"
    return await cluster.whole(
        "PATCH", path, a_scale(replicas), content_type=APPLY, fieldManager=manager, **query
    )


async def test_applying_a_scale(cluster: Cluster) -> None:
    await cluster.json(
        "PATCH", f"{DEPLOYMENTS}/d", DEPLOYMENT, content_type=APPLY, fieldManager="me"
    )
    refused = json.loads((await apply_scale(cluster, 5, "scaler")).body)
    assert refused["message"] == 'Apply failed with 1 conflict: conflict with "me": .spec.replicas'
    found = json.loads((await apply_scale(cluster, 5, "scaler", force="true")).body)
    assert (found["kind"], found["spec"]) == ("Scale", {"replicas": 5})
    stored = await cluster.json("GET", f"{DEPLOYMENTS}/d")
    assert stored["spec"]["replicas"] == 5
    again = await apply_scale(cluster, 5, "scaler")
    assert again.status == 200
    assert await cluster.json("GET", f"{DEPLOYMENTS}/d") == stored


async def test_a_scale_is_applied_to_what_is_there(cluster: Cluster) -> None:
    assert (await apply_scale(cluster, 5, "scaler")).status == 404
