"""autoscaling/v1, which is stored as v2."""

import msgspec
import pytest

from netemu.api.autoscalingv1 import BEHAVIOR, CONDITIONS, METRICS, shown, stored
from netemu.api.request import Stream
from netemu.model.meta import Object
from tests.support.api import Cluster

V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
V2 = V1.replace("/v1/", "/v2/")
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


def scaler(**spec: object) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3, **spec},
    }


def newer(*metrics: Object, **more: Object) -> Object:
    found = scaler(metrics=list(metrics), **more)
    return {**found, "apiVersion": "autoscaling/v2"}


def of(kind: str, source: str, **fields: object) -> Object:
    return {"type": kind, source: fields}


def target(kind: str, **value: object) -> Object:
    return {"type": kind, **value}


METRIC: Object = {"name": "hits", "selector": {"matchLabels": {"a": "b"}}}
WEB = {"kind": "Service", "name": "web"}
OTHERS = {
    "memory": of(
        "Resource", "resource", name="memory", target=target("AverageValue", averageValue="1Gi")
    ),
    "one container's": of(
        "ContainerResource",
        "containerResource",
        name="cpu",
        container="c",
        target=target("Utilization", averageUtilization=5),
    ),
    "pods'": of("Pods", "pods", metric=METRIC, target=target("AverageValue", averageValue="3")),
    "an object's": of(
        "Object", "object", describedObject=WEB, metric=METRIC, target=target("Value", value="9")
    ),
    "an object's average": of(
        "Object",
        "object",
        describedObject=WEB,
        metric=METRIC,
        target=target("AverageValue", averageValue="9"),
    ),
    "from outside": of("External", "external", metric=METRIC, target=target("Value", value="9")),
}


def test_there_and_back() -> None:
    obj = scaler(targetCPUUtilizationPercentage=70)
    assert shown(stored(obj))["spec"] == obj["spec"]
    assert shown(stored(scaler()))["spec"] == scaler()["spec"]


@pytest.mark.parametrize("metric", OTHERS.values(), ids=OTHERS)
def test_metrics_that_it_has_no_field_for_survive(metric: Object) -> None:
    obj = newer(metric, behavior={"scaleDown": {"stabilizationWindowSeconds": 0}})
    old = shown(obj)
    assert set(old["spec"]) == {"scaleTargetRef", "minReplicas", "maxReplicas"}
    assert set(old["metadata"]["annotations"]) == {METRICS, BEHAVIOR}
    assert {**stored(old), "status": {}} == {**obj, "status": {}}


def test_annotations_have_the_names_of_an_older_version() -> None:
    noted = shown(newer(OTHERS["an object's"]))["metadata"]["annotations"][METRICS]
    assert msgspec.json.decode(noted) == [
        {
            "type": "Object",
            "object": {
                "metricName": "hits",
                "target": WEB,
                "selector": METRIC["selector"],
                "targetValue": "9",
            },
        }
    ]


def test_status_is_told_too() -> None:
    current = {"averageUtilization": 40, "averageValue": "100m"}
    status = {
        "currentReplicas": 2,
        "desiredReplicas": 3,
        "currentMetrics": [of("Resource", "resource", name="cpu", current=current)],
        "conditions": [{"type": "AbleToScale", "status": "True"}],
    }
    old = shown({**newer(), "status": status})
    assert old["status"] == {
        "currentReplicas": 2,
        "desiredReplicas": 3,
        "currentCPUUtilizationPercentage": 40,
    }
    assert CONDITIONS in old["metadata"]["annotations"]
    assert stored(old)["status"] == status


def test_an_annotation_that_says_nothing_is_dropped() -> None:
    obj = scaler()
    obj["metadata"]["annotations"] = {METRICS: "{", "mine": "x"}
    assert stored(obj)["metadata"]["annotations"] == {"mine": "x"}


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


async def test_a_patch_of_one_keeps_what_only_the_other_says(cluster: Cluster) -> None:
    memory = OTHERS["memory"]
    await cluster.json("POST", V2, newer(memory))
    patch = {"spec": {"maxReplicas": 9, "targetCPUUtilizationPercentage": 50}}
    patched = await cluster.json("PATCH", f"{V1}/web", patch, content_type=MERGE)
    assert patched["spec"]["maxReplicas"] == 9
    found = await cluster.json("GET", f"{V2}/web")
    assert [m["resource"]["name"] for m in found["spec"]["metrics"]] == ["cpu", "memory"]
    assert "annotations" not in found["metadata"]


async def test_it_can_be_applied_and_watched(cluster: Cluster) -> None:
    stream = await cluster.ask("GET", V1, watch="true")
    assert isinstance(stream, Stream)
    both = await cluster.ask("GET", V2, watch="true")
    assert isinstance(both, Stream)
    made = await cluster.json("PATCH", f"{V1}/web", scaler(), content_type=APPLY, fieldManager="me")
    assert made["metadata"]["managedFields"][0]["apiVersion"] == "autoscaling/v1"
    for pieces, version in ((stream.pieces, "v1"), (both.pieces, "v2")):
        event = msgspec.json.decode(await anext(pieces))
        assert (event["type"], event["object"]["apiVersion"]) == ("ADDED", f"autoscaling/{version}")
        await pieces.aclose()
