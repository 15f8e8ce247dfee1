"""A new version rolls out under a client that never stops asking."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import rollout
from netemu.testing import Instance, instance
from tests.e2e.test_counter import EXAMPLES

pytestmark = pytest.mark.e2e

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  selector: {app: echo}
  ports: [{port: 80, targetPort: 3000}]
"""
READINESS = """
spec:
  template:
    spec:
      containers:
      - name: echo
        readinessProbe: {httpGet: {path: /, port: 3000}, periodSeconds: 1}
"""
ASK = 'while :; do curl -s --max-time 5 http://echo || echo "failed $?"; done'


@contextmanager
def asking(cluster: Instance) -> Iterator[list[str]]:
    """A client inside the cluster that asks in a loop; its answers, once left."""
    answers: list[str] = []
    process = subprocess.Popen(
        [*cluster.command, "exec", "--", "sh", "-c", ASK],
        env=cluster.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield answers
    finally:
        process.terminate()
        answers += process.communicate()[0].splitlines()


def versions(answers: list[str]) -> list[str]:
    return [line.split()[-1] for line in answers if line]


def test_set_image_loses_no_request_and_ends_with_the_new_version(
    netemu_instance: Instance,
) -> None:
    cluster = netemu_instance
    cluster.kubectl("apply", "-f", str(EXAMPLES / "echo.yaml"))
    cluster.apply(SERVICE)
    cluster.kubectl("patch", "deployment", "echo-deploy", "-p", READINESS)
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
    with asking(cluster) as answers:
        cluster.kubectl("set", "image", "deployment/echo-deploy", "echo=ghcr.io/subicura/echo:v2")
        said = cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
        after = cluster.exec("sh", "-c", "for i in 1 2 3 4 5 6 7 8; do curl -s http://echo; done")
    assert "successfully rolled out" in said
    seen = Counter(versions(answers))
    assert set(seen) == {"v1", "v2"}, f"{seen}: {[a for a in answers if 'failed' in a]}"
    assert set(versions(after.stdout.splitlines())) == {"v2"}
    sets = cluster.get("replicasets")["items"]
    assert sorted(each["status"]["replicas"] for each in sets) == [0, 0, 4]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["userspace", "nftables"])
def test_a_rollout_under_a_steady_load_fails_no_request(mode: str) -> None:
    with instance("load", options=["--net", "rootless"]) as cluster:
        rollout.prepare(cluster)
        cluster.netemu("proxy", "mode", mode)
        # A machine that can't keep up asks less often and waits longer; nothing may fail.
        facts = rollout.measure(cluster, rate=2000, deadline=60)
    answered = facts["causes"].pop("answered")
    assert facts["causes"] == {}
    assert answered > 500
    assert facts["pods"] == 2 * rollout.REPLICAS


def test_undo_brings_the_old_replicaset_back(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    cluster.kubectl("apply", "-f", str(EXAMPLES / "echo.yaml"))
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
    [first] = cluster.get("replicasets")["items"]
    cluster.kubectl("set", "image", "deployment/echo-deploy", "echo=ghcr.io/subicura/echo:v2")
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
    cluster.kubectl("rollout", "undo", "deployment/echo-deploy")
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
    again = cluster.get("replicaset", first["metadata"]["name"])
    assert again["status"]["readyReplicas"] == 4
    assert len(cluster.get("replicasets")["items"]) == 2
    history = cluster.kubectl("rollout", "history", "deployment/echo-deploy")
    assert [line.split()[0] for line in history.splitlines()[2:] if line] == ["2", "3"]


def test_a_deleted_pod_is_replaced_and_all_agree(netemu_instance: Instance) -> None:
    cluster = netemu_instance
    cluster.kubectl("apply", "-f", str(EXAMPLES / "echo.yaml"))
    cluster.apply(SERVICE)
    cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
    victim = cluster.get("pods")["items"][0]
    with asking(cluster) as answers:
        cluster.kubectl("delete", "pod", victim["metadata"]["name"])
        cluster.kubectl("rollout", "status", "deployment/echo-deploy", "--timeout=60s")
        cluster.wait_for(
            lambda: ready(cluster) == serving(cluster), what="pods and slices to agree"
        )
    assert all("failed" not in answer for answer in answers)
    assert victim["status"]["podIP"] not in serving(cluster)


def ready(cluster: Instance) -> set[str]:
    return {
        pod["status"]["podIP"]
        for pod in cluster.get("pods")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }


def serving(cluster: Instance) -> set[str]:
    slices = cluster.get("endpointslices", "-l", "kubernetes.io/service-name=echo")["items"]
    return {
        address
        for part in slices
        for endpoint in part.get("endpoints") or ()
        if endpoint["conditions"]["ready"]
        for address in endpoint["addresses"]
    }
