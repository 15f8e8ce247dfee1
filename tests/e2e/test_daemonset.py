"""DaemonSets and ReplicationControllers with real pods and kubectl."""

from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance

pytestmark = pytest.mark.e2e

AGENT = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: agent, image: registry.k8s.io/pause:3.9}]
"""

OLD = """
apiVersion: v1
kind: ReplicationController
metadata: {name: old}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: old}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: c, image: registry.k8s.io/pause:3.9}]
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Instance]:
    with instance("daemons", options=["--nodes", "3"]) as made:
        yield made


def places(cluster: Instance) -> list[str]:
    return sorted(
        pod["spec"].get("nodeName", "") for pod in cluster.get("pods", "-l", "app=agent")["items"]
    )


def test_every_node_runs_one_and_a_selector_moves_them(cluster: Instance) -> None:
    cluster.apply(AGENT)
    cluster.kubectl("rollout", "status", "ds/agent", "--timeout=30s")
    assert places(cluster) == ["node-1", "node-2", "node-3"]
    row = cluster.kubectl("get", "ds", "agent", "--no-headers").split()
    assert row[:7] == ["agent", "3", "3", "3", "3", "3", "<none>"]
    selector = '{"spec":{"template":{"spec":{"nodeSelector":{"color":"blue"}}}}}'
    cluster.kubectl("patch", "ds", "agent", "-p", selector)
    cluster.wait_for(lambda: places(cluster) == [], what="no pods")
    cluster.kubectl("label", "node", "node-2", "color=blue")
    cluster.wait_for(lambda: places(cluster) == ["node-2"], what="a pod on the blue node")
    back = '{"spec":{"template":{"spec":{"nodeSelector":null}}}}'
    cluster.kubectl("patch", "ds", "agent", "-p", back)
    cluster.kubectl("rollout", "status", "ds/agent", "--timeout=30s")
    assert places(cluster) == ["node-1", "node-2", "node-3"]


def test_a_rollout_is_undone_without_needless_restarts(cluster: Instance) -> None:
    cluster.apply(AGENT)
    cluster.kubectl("rollout", "status", "ds/agent", "--timeout=30s")
    before = {p["metadata"]["uid"] for p in cluster.get("pods", "-l", "app=agent")["items"]}
    cluster.kubectl("set", "image", "ds/agent", "agent=nowhere.example/none:v9")

    def broken() -> bool:
        pods = cluster.get("pods", "-l", "app=agent")["items"]
        return len({p["metadata"]["uid"] for p in pods} - before) == 1

    cluster.wait_for(broken, what="one pod of the bad image")
    assert "REVISION" in cluster.kubectl("rollout", "history", "ds/agent")
    cluster.kubectl("rollout", "undo", "ds/agent")
    cluster.kubectl("rollout", "status", "ds/agent", "--timeout=30s")
    after = {p["metadata"]["uid"] for p in cluster.get("pods", "-l", "app=agent")["items"]}
    assert len(before & after) == 2


def test_a_cordoned_node_keeps_its_daemon(cluster: Instance) -> None:
    cluster.kubectl("cordon", "node-1")
    cluster.kubectl("delete", "pod", "-l", "app=agent", "--wait=false")
    cluster.kubectl("rollout", "status", "ds/agent", "--timeout=30s")
    cluster.wait_for(lambda: places(cluster) == ["node-1", "node-2", "node-3"], what="all three")
    cluster.kubectl("uncordon", "node-1")


def test_a_replication_controller_keeps_its_pods(cluster: Instance) -> None:
    cluster.apply(OLD)
    wait = ("wait", "--for=jsonpath={.status.readyReplicas}=2", "rc/old", "--timeout=30s")
    cluster.kubectl(*wait)
    assert cluster.get("rc", "old")["spec"]["selector"] == {"app": "old"}
    cluster.kubectl("scale", "rc/old", "--replicas=3")
    cluster.wait_for(
        lambda: cluster.get("rc", "old")["status"].get("readyReplicas") == 3, what="three pods"
    )
    [name, *_] = [p["metadata"]["name"] for p in cluster.get("pods", "-l", "app=old")["items"]]
    cluster.kubectl("label", "pod", name, "app=else", "--overwrite")
    cluster.wait_for(
        lambda: "ownerReferences" not in cluster.get("pod", name)["metadata"], what="its release"
    )
    cluster.wait_for(
        lambda: len(cluster.get("pods", "-l", "app=old")["items"]) == 3, what="a new third pod"
    )
    cluster.kubectl("delete", "rc", "old")
    cluster.wait_for(lambda: not cluster.get("pods", "-l", "app=old")["items"], what="their end")
