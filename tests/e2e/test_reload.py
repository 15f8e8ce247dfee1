"""Workloads that are rolled when their ConfigMap or Secret changes."""

import json
from typing import Any

import pytest

from netemu.testing import Instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SLEEP = "trap exit TERM; while :; do sleep 0.1; done"


def template(**annotations: str) -> Any:
    main = {
        "name": "main",
        "image": "busybox",
        "command": ["sh", "-c", SLEEP],
        "envFrom": [{"configMapRef": {"name": "app"}}],
    }
    return {
        "metadata": {"labels": {"app": "web"}, "annotations": annotations},
        "spec": {"terminationGracePeriodSeconds": 5, "containers": [main]},
    }


def workload(kind: str, **annotations: str) -> str:
    selector = {"matchLabels": {"app": "web"}}
    spec: Any = {"selector": selector, "template": template()}
    if kind != "DaemonSet":
        spec["replicas"] = 2
    if kind == "StatefulSet":
        spec["serviceName"] = "web"
    metadata = {"name": "web", "annotations": annotations}
    return json.dumps({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec})


def configure(cluster: Instance, value: str) -> None:
    metadata = {"name": "app"}
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"VALUE": value}}
    cluster.apply(json.dumps(obj))


def values(cluster: Instance) -> set[str]:
    """What the pods that run have for VALUE."""
    pods = cluster.get("pods", "-l", "app=web")["items"]
    names = [p["metadata"]["name"] for p in pods if "deletionTimestamp" not in p["metadata"]]
    return {cluster.kubectl("exec", name, "--", "printenv", "VALUE").strip() for name in names}


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [
        ("Deployment", "reloader.stakater.com/auto=true"),
        ("StatefulSet", "configmap.reloader.stakater.com/reload=app"),
        ("DaemonSet", "netemu.dev/reload=true"),
    ],
)
def test_a_workload_rolls_when_its_config_map_changes(
    netemu_instance: Instance, kind: str, annotation: str
) -> None:
    cluster, (key, _, word) = netemu_instance, annotation.partition("=")
    configure(cluster, "one")
    cluster.apply(workload(kind, **{key: word}))
    cluster.kubectl("rollout", "status", f"{kind}/web", "--timeout=60s")
    assert values(cluster) == {"one"}
    generation = cluster.get(kind, "web")["metadata"]["generation"]
    configure(cluster, "two")
    cluster.wait_for(lambda: values(cluster) == {"two"}, what="the new value everywhere")
    cluster.kubectl("rollout", "status", f"{kind}/web", "--timeout=60s")
    assert cluster.get(kind, "web")["metadata"]["generation"] == generation + 1
    events = cluster.kubectl("get", "events", "--field-selector=reason=Reloaded")
    assert f"Changes detected in configmap/app: {kind.lower()} web is rolled" in events


def test_what_does_not_ask_is_left_alone_and_what_changed_while_down_is_noticed() -> None:
    from netemu.testing import instance

    with instance("reload") as cluster:
        configure(cluster, "one")
        cluster.apply(workload("Deployment"))
        cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
        configure(cluster, "two")
        cluster.kubectl("annotate", "deployment", "web", "netemu.dev/reload=true")
        cluster.wait_for(
            lambda: (
                "netemu.dev/config-seen"
                in cluster.get("deployment", "web")["metadata"]["annotations"]
            ),
            what="the note of what was seen",
        )
        assert values(cluster) == {"one"}, "it asked only after the change"
        configure(cluster, "three")
        cluster.wait_for(lambda: values(cluster) == {"three"}, what="the newest value")


def test_a_pod_of_nobody_is_made_again_under_its_name(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    configure(cluster, "one")
    pod = {"apiVersion": "v1", "kind": "Pod", **template(**{"netemu.dev/reload": "true"})}
    pod["metadata"]["name"] = "solo"
    cluster.apply(json.dumps(pod))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/solo", "--timeout=20s")
    before = cluster.get("pod", "solo")["metadata"]["uid"]
    configure(cluster, "two")
    cluster.wait_for(
        lambda: cluster.get("pod", "solo")["metadata"]["uid"] != before, what="another pod"
    )
    cluster.kubectl("wait", "--for=condition=Ready", "pod/solo", "--timeout=20s")
    assert values(cluster) == {"two"}
    cluster.kubectl("delete", "pod", "solo")
    assert cluster.get("pods", "-l", "app=web")["items"] == []
