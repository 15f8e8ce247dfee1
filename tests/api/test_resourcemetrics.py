"""metrics.k8s.io: read, made on the spot."""

from netemu.api.resourcemetrics import quantities
from netemu.model.resources import PODS
from netemu.model.usage import Amount
from tests.support.api import Cluster

BASE = "/apis/metrics.k8s.io/v1beta1"


def test_as_metrics_server_writes_them() -> None:
    assert quantities(Amount(0.0015, 4096)) == {"cpu": "1500000n", "memory": "4Ki"}
    assert quantities(Amount(0.0, 0)) == {"cpu": "0", "memory": "0Ki"}


async def test_it_is_discovered(cluster: Cluster) -> None:
    listed = await cluster.json("GET", BASE)
    assert [(item["name"], item["kind"], item["verbs"]) for item in listed["resources"]] == [
        ("nodes", "NodeMetrics", ["get", "list"]),
        ("pods", "PodMetrics", ["get", "list"]),
    ]
    groups = (await cluster.json("GET", "/apis"))["groups"]
    assert "metrics.k8s.io" in [group["name"] for group in groups]


async def test_where_nobody_measures_there_is_nothing(cluster: Cluster) -> None:
    listed = await cluster.json("GET", f"{BASE}/pods")
    assert (listed["kind"], listed["items"]) == ("PodMetricsList", [])
    missing = await cluster.refused("GET", f"{BASE}/namespaces/default/pods/x")
    assert (missing["code"], missing["message"]) == (404, 'pods "x" not found')
    missing = await cluster.refused("GET", f"{BASE}/nodes/x")
    assert (missing["code"], missing["message"]) == (404, 'nodes "x" not found')
    client = cluster.registry.client("tests")
    spec = {"containers": [{"name": "c", "image": "busybox"}]}
    await client.create(PODS, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
    missing = await cluster.refused("GET", f"{BASE}/namespaces/default/pods/web")
    assert missing["message"] == 'podmetrics.metrics.k8s.io "default/web" not found'


async def test_nothing_can_be_written(cluster: Cluster) -> None:
    assert (await cluster.refused("POST", f"{BASE}/nodes", {}))["code"] == 405
