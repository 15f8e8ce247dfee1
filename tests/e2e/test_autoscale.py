"""kubectl top and an autoscaler, over what real processes use."""

import pytest

from netemu.testing import instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BUSY = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: busy}
spec:
  replicas: 1
  selector: {matchLabels: {app: busy}}
  template:
    metadata: {labels: {app: busy}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: busybox
        command: [sh, -c, "while :; do i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.05; done"]
        resources: {requests: {cpu: 10m, memory: 8Mi}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: busy}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: busy}
  minReplicas: 1
  maxReplicas: 3
  metrics:
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
"""  # noqa: E501


def test_top_and_an_autoscaler() -> None:
    with instance("scaled") as cluster:
        cluster.apply(BUSY)
        cluster.kubectl("rollout", "status", "deploy/busy", "--timeout=30s")
        (line,) = cluster.kubectl("top", "pods", "--no-headers").splitlines()
        name, cpu, memory = line.split()
        assert name.startswith("busy-")
        assert int(cpu.removesuffix("m")) > 0
        assert memory.endswith("Mi")
        nodes = cluster.kubectl("top", "nodes", "--no-headers").splitlines()
        assert [row.split()[0] for row in nodes] == ["node-1", "node-2"]
        cluster.netemu("clock", "advance", "1m")
        cluster.wait_for(
            lambda: cluster.get("deploy", "busy")["spec"]["replicas"] == 3,
            what="three replicas",
        )
        described = cluster.kubectl("describe", "hpa", "busy")
        assert "SuccessfulRescale" in described
        assert "ValidMetricFound" in described
        row = cluster.kubectl("get", "hpa", "busy", "--no-headers").split()
        assert row[:2] == ["busy", "Deployment/busy"]
        cluster.kubectl("delete", "hpa/busy", "deploy/busy")
