"""Each thing that docs/workloads.md says time drives: it waits while time stands still, and happens
when time is advanced.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netemu.clock import parse_rfc3339
from netemu.testing import Instance, instance

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DOCS = Path(__file__).parents[2] / "docs" / "workloads.md"
STILL_SECONDS = 0.5
"""Real time in which nothing may happen while the cluster's stands still."""
SLEEP = ["sleep", "100000"]
POLITE = ["sh", "-c", "trap exit TERM; while :; do sleep 0.1; done"]
STUBBORN = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Instance]:
    with instance("driven") as made:
        made.netemu("clock", "pause")
        yield made


def pod(name: str, command: list[str], *, container: Any = None, **spec: Any) -> Any:
    main = {"name": "main", "image": "busybox", "command": command, **(container or {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [main], **spec},
    }


def job(name: str, command: list[str], *, restart: str = "Never", **spec: Any) -> Any:
    main = {"name": "main", "image": "busybox", "command": command}
    template = {"spec": {"restartPolicy": restart, "containers": [main]}}
    kind = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}}
    return {**kind, "spec": {"template": template, **spec}}


def deployment(name: str, *, image: str = "registry.k8s.io/pause:3.10", **spec: Any) -> Any:
    labels = {"app": name}
    main = {"name": "main", "image": image}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [main]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


def apply(cluster: Instance, obj: Any) -> None:
    cluster.apply(json.dumps(obj))


def running(cluster: Instance, name: str) -> None:
    cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Running", f"pod/{name}",
                    "--timeout=30s")  # fmt: skip


def gone(cluster: Instance, what: str, name: str) -> bool:
    return not cluster.kubectl("get", what, name, "--ignore-not-found")


def state(cluster: Instance, name: str) -> Any:
    [found] = cluster.get("pod", name)["status"]["containerStatuses"]
    return found


def drives(cluster: Instance, span: str, happened: Callable[[], object]) -> None:
    """It doesn't happen by itself, and does when so much time is advanced."""
    time.sleep(STILL_SECONDS)
    assert not happened()
    cluster.netemu("clock", "advance", span)
    cluster.wait_for(happened, what=f"what {span} bring")


def restart_back_off(cluster: Instance) -> None:
    apply(cluster, pod("crashes", ["false"]))
    cluster.wait_for(
        lambda: "CrashLoopBackOff" in json.dumps(state(cluster, "crashes")), what="the back-off"
    )
    before = state(cluster, "crashes")["restartCount"]
    drives(cluster, "5m", lambda: state(cluster, "crashes")["restartCount"] > before)


def job_back_off(cluster: Instance) -> None:
    apply(cluster, job("fails", ["false"], backoffLimit=3))
    cluster.kubectl("wait", "--for=jsonpath={.status.failed}=1", "job/fails", "--timeout=20s")
    drives(cluster, "11s", lambda: cluster.get("job", "fails")["status"].get("failed", 0) >= 2)


def job_deadline(cluster: Instance) -> None:
    apply(cluster, job("long", SLEEP, activeDeadlineSeconds=600))
    cluster.kubectl("wait", "--for=jsonpath={.status.active}=1", "job/long", "--timeout=20s")
    drives(cluster, "10m1s", lambda: "DeadlineExceeded" in json.dumps(cluster.get("job", "long")))


def ttl_after_finished(cluster: Instance) -> None:
    apply(cluster, job("short", ["true"], ttlSecondsAfterFinished=300))
    cluster.kubectl("wait", "--for=condition=Complete", "job/short", "--timeout=20s")
    drives(cluster, "5m1s", lambda: gone(cluster, "job", "short"))


def schedule(cluster: Instance) -> None:
    spec = {"schedule": "*/30 * * * *", "jobTemplate": {"spec": job("x", ["true"])["spec"]}}
    kind = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick"}}
    apply(cluster, {**kind, "spec": spec})
    drives(cluster, "30m", lambda: cluster.get("cronjob", "tick")["status"].get("lastScheduleTime"))
    cluster.kubectl("delete", "cronjob", "tick")


def pod_deadline(cluster: Instance) -> None:
    apply(cluster, pod("mortal", POLITE, activeDeadlineSeconds=120))
    running(cluster, "mortal")
    drives(cluster, "2m5s", lambda: cluster.get("pod", "mortal")["status"]["phase"] == "Failed")


def probe_delay(cluster: Instance) -> None:
    probe = {"exec": {"command": ["true"]}, "initialDelaySeconds": 60}
    apply(cluster, pod("late", SLEEP, container={"readinessProbe": probe}))
    running(cluster, "late")
    drives(cluster, "61s", lambda: state(cluster, "late")["ready"])


def probe_period(cluster: Instance) -> None:
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 20, "failureThreshold": 3}
    apply(cluster, pod("sick", POLITE, container={"livenessProbe": probe},
                       terminationGracePeriodSeconds=1))  # fmt: skip
    running(cluster, "sick")
    drives(cluster, "1m10s", lambda: state(cluster, "sick")["restartCount"])


def grace_period(cluster: Instance) -> None:
    apply(cluster, pod("stubborn", STUBBORN, terminationGracePeriodSeconds=90))
    running(cluster, "stubborn")
    cluster.kubectl("delete", "pod", "stubborn", "--wait=false")
    drives(cluster, "91s", lambda: gone(cluster, "pod", "stubborn"))


def pre_stop_sleep(cluster: Instance) -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 20}}}}
    apply(cluster, pod("slow", POLITE, container=hook))
    running(cluster, "slow")
    cluster.kubectl("delete", "pod", "slow", "--wait=false")
    drives(cluster, "21s", lambda: gone(cluster, "pod", "slow"))


def progress_deadline(cluster: Instance) -> None:
    apply(cluster, deployment("stuck", image="no.such/image:1", progressDeadlineSeconds=120))
    cluster.wait_for(lambda: cluster.get("pods", "-l", "app=stuck")["items"], what="its pod")
    drives(
        cluster,
        "2m1s",
        lambda: "ProgressDeadlineExceeded" in json.dumps(cluster.get("deployment", "stuck")),
    )
    cluster.kubectl("delete", "deployment", "stuck")


def min_ready(cluster: Instance) -> None:
    apply(cluster, deployment("calm", minReadySeconds=45))
    cluster.wait_for(
        lambda: cluster.get("deployment", "calm")["status"].get("readyReplicas"), what="ready"
    )
    drives(
        cluster,
        "46s",
        lambda: cluster.get("deployment", "calm")["status"].get("availableReplicas"),
    )


def leases(cluster: Instance) -> None:
    def renewed() -> float:
        lease = cluster.get("lease", "node-1", "-n", "kube-node-lease")
        return parse_rfc3339(lease["spec"]["renewTime"])

    before = renewed()
    drives(cluster, "1m", lambda: renewed() >= before + 50)


def affinity(cluster: Instance) -> None:
    apply(cluster, deployment("sticky", image="ghcr.io/subicura/echo:v1"))
    sticky = {"clientIP": {"timeoutSeconds": 60}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "sticky"}}
    ports = [{"port": 80, "targetPort": 3000}]
    rules = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": sticky}
    apply(cluster, {**service, "spec": {"selector": {"app": "sticky"}, "ports": ports, **rules}})
    cluster.kubectl("rollout", "status", "deployment/sticky", "--timeout=30s")
    cluster.wait_for(
        lambda: cluster.exec("curl", "-sf", "-m", "2", "http://sticky", check=False).stdout
    )
    told = json.loads(cluster.netemu("affinity", "-o", "json").stdout)
    assert [row["service"] for row in told] == ["sticky"]
    drives(cluster, "61s", lambda: not json.loads(cluster.netemu("affinity", "-o", "json").stdout))


def lost_node(cluster: Instance) -> None:
    cluster.netemu("node", "stop", "node-2")

    def tainted() -> object:
        return "unreachable" in json.dumps(cluster.get("node", "node-2")["spec"])

    drives(cluster, "1m", tainted)
    cluster.netemu("node", "start", "node-2")
    cluster.wait_for(lambda: not tainted(), what="the node's return")


def toleration(cluster: Instance) -> None:
    patience = {"key": "test", "operator": "Exists", "effect": "NoExecute",
                "tolerationSeconds": 180}  # fmt: skip
    apply(cluster, pod("patient", POLITE, tolerations=[patience]))
    running(cluster, "patient")
    node = cluster.get("pod", "patient")["spec"]["nodeName"]
    cluster.kubectl("taint", "node", node, "test=1:NoExecute")
    drives(cluster, "3m1s", lambda: gone(cluster, "pod", "patient"))
    cluster.kubectl("taint", "node", node, "test-")


def event_ttl(cluster: Instance) -> None:
    apply(cluster, pod("told", SLEEP))
    running(cluster, "told")
    told = "involvedObject.name=told"

    def forgotten() -> bool:
        return not json.loads(
            cluster.kubectl("get", "events", f"--field-selector={told}", "-o", "json")
        )["items"]

    cluster.wait_for(lambda: not forgotten(), what="its events")
    drives(cluster, "62m", forgotten)


CASES: dict[str, Callable[[Instance], None]] = {
    "CronJob schedules": schedule,
    "back-off of containers that crash": restart_back_off,
    "back-off of failed Jobs' pods": job_back_off,
    "activeDeadlineSeconds of Jobs": job_deadline,
    "activeDeadlineSeconds of pods": pod_deadline,
    "ttlSecondsAfterFinished": ttl_after_finished,
    "initialDelaySeconds of probes": probe_delay,
    "periodSeconds of probes": probe_period,
    "terminationGracePeriodSeconds": grace_period,
    "preStop sleep": pre_stop_sleep,
    "progressDeadlineSeconds": progress_deadline,
    "minReadySeconds": min_ready,
    "session affinity": affinity,
    "Leases of nodes": leases,
    "loss of a node": lost_node,
    "tolerationSeconds": toleration,
    "the life of Events": event_ttl,
}


@pytest.mark.parametrize("name", CASES)
def test_time_drives(cluster: Instance, name: str) -> None:
    CASES[name](cluster)


def test_the_table_in_the_documentation_has_exactly_these() -> None:
    rows = re.findall(r"^\| ([^|]+?) \| .* \|$", DOCS.read_text(), re.MULTILINE)
    start = rows.index("Driven")
    assert rows[start + 1 : start + 1 + len(CASES)] == list(CASES)
