"""LimitRanges and ResourceQuotas, through the API."""

from typing import Any

from netemu.model.meta import Object
from tests.support.api import Cluster
from tests.support.objects import a_pod

HOME = "/api/v1/namespaces/default"
RANGE: Object = {
    "metadata": {"name": "r"},
    "spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "1"}}]},
}
CLAIM: Object = {
    "metadata": {"name": "c"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "2Gi"}},
    },
}


async def limited(cluster: Cluster, **hard: str) -> None:
    spec = {"hard": hard}
    await cluster.json("POST", f"{HOME}/resourcequotas", {"metadata": {"name": "q"}, "spec": spec})


async def test_a_pod_gets_its_limits_and_the_class_that_follows(cluster: Cluster) -> None:
    await cluster.json("POST", f"{HOME}/limitranges", RANGE)
    pod = await cluster.json("POST", f"{HOME}/pods", a_pod())
    (container,) = pod["spec"]["containers"]
    assert container["resources"] == {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}
    assert pod["status"]["qosClass"] == "Burstable"


async def test_too_much_is_forbidden(cluster: Cluster) -> None:
    await cluster.json("POST", f"{HOME}/limitranges", RANGE)
    pod = a_pod()
    pod["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "3"}}
    status = await cluster.refused("POST", f"{HOME}/pods", pod)
    assert status["message"] == (
        'pods "web" is forbidden: maximum cpu usage per Container is 2, but limit is 3'
    )
    assert (status["code"], status["details"]) == (403, {"name": "web", "kind": "pods"})


async def test_a_full_quota_holds_and_lets_go(cluster: Cluster) -> None:
    await limited(cluster, configmaps="1")
    maps = f"{HOME}/configmaps"
    await cluster.json("POST", maps, {"metadata": {"name": "a"}})
    status = await cluster.refused("POST", maps, {"metadata": {"name": "b"}})
    assert status["message"] == (
        'configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, '
        "used: configmaps=1, limited: configmaps=1"
    )
    await cluster.refused("POST", maps, {"metadata": {"name": "b"}}, dryRun="All")
    await cluster.json("DELETE", f"{maps}/a")
    await cluster.json("POST", maps, {"metadata": {"name": "b"}})


async def test_kinds_of_other_groups_count_by_name(cluster: Cluster) -> None:
    await limited(cluster, **{"count/leases.coordination.k8s.io": "0"})
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    status: Any = await cluster.refused("POST", path, {"metadata": {"name": "l"}})
    assert status["details"]["group"] == "coordination.k8s.io"


async def test_a_claim_may_not_outgrow_its_range(cluster: Cluster) -> None:
    limits = [{"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]
    body = {"metadata": {"name": "r"}, "spec": {"limits": limits}}
    await cluster.json("POST", f"{HOME}/limitranges", body)
    status = await cluster.refused("POST", f"{HOME}/persistentvolumeclaims", CLAIM)
    assert status["message"].endswith("per PersistentVolumeClaim is 1Gi, but request is 2Gi")
