"""kubectl drain, with and without a budget."""

import json

import pytest

from netemu.testing import instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: registry.k8s.io/pause:3.10}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 2
  selector: {matchLabels: {app: web}}
"""


def test_drain_moves_the_pods_and_keeps_the_budget() -> None:
    with instance("drained") as cluster:
        cluster.apply(WEB)
        cluster.kubectl("rollout", "status", "deploy/web", "--timeout=30s")
        cluster.wait_for(
            lambda: cluster.get("pdb", "web")["status"]["disruptionsAllowed"] == 1,
            what="a disruption to be allowed",
        )
        row = cluster.kubectl("get", "pdb", "web", "--no-headers").split()
        assert row[:4] == ["web", "2", "N/A", "1"]
        cluster.kubectl("drain", "node-2", "--ignore-daemonsets", "--timeout=50s")
        cluster.kubectl("rollout", "status", "deploy/web", "--timeout=30s")
        pods = cluster.get("pods", "-l", "app=web")["items"]
        where = {
            pod["spec"]["nodeName"] for pod in pods if "deletionTimestamp" not in pod["metadata"]
        }
        assert where == {"node-1"}
        assert cluster.get("node", "node-2")["spec"]["unschedulable"] is True


def test_a_budget_that_allows_nothing_stops_the_drain() -> None:
    with instance("stuck") as cluster:
        cluster.apply(WEB.replace("minAvailable: 2", "minAvailable: 3"))
        cluster.kubectl("rollout", "status", "deploy/web", "--timeout=30s")
        cluster.wait_for(
            lambda: cluster.get("pdb", "web")["status"].get("currentHealthy") == 3,
            what="the budget to be looked at",
        )
        done = cluster.run(
            "kubectl", "drain", "node-1", "node-2", "--ignore-daemonsets", "--timeout=3s",
            check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert "Cannot evict pod as it would violate the pod's disruption budget." in done.stderr
        listed = json.loads(cluster.kubectl("get", "--raw", "/api/v1"))["resources"]
        (found,) = [item for item in listed if item["name"] == "pods/eviction"]
        assert (found["kind"], found["group"], found["version"]) == ("Eviction", "policy", "v1")
