"""autoscaling/v1, which is stored as v2."""

from netemu.api.autoscalingv1 import to_v1, to_v2
from netemu.model.meta import Object
from tests.support.api import Cluster

V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
V2 = V1.replace("/v1/", "/v2/")


def scaler(**spec: object) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3, **spec},
    }


def test_there_and_back() -> None:
    obj = scaler(targetCPUUtilizationPercentage=70)
    assert to_v1(to_v2(obj))["spec"] == obj["spec"]
    assert to_v1(to_v2(scaler()))["spec"] == scaler()["spec"]


async def test_written_as_one_and_read_as_the_other(cluster: Cluster) -> None:
    made = await cluster.json("POST", V1, scaler(targetCPUUtilizationPercentage=70))
    assert made["apiVersion"] == "autoscaling/v1"
    assert made["spec"]["targetCPUUtilizationPercentage"] == 70
    (metric,) = (await cluster.json("GET", f"{V2}/web"))["spec"]["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == 70
    listed = await cluster.json("GET", V1)
    assert listed["apiVersion"] == "autoscaling/v1"
    assert listed["items"][0]["spec"]["targetCPUUtilizationPercentage"] == 70


async def test_without_a_target_it_is_eighty_percent(cluster: Cluster) -> None:
    made = await cluster.json("POST", V1, scaler())
    assert made["spec"]["targetCPUUtilizationPercentage"] == 80


async def test_the_newer_version_is_preferred(cluster: Cluster) -> None:
    group = await cluster.json("GET", "/apis/autoscaling")
    assert [item["version"] for item in group["versions"]] == ["v2", "v1"]


async def test_patches_want_the_newer_version(cluster: Cluster) -> None:
    await cluster.json("POST", V1, scaler())
    kind = "application/merge-patch+json"
    found = await cluster.refused("PATCH", f"{V1}/web", {}, content_type=kind)
    assert found["code"] == 405
