"""The manifests the project was asked for, applied with kubectl."""

import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netemu.testing import Instance

pytestmark = pytest.mark.e2e

SEEDS = Path(__file__).parents[1] / "seeds"


def apply(cluster: Instance, name: str) -> str:
    return cluster.kubectl("apply", "-f", str(SEEDS / name))


def test_a_second_apply_changes_nothing(netemu_instance: Instance) -> None:
    for name in ("counter.yaml", "counter-nodeport.yaml", "echo-deploy.yaml"):
        first, second = apply(netemu_instance, name), apply(netemu_instance, name)
        assert {line.split()[1] for line in first.splitlines()} == {"created"}
        assert {line.split()[1] for line in second.splitlines()} == {"unchanged"}


def test_echo_v2_rolls_with_its_own_surge(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    apply(cluster, "echo-deploy.yaml")
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=30s")
    apply(cluster, "echo-deploy-v2.yaml")
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
    images = {
        pod["spec"]["containers"][0]["image"]
        for pod in cluster.get("pods")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }
    assert images == {"ghcr.io/subicura/echo:v2"}


def test_hello_node_answers_on_its_node_port(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    cluster.kubectl("run", "hello", "--image=hello-node", "--labels=app=hello-node")
    apply(cluster, "hello-node-nodeport.yaml")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/hello", "--timeout=20s")
    fetch = ["curl", "-sf", "http://127.0.0.1:30036"]
    cluster.wait_for(
        lambda: subprocess.run(fetch, capture_output=True, text=True, check=False).stdout,
        what="hello-node's answer",
    )


def test_a_load_balancer_gets_an_address_of_the_pool_and_answers_there(
    netemu_instance: Instance,
) -> None:
    cluster = netemu_instance
    apply(cluster, "counter.yaml")
    apply(cluster, "counter-loadbalancer.yaml")
    address = cluster.wait_for(lambda: external_ip(cluster), what="an address")
    assert address in cluster.kubectl("get", "service", "counter-lb")
    cluster.kubectl("wait", "--for=condition=Available", "deployment/counter", "--timeout=20s")
    counted = cluster.exec("curl", "-s", "--max-time", "5", f"http://{address}:30000").stdout
    assert int(counted) > 0


def external_ip(cluster: Instance) -> str:
    status = cluster.get("service", "counter-lb")["status"]
    return str(status["loadBalancer"].get("ingress", [{"ip": ""}])[0]["ip"])


def test_the_bad_version_stops_by_itself(netemu_instance: Instance) -> None:
    """v3 answers 500 from its fifth request on; minReadySeconds keeps it from going further."""
    cluster = netemu_instance
    good = (SEEDS / "bad-version-readiness.yaml").read_text().replace("kubia:v3", "kubia:v2")
    cluster.apply(good.replace("minReadySeconds: 10", "minReadySeconds: 0"))
    cluster.kubectl("rollout", "status", "deployment/kubia", "--timeout=30s")
    cluster.apply(KUBIA_SERVICE)
    with counting(cluster) as first:
        apply(cluster, "bad-version-readiness.yaml")
        cluster.wait_for(lambda: any(bad_pods(cluster).values()), what="the first bad pod")
        cluster.wait_for(lambda: not any(bad_pods(cluster).values()), what="its first failure")
    with counting(cluster) as then:
        time.sleep(12)  # for longer than minReadySeconds nothing more happens
        assert len(bad_pods(cluster)) == 1
        assert all(not ready for ready in bad_pods(cluster).values())
        deployment = cluster.get("deployment", "kubia")
        assert deployment["status"]["availableReplicas"] == 3
        cluster.kubectl("rollout", "undo", "deployment/kubia")
        cluster.kubectl("rollout", "status", "deployment/kubia", "--timeout=30s")
        cluster.wait_for(lambda: not bad_pods(cluster), what="the bad pod's end")
    # Only the bad pod failed anybody, and only until its probe, a second later, had noticed.
    assert set(first) <= {"200", "500"}, first
    assert set(then) == {"200"}, then
    told = json.loads(cluster.netemu("rollout", "report", "deploy/kubia", "-o", "json").stdout)
    assert (told["state"], told["withoutReadyPodSeconds"]) == ("complete", 0)


KUBIA_SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: kubia-web}
spec:
  selector: {app: kubia-web}
  ports: [{port: 80, targetPort: 8080}]
"""
COUNT = """
while :; do
  curl -s -o /dev/null -w '%{http_code}\\n' --max-time 5 http://kubia-web; sleep 0.05
done
"""


@contextmanager
def counting(cluster: Instance) -> Iterator[Counter[str]]:
    """A client that asks all the time; the codes it got, once left."""
    counted: Counter[str] = Counter()
    process = subprocess.Popen(
        [*cluster.command, "exec", "--", "sh", "-c", COUNT],
        env=cluster.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield counted
    finally:
        process.terminate()
        counted.update(process.communicate()[0].split())


def bad_pods(cluster: Instance) -> dict[str, bool]:
    return {
        pod["metadata"]["name"]: any(
            c["type"] == "Ready" and c["status"] == "True" for c in pod["status"]["conditions"]
        )
        for pod in cluster.get("pods")["items"]
        if pod["spec"]["containers"][0]["image"].endswith("v3")
        and pod["status"].get("conditions")
        and "deletionTimestamp" not in pod["metadata"]
    }
