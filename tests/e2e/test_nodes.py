"""Nodes that stop, are cut off, and come back, with real processes."""

import json
import os
import time
from pathlib import Path

import pytest

from netemu.testing import Instance, instance
from tests.support.reach import NAMESPACED, TIMED_OUT, node_addresses

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule,
         labelSelector: {matchLabels: {app: web}}}
      containers:
      - name: main
        image: registry.k8s.io/e2e-test-images/agnhost:2.53
        args: [netexec, --http-port=8080]
        readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
"""


def pods_of(cluster: Instance, node: str) -> list[dict[str, object]]:
    items = cluster.get("pods", "-l", "app=web")["items"]
    return [item for item in items if item["spec"].get("nodeName") == node]


def answers(cluster: Instance, address: str, place: str = "") -> bool:
    words = ("curl", "-s", "-m", "1", f"http://{address}:8080/echo?msg=hello")
    return "hello" in cluster.exec(*words, place=place, check=False).stdout


def silent(cluster: Instance, url: str, place: str = "") -> bool:
    """Whether nobody answers there, not even with a refusal."""
    done = cluster.exec("curl", "-s", "-m", "1", f"http://{url}", place=place, check=False)
    return done.returncode == TIMED_OUT


def processes() -> set[int]:
    found = set()
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if b"http-port=8080" in file.read():
                    found.add(int(entry))
        except (OSError, ValueError):
            continue
    return found


def ready(cluster: Instance, node: str) -> str:
    conditions = cluster.get("node", node)["status"]["conditions"]
    return str(next(item["status"] for item in conditions if item["type"] == "Ready"))


OWN_NETWORK = ["--net", NAMESPACED[0]]


def test_a_stopped_node_goes_silent_is_noticed_and_comes_back() -> None:
    with instance("power", options=OWN_NETWORK) as cluster:
        before = processes()
        cluster.apply(WEB)
        cluster.kubectl("rollout", "status", "deploy/web", "--timeout=30s")
        (lost,) = pods_of(cluster, "node-2")
        address = lost["status"]["podIP"]  # type: ignore[index]
        assert answers(cluster, address)
        running = len(processes() - before)
        cluster.netemu("node", "stop", "node-2")
        assert len(processes() - before) < running
        (here,) = pods_of(cluster, "node-1")
        mine = f"pod:default/{here['metadata']['name']}"  # type: ignore[index]
        for place in ("", mine):
            assert silent(cluster, f"{address}:8080", place)
            assert silent(cluster, f"{node_addresses(cluster, 'node-2')[0]}:30080", place)
            assert silent(cluster, f"{node_addresses(cluster, 'node-2')[0]}:22", place)
        there = cluster.exec("curl", "-s", f"http://{node_addresses(cluster, 'node-1')[0]}:30080/")
        assert there.stdout, "the other nodes still answer"
        assert ready(cluster, "node-2") == "True", "nobody has noticed yet"
        cluster.netemu("clock", "advance", "1m")
        cluster.wait_for(lambda: ready(cluster, "node-2") == "Unknown", what="the node's loss")
        (row,) = [
            line
            for line in cluster.kubectl("get", "nodes", "--no-headers").splitlines()
            if line.startswith("node-2")
        ]
        assert row.split()[1] == "NotReady"
        cluster.netemu("clock", "advance", "5m10s")
        name = lost["metadata"]["name"]  # type: ignore[index]
        shown = cluster.kubectl("get", "pod", name, "--no-headers").split()
        assert shown[2] == "Terminating"
        cluster.netemu("node", "start", "node-2")
        cluster.wait_for(lambda: ready(cluster, "node-2") == "True", what="the node's return")
        cluster.wait_for(
            lambda: name not in cluster.kubectl("get", "pods", "-o", "name"),
            what="the end of the pod that was evicted",
        )
        cluster.kubectl("rollout", "status", "deploy/web", "--timeout=30s")
        assert "taints" not in cluster.get("node", "node-2")["spec"]


def test_a_node_that_is_cut_off_runs_on_unheard() -> None:
    with instance("cut", options=OWN_NETWORK) as cluster:
        cluster.apply(WEB)
        cluster.kubectl("rollout", "status", "deploy/web", "--timeout=30s")
        (here,), (there,) = pods_of(cluster, "node-1"), pods_of(cluster, "node-2")
        name, address = there["metadata"]["name"], there["status"]["podIP"]  # type: ignore[index]
        other = here["status"]["podIP"]  # type: ignore[index]
        mine = f"pod:default/{here['metadata']['name']}"  # type: ignore[index]
        assert answers(cluster, address, mine)
        cluster.netemu("node", "cut", "node-2")
        assert not answers(cluster, address, mine)
        assert silent(cluster, f"{node_addresses(cluster, 'node-2')[0]}:30080", mine)
        assert not answers(cluster, other, f"pod:default/{name}")
        assert answers(cluster, address, f"pod:default/{name}"), "on the node itself"
        cluster.netemu("clock", "advance", "1m")
        cluster.wait_for(lambda: ready(cluster, "node-2") == "Unknown", what="the node's loss")
        time.sleep(1.5)  # probes go on, and none of them fails
        cluster.netemu("node", "heal", "node-2")
        assert answers(cluster, address, mine)
        cluster.wait_for(lambda: ready(cluster, "node-2") == "True", what="the node's return")
        cluster.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=20s")
        (status,) = cluster.get("pod", name)["status"]["containerStatuses"]
        assert status["restartCount"] == 0


def test_an_added_node_takes_pods_and_stays() -> None:
    with instance("added") as cluster:
        assert cluster.netemu("node", "add").stdout == "node/node-3 added\n"
        cluster.apply(WEB.replace("replicas: 2", "replicas: 3"))
        cluster.kubectl("rollout", "status", "deploy/web", "--timeout=30s")
        assert len(pods_of(cluster, "node-3")) == 1
        said = cluster.netemu("node", "drain", "node-1", check=False)
        assert "evicted default/web-" in said.stdout
        cluster.down()
        cluster.up()
        names = [item["metadata"]["name"] for item in cluster.get("nodes")["items"]]
        assert names == ["node-1", "node-2", "node-3"]
        status = json.loads(cluster.netemu("status", "-o", "json").stdout)
        assert [item["name"] for item in status["nodes"]] == names


def test_what_cannot_be_done_to_a_node(netemu_cluster: Instance) -> None:
    done = netemu_cluster.netemu("node", "stop", "moon", check=False)
    assert done.returncode == 1
    assert 'nodes "moon" not found' in done.stderr


SET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway,
         labelSelector: {matchLabels: {app: web}}}
      containers: [{name: main, image: registry.k8s.io/pause:3.10}]
"""
QUICK = """
dns: {forward: ""}
node: {leaseSeconds: 0.5, leaseDuration: 2}
controllers: {nodeGraceSeconds: 3}
api: {evictionSeconds: 2}
"""


def test_every_timing_of_a_lost_node_is_a_setting_and_a_set_waits_for_force(
    tmp_path: Path,
) -> None:
    """In real time: nobody moves the clock."""
    config = tmp_path / "quick.yaml"
    config.write_text(QUICK)
    with instance("quick", options=["--config", str(config)]) as cluster:
        cluster.apply(SET)
        cluster.kubectl("rollout", "status", "sts/db", "--timeout=30s")
        (lost,) = pods_of(cluster, "node-2")
        name, uid = lost["metadata"]["name"], lost["metadata"]["uid"]  # type: ignore[index]
        tolerated = lost["spec"]["tolerations"]  # type: ignore[index]
        assert {each["tolerationSeconds"] for each in tolerated} == {2}
        cluster.netemu("node", "stop", "node-2")
        cluster.wait_for(lambda: ready(cluster, "node-2") == "Unknown", what="the node's loss")
        taints = cluster.wait_for(lambda: cluster.get("node", "node-2")["spec"].get("taints"))
        assert {(each["key"], each["effect"]) for each in taints} == {
            ("node.kubernetes.io/unreachable", "NoSchedule"),
            ("node.kubernetes.io/unreachable", "NoExecute"),
        }
        cluster.wait_for(
            lambda: cluster.kubectl("get", "pod", name, "--no-headers").split()[2] == "Terminating",
            what="the eviction",
        )
        time.sleep(2)
        assert cluster.get("pod", name)["metadata"]["uid"] == uid, "never two of one name"
        assert cluster.kubectl("get", "events", "--field-selector=reason=TaintManagerEviction")
        cluster.kubectl("delete", "pod", name, "--force", "--grace-period=0")
        cluster.kubectl("rollout", "status", "sts/db", "--timeout=30s")
        pods = cluster.get("pods", "-l", "app=web")["items"]
        assert {pod["spec"]["nodeName"] for pod in pods} == {"node-1"}
        cluster.netemu("node", "start", "node-2")
        cluster.wait_for(lambda: ready(cluster, "node-2") == "True", what="the node's return")
        assert len(cluster.get("pods", "-l", "app=web")["items"]) == 2
