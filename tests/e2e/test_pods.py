"""Pods as a user sees them: logs, probes, restarts, images nobody knows, their environment."""

import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from netemu.testing import Instance, instance

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def cluster() -> Iterator[Instance]:
    with instance("pods") as made:
        yield made


def pod(name: str, script: str, extra: str = "", restart: str = "Always") -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  restartPolicy: {restart}
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: busybox
    command: [sh, -c, {script!r}]
{extra}"""


def phase(cluster: Instance, name: str) -> str:
    return str(cluster.get("pod", name)["status"]["phase"])


def test_logs_are_kept_followed_and_remembered(cluster: Instance) -> None:
    cluster.apply(pod("logs", "echo one; echo two; sleep 1; echo three", restart="Never"))
    cluster.wait_for(lambda: phase(cluster, "logs") != "Pending", what="the pod")
    assert cluster.kubectl("logs", "-f", "logs") == "one\ntwo\nthree\n"
    cluster.wait_for(lambda: phase(cluster, "logs") == "Succeeded", what="its end")
    assert cluster.kubectl("logs", "logs", "--tail=1") == "three\n"
    stamped = cluster.kubectl("logs", "logs", "--timestamps", "--limit-bytes=10")
    assert stamped.startswith("20")
    assert len(stamped) == 10


def test_a_restart_keeps_the_last_life(cluster: Instance) -> None:
    cluster.apply(pod("lives", "echo life; sleep 0.3; exit 3"))
    cluster.wait_for(lambda: restarts(cluster, "lives") >= 1, what="a restart")
    assert cluster.kubectl("logs", "-p", "lives") == "life\n"
    [status] = cluster.get("pod", "lives")["status"]["containerStatuses"]
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert status["lastState"]["terminated"]["reason"] == "Error"
    cluster.wait_for(
        lambda: "BackOff" in cluster.kubectl("get", "events", "--field-selector=type=Warning"),
        what="the back-off event",
    )


def restarts(cluster: Instance, name: str) -> int:
    statuses = cluster.get("pod", name)["status"].get("containerStatuses") or [{}]
    return int(statuses[0].get("restartCount", 0))


def test_an_image_nobody_knows_says_how_to_name_it(cluster: Instance) -> None:
    cluster.kubectl("run", "unknown", "--image=example.com/team/app:v7")
    cluster.wait_for(
        lambda: "ImagePullBackOff" in cluster.kubectl("get", "pod", "unknown"), what="the back-off"
    )
    told = cluster.kubectl("describe", "pod", "unknown")
    assert 'Failed to pull image "example.com/team/app:v7"' in told
    assert '- image: "example.com/team/app:v7"' in told
    assert "command:" in told


READY = """
    readinessProbe:
      exec: {command: [test, -e, PROBE]}
      periodSeconds: 1
"""


def test_readiness_takes_a_pod_into_its_service_and_out(cluster: Instance, tmp_path: Path) -> None:
    flag = tmp_path / "flag"  # pods see the machine's files
    cluster.apply(pod("gate", "sleep 100", READY.replace("PROBE", str(flag))))
    cluster.apply(
        "apiVersion: v1\nkind: Service\nmetadata: {name: gate}\n"
        "spec: {clusterIP: None, selector: {app: gate}, ports: [{port: 80}]}"
    )
    name = "gate.default.svc.cluster.local"
    cluster.wait_for(lambda: phase(cluster, "gate") == "Running", what="the pod")
    assert looked_up(cluster, name) == []
    flag.touch()
    ip = cluster.get("pod", "gate")["status"]["podIP"]
    cluster.wait_for(lambda: looked_up(cluster, name) == [ip], what="the pod in DNS")
    flag.unlink()
    cluster.wait_for(lambda: looked_up(cluster, name) == [], what="the pod out of DNS")
    assert restarts(cluster, "gate") == 0


def looked_up(cluster: Instance, name: str) -> list[str]:
    return cluster.exec("dig", "+short", name).stdout.split()


LIVE = """
    livenessProbe:
      tcpSocket: {port: 9}
      periodSeconds: 1
      failureThreshold: 1
"""


def test_liveness_restarts(cluster: Instance) -> None:
    cluster.apply(pod("dead", "sleep 100", LIVE))
    cluster.wait_for(lambda: restarts(cluster, "dead") >= 1, what="a restart")
    events = cluster.kubectl("get", "events", "--field-selector=involvedObject.name=dead")
    assert "Liveness probe failed: dial tcp" in events
    assert "failed liveness probe, will be restarted" in events


SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: my-db}
spec: {selector: {app: none}, ports: [{name: sql, port: 5432}]}
"""
ENVIRONMENT = """
    env:
    - {name: GREETING, value: "hello $(NAME) $$(NAME)"}
    - {name: NAME, value: world}
    - {name: LATE, value: "$(NAME)"}
    - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    workingDir: /tmp
"""


def test_a_pod_is_told_what_kubernetes_tells(cluster: Instance) -> None:
    cluster.apply(SERVICE)
    script = (
        'pwd; hostname; echo "$GREETING|$LATE|$IP"; '
        "echo $MY_DB_SERVICE_HOST:$MY_DB_PORT_5432_TCP_PORT; "
        "echo $KUBERNETES_SERVICE_HOST; grep -c env /etc/hosts; grep ndots /etc/resolv.conf"
    )
    cluster.apply(pod("env", script, ENVIRONMENT, restart="Never"))
    cluster.wait_for(lambda: phase(cluster, "env") == "Succeeded", what="its end")
    lines = cluster.kubectl("logs", "env").splitlines()
    ip = cluster.get("pod", "env")["status"]["podIP"]
    database = cluster.get("service", "my-db")["spec"]["clusterIP"]
    assert lines[:2] == ["/tmp", "env"]
    assert lines[2] == f"hello $(NAME) $(NAME)|world|{ip}"
    assert lines[3] == f"{database}:5432"
    assert lines[4] == cluster.get("service", "kubernetes")["spec"]["clusterIP"]
    assert lines[5:] == ["1", "options ndots:5"]


def test_a_pod_gets_its_grace_period_and_no_more(cluster: Instance) -> None:
    asked = "trap 'echo asked; sleep 0.2; echo done; exit 0' TERM"
    script = f"{asked}; echo up; while :; do sleep 0.05; done"
    cluster.apply(pod("polite", script).replace("PeriodSeconds: 1", "PeriodSeconds: 20"))
    cluster.apply(pod("deaf", "trap '' TERM; echo up; while :; do sleep 0.1; done"))
    for name in ("polite", "deaf"):
        cluster.wait_for(partial(says_up, cluster, name), what=name)
    follow = subprocess.Popen(
        ["kubectl", "logs", "-f", "polite"], env=cluster.env, stdout=subprocess.PIPE, text=True
    )
    began = time.monotonic()
    cluster.kubectl("delete", "pod", "polite", "deaf")
    assert 0.9 < time.monotonic() - began < 10
    assert follow.communicate(timeout=10)[0] == "up\nasked\ndone\n"


def says_up(cluster: Instance, name: str) -> bool:
    return cluster.kubectl("logs", name) == "up\n"


def test_agnhost_pods_dial_each_other_by_service(cluster: Instance) -> None:
    cluster.kubectl("apply", "-f", "-", input=NETEXEC)
    cluster.kubectl("rollout", "status", "deployment/netexec", "--timeout=20s")
    names = {each["metadata"]["name"] for each in cluster.get("pods", "-l", "app=netexec")["items"]}
    url = "http://netexec/dial?host=netexec&port=80&request=hostname&tries=1"
    seen: set[str] = set()
    for _ in range(40):
        answer = cluster.exec("curl", "-s", url).stdout
        seen.update(name for name in names if name in answer)
    assert seen == names


NETEXEC = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: netexec}
spec:
  replicas: 3
  selector: {matchLabels: {app: netexec}}
  template:
    metadata: {labels: {app: netexec}}
    spec:
      containers:
      - name: agnhost
        image: registry.k8s.io/e2e-test-images/agnhost:2.53
        args: [netexec, --http-port=8083]
        ports: [{name: web, containerPort: 8083}]
        readinessProbe: {httpGet: {path: /healthz, port: web}}
---
apiVersion: v1
kind: Service
metadata: {name: netexec}
spec: {selector: {app: netexec}, ports: [{port: 80, targetPort: web}]}
"""


def test_a_folder_of_the_image_is_the_containers_own(cluster: Instance) -> None:
    cluster.kubectl("run", "site", "--image=nginx:1.27", "--port=80")
    cluster.kubectl("wait", "--for=condition=Ready", "pod/site", "--timeout=30s")
    path = "/usr/share/nginx/html"
    cluster.kubectl("exec", "site", "--", "sh", "-c", f"echo mine > {path}/own.txt")
    url = f"http://{cluster.get('pod', 'site')['status']['podIP']}"
    assert cluster.exec("curl", "-s", f"{url}/own.txt").stdout == "mine\n"
    assert "Welcome to nginx!" in cluster.exec("curl", "-s", url).stdout
    assert not Path(path, "own.txt").exists()
    assert '"GET /own.txt HTTP/1.1" 200 5 "-" "curl/' in cluster.kubectl("logs", "site")
