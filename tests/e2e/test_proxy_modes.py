"""Pods as clients, in both modes: whose address they see, and who is refused."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance
from tests.support.ports import free_node_ports
from tests.support.reach import NAMESPACED, cluster_ip

pytestmark = pytest.mark.e2e

MODES = ["userspace", "nftables", "auto"]

HTTP, UDP, LOCAL = free_node_ports(3)
WORLD = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - name: web
        image: registry.k8s.io/e2e-test-images/agnhost:2.53
        args: [netexec, --http-port=8080, --udp-port=8081]
        readinessProbe: {{httpGet: {{path: /readyz, port: 8080}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Pod
metadata: {{name: client}}
spec:
  nodeName: node-1
  containers: [{{name: pause, image: registry.k8s.io/pause:3.10}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec:
  type: NodePort
  selector: {{app: web}}
  ports:
  - {{name: http, port: 80, targetPort: 8080, nodePort: {HTTP}}}
  - {{name: udp, port: 81, targetPort: 8081, nodePort: {UDP}, protocol: UDP}}
---
apiVersion: v1
kind: Service
metadata: {{name: local}}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  selector: {{app: web}}
  ports: [{{port: 80, targetPort: 8080, nodePort: {LOCAL}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: nobody}}
spec: {{selector: {{app: nobody}}, externalIPs: [203.0.113.7], ports: [{{port: 80}}]}}
"""
REFUSED = 7
"""curl's exit code."""


@pytest.fixture(scope="module", params=NAMESPACED)
def cluster(request: pytest.FixtureRequest) -> Iterator[Instance]:
    with instance(f"modes-{request.param}", options=["--net", request.param]) as made:
        made.apply(WORLD)
        made.kubectl("wait", "--for=condition=Available", "deployment", "--all", "--timeout=30s")
        made.kubectl("wait", "--for=condition=Ready", "pod", "client", "--timeout=30s")
        yield made


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest, cluster: Instance) -> str:
    told = cluster.netemu("proxy", "mode", request.param)
    assert told.stdout.strip() == request.param
    return str(request.param)


def peers(cluster: Instance, url: str, place: str, times: int = 10) -> set[str]:
    """The addresses that servers saw."""
    loop = f"for i in $(seq {times}); do curl -sf -m 3 {url}; echo; done"
    seen = cluster.exec("sh", "-c", loop, place=place).stdout.split()
    return {each.rpartition(":")[0] for each in seen}


def pods(cluster: Instance) -> dict[str, str]:
    found = cluster.get("pods", "-l", "app=web")["items"]
    return {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in found}


def test_servers_see_the_pod_behind_a_cluster_ip(cluster: Instance, mode: str) -> None:
    client = cluster.get("pod", "client")["status"]["podIP"]
    url = f"http://{cluster_ip(cluster, 'web')}/clientip"
    assert peers(cluster, url, "pod:default/client") == {client}


def test_a_pod_reaches_itself_and_sees_its_node(cluster: Instance, mode: str) -> None:
    name, own = sorted(pods(cluster).items())[0]
    url = f"http://{cluster_ip(cluster, 'web')}/clientip"
    seen = peers(cluster, url, f"pod:default/{name}", 40)
    assert own in seen  # by the other pod
    assert seen - {own} <= {"172.30.0.11", "172.30.0.12"}
    assert len(seen) == 2


def test_node_ports_show_a_node(cluster: Instance, mode: str) -> None:
    for node in ("172.30.0.11", "172.30.0.12"):
        seen = peers(cluster, f"http://{node}:{HTTP}/clientip", "pod:default/client")
        assert seen <= {"172.30.0.11", "172.30.0.12"}
        assert seen


def test_node_ports_that_stay_local_show_the_client(cluster: Instance, mode: str) -> None:
    client = cluster.get("pod", "client")["status"]["podIP"]
    seen = peers(cluster, f"http://172.30.0.11:{LOCAL}/clientip", "pod:default/client")
    assert seen == {client}


def test_the_cluster_network_itself_is_a_node(cluster: Instance, mode: str) -> None:
    seen = peers(cluster, f"http://{cluster_ip(cluster, 'web')}/clientip", "")
    assert seen <= {"172.30.0.11", "172.30.0.12"}
    assert seen


HOLD = """
import socket, sys
with socket.create_connection((sys.argv[1], 80)) as sock:
    sock.send(b"GET /clientip HTTP/1.1\\r\\nHost: web\\r\\n\\r\\n")
    sock.recv(1000)
    print("connected", flush=True)
    sys.stdin.read()
"""


def test_a_pods_connection_is_listed_while_it_is_open(cluster: Instance, mode: str) -> None:
    client = cluster.get("pod", "client")["status"]["podIP"]
    words = ["exec", "--from", "pod:default/client", "--", sys.executable, "-c", HOLD]
    command = [*cluster.command, *words, cluster_ip(cluster, "web")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=cluster.env, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"connected\n"
        rows = json.loads(cluster.netemu("connections", "-o", "json").stdout)
        process.communicate()
    [row] = [each for each in rows if each["client"].startswith(f"{client}:")]
    assert (row["service"], row["port"], row["protocol"]) == ("web", "http", "TCP")
    assert row["endpoint"].removesuffix(":8080") in pods(cluster).values()
    assert row["received"] > 0
    assert row["sent"] > 0


def counted(cluster: Instance) -> float:
    """Connections to `web` that the relay has counted, endpoint by endpoint."""
    series = 'netemu_service_connections_total{namespace="default",service="web",port="http"'
    text = cluster.exec("curl", "-s", "http://127.0.0.1:10249/metrics").stdout
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(series))


def test_in_the_auto_mode_a_service_that_is_observed_is_relayed(cluster: Instance) -> None:
    cluster.netemu("proxy", "mode", "auto")
    url = f"http://{cluster_ip(cluster, 'web')}/hostname"
    more = []
    for annotation in ("netemu.dev/observe=true", "netemu.dev/observe-"):
        cluster.kubectl("annotate", "service", "web", annotation)
        before = counted(cluster)
        assert cluster.exec("curl", "-s", url, place="pod:default/client").stdout in pods(cluster)
        more.append(counted(cluster) - before)
    assert more == [1, 0]


ASK_BY_UDP = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.settimeout(3)
    sock.connect((sys.argv[1], int(sys.argv[2])))
    sock.send(sys.argv[3].encode())
    print(sock.recv(100).decode())
"""


def by_udp(cluster: Instance, place: str, host: str, port: str | int, word: str) -> str:
    command = (sys.executable, "-c", ASK_BY_UDP, host, str(port), word)
    return cluster.exec(*command, place=place).stdout.strip()


def test_servers_see_the_pod_behind_a_datagram(cluster: Instance, mode: str) -> None:
    client = cluster.get("pod", "client")["status"]["podIP"]
    place = "pod:default/client"
    host = cluster_ip(cluster, "web")
    seen = {by_udp(cluster, place, host, 81, "clientip") for _ in range(6)}
    assert {each.rpartition(":")[0] for each in seen} == {client}
    seen = {by_udp(cluster, place, "172.30.0.12", UDP, "clientip") for _ in range(3)}
    assert {each.rpartition(":")[0] for each in seen} <= {"172.30.0.11", "172.30.0.12"}


def test_a_pod_reaches_itself_by_udp(cluster: Instance, mode: str) -> None:
    name, own = sorted(pods(cluster).items())[0]
    host, seen = cluster_ip(cluster, "web"), set()
    for _ in range(20):
        seen.add(by_udp(cluster, f"pod:default/{name}", host, 81, "clientip").rpartition(":")[0])
    assert own in seen  # by the other pod
    assert len(seen) == 2
    assert seen - {own} <= {"172.30.0.11", "172.30.0.12"}


def test_udp_is_answered_by_whom_it_was_sent_to(cluster: Instance, mode: str) -> None:
    for host, port in ((cluster_ip(cluster, "web"), "81"), ("172.30.0.11", str(UDP))):
        assert by_udp(cluster, "pod:default/client", host, port, "hostname") in pods(cluster)


@pytest.mark.parametrize("place", ["pod:default/client", ""])
def test_nobody_is_refused_at_once(cluster: Instance, mode: str, place: str) -> None:
    for host in (cluster_ip(cluster, "nobody"), "203.0.113.7"):
        url = f"http://{host}/"
        assert cluster.exec("curl", "-sm", "3", url, place=place, check=False).returncode == REFUSED


def test_the_host_is_served_whatever_the_mode(cluster: Instance, mode: str) -> None:
    done = cluster.run("curl", "-sf", "-m", "3", f"http://127.0.0.1:{HTTP}/hostname")
    assert done.stdout.strip() in pods(cluster)
