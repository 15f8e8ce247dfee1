"""Services of every type and policy in each network mode, by real clients.

Rows of the Service semantics that need processes: what rules alone decide is tested beside them.
"""

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from netemu.testing import Instance, instance
from tests.support.ports import free_node_ports
from tests.support.reach import EVERY_NET, NAMESPACED

pytestmark = pytest.mark.e2e


[NODE_PORT] = free_node_ports(1)
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.40"
MANIFESTS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: echo}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: echo}}}}
  template:
    metadata: {{labels: {{app: echo}}}}
    spec:
      topologySpreadConstraints: []
      containers:
      - name: netexec
        image: {AGNHOST}
        args: [netexec, --http-port=8080, --udp-port=8081]
        readinessProbe: {{httpGet: {{path: /, port: 8080}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: echo}}
spec:
  type: NodePort
  selector: {{app: echo}}
  ports:
  - {{name: http, port: 80, targetPort: 8080, nodePort: {NODE_PORT}}}
  - {{name: udp, port: 80, protocol: UDP, targetPort: 8081, nodePort: {NODE_PORT}}}
"""
UDP_CLIENT = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(sys.argv[3].encode())
print(s.recv(65535).decode())
"""
METALLB = """
apiVersion: v1
kind: Namespace
metadata: {name: metallb-system}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: lan, namespace: metallb-system}
spec: {addresses: [10.64.140.43-10.64.140.49]}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: lan, namespace: metallb-system}
spec: {ipAddressPools: [lan]}
"""


@pytest.fixture(scope="module", params=EVERY_NET)
def cluster(request: pytest.FixtureRequest) -> Iterator[Instance]:
    with instance(f"services-{request.param}", options=["--net", request.param]) as made:
        yield made


@pytest.fixture(autouse=True)
def echo(cluster: Instance) -> None:
    """Each test finds the same Service, and no other's changes to it."""
    cluster.kubectl("delete", "service", "echo", "--ignore-not-found")
    cluster.apply(MANIFESTS)
    cluster.kubectl("rollout", "status", "deployment/echo", "--timeout=60s")
    cluster.wait_for(lambda: len(ready(cluster)) == 2, what="two endpoints")
    cluster.wait_for(lambda: http(cluster, address(cluster)), what="the first answer")


def ready(cluster: Instance) -> list[Any]:
    parts = cluster.get("endpointslices", "-l", "kubernetes.io/service-name=echo")["items"]
    found = [each for part in parts for each in part.get("endpoints") or ()]
    return [each for each in found if each["conditions"]["ready"]]


def service(cluster: Instance) -> Any:
    return cluster.get("service", "echo")


def address(cluster: Instance) -> str:
    return str(service(cluster)["spec"]["clusterIP"])


def patch(cluster: Instance, **spec: Any) -> None:
    cluster.kubectl("patch", "service", "echo", "-p", json.dumps({"spec": spec}))


def node_addresses(cluster: Instance) -> list[str]:
    return [node["status"]["addresses"][0]["address"] for node in cluster.get("nodes")["items"]]


def http(cluster: Instance, host: str, port: int = 80, path: str = "/hostname") -> str:
    url = f"http://{host}:{port}{path}"
    return cluster.exec("curl", "-sf", "--max-time", "2", url).stdout


def refusal(cluster: Instance, host: str, port: int = 80) -> int:
    """curl's exit code: 7 refused, 28 timed out."""
    url = f"http://{host}:{port}/hostname"
    return cluster.exec("curl", "-s", "--max-time", "1", url, check=False).returncode


def udp(cluster: Instance, host: str, port: int, word: str) -> str:
    words = (sys.executable, "-c", UDP_CLIENT, host, str(port), word)
    return cluster.exec(*words).stdout.rstrip("\n")


def eventually(cluster: Instance, true: Callable[[], object], what: str) -> None:
    cluster.wait_for(true, seconds=30, what=what)


def test_udp_is_served_at_every_address(cluster: Instance) -> None:
    pods = {pod["metadata"]["name"] for pod in cluster.get("pods")["items"]}
    ways = [(address(cluster), 80), *((node, NODE_PORT) for node in node_addresses(cluster))]
    for host, port in (*ways, ("127.0.0.1", NODE_PORT)):
        if host == "127.0.0.1" and cluster.facts["net"] == "loopback":
            continue  # seen below, from the host
        assert udp(cluster, host, port, "hostName") in pods
        assert udp(cluster, host, port, "echo " + "x" * 2000) == "x" * 2000


def test_a_flow_from_the_host_goes_on_while_pods_come_and_go(cluster: Instance) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.3)
        client.connect(("127.0.0.1", NODE_PORT))

        def asked() -> str:
            client.send(b"hostName")
            return client.recv(1000).decode()

        first = asked()
        assert {asked() for _ in range(5)} == {first}
        cluster.kubectl("delete", "pod", first, "--wait=false")
        eventually(cluster, lambda: asked() != first, "the flow to move")
        cluster.kubectl("scale", "deployment/echo", "--replicas=0")

        def refused() -> bool:
            try:
                asked()
            except ConnectionRefusedError:
                return True
            except TimeoutError:
                return False
            return False

        eventually(cluster, refused, "the refusal")
        cluster.kubectl("scale", "deployment/echo", "--replicas=2")
        eventually(cluster, lambda: bool(asked()), "the same socket to be served again")


def test_tcp_and_udp_of_one_number_come_and_go_apart(cluster: Instance) -> None:
    host = address(cluster)
    [tcp, _] = service(cluster)["spec"]["ports"]
    words = json.dumps([{"op": "replace", "path": "/spec/ports", "value": [tcp]}])
    cluster.kubectl("patch", "service", "echo", "--type=json", "-p", words)
    assert http(cluster, host)
    with pytest.raises(AssertionError, match="Connection refused"):
        udp(cluster, host, 80, "hostName")


def test_a_balancer_has_an_address_that_serves_and_gives_it_back(cluster: Instance) -> None:
    patch(cluster, type="LoadBalancer")
    eventually(cluster, lambda: bool(ingress(cluster)), "an address")
    [given] = ingress(cluster)
    first, _, last = cluster.facts["addresses"]["loadBalancers"].partition("-")
    assert first <= given["ip"] <= last
    assert given["ipMode"] == "VIP"
    eventually(cluster, lambda: bool(http(cluster, given["ip"])), "an answer")
    assert udp(cluster, given["ip"], 80, "hostName")
    cluster.kubectl("scale", "deployment/echo", "--replicas=0")
    eventually(cluster, lambda: refusal(cluster, given["ip"]) == 7, "the refusal")
    patch(cluster, type="ClusterIP")
    eventually(
        cluster, lambda: "finalizers" not in service(cluster)["metadata"], "the finalizer to go"
    )
    assert ingress(cluster) == []


def ingress(cluster: Instance) -> list[Any]:
    return list(service(cluster)["status"]["loadBalancer"].get("ingress") or ())


# In loopback mode only addresses of the instance's own can be bound.
@pytest.mark.parametrize("cluster", NAMESPACED, indirect=True, scope="module")
def test_metallbs_pools_are_served_where_they_can_be(cluster: Instance) -> None:
    cluster.apply(METALLB)
    patch(cluster, type="LoadBalancer", externalIPs=["203.0.113.250"])
    eventually(cluster, lambda: bool(ingress(cluster)), "an address")
    assert ingress(cluster)[0]["ip"] == "10.64.140.43"
    for host in ("10.64.140.43", "203.0.113.250"):
        eventually(cluster, partial(http, cluster, host), f"{host} to answer")
        [pod, _] = cluster.get("pods")["items"]
        place = f"pod:default/{pod['metadata']['name']}"
        url = f"http://{host}/hostname"
        assert cluster.exec("curl", "-sf", "--max-time", "2", url, place=place).stdout
    assert "10.64.140.43-10.64.140.49" in cluster.kubectl("get", "ipaddresspools", "-A")
    cluster.kubectl("delete", "ipaddresspools", "-n", "metallb-system", "lan")


def test_local_policy_drops_where_no_endpoint_is(cluster: Instance) -> None:
    cluster.kubectl("scale", "deployment/echo", "--replicas=1")
    eventually(cluster, lambda: len(ready(cluster)) == 1, "one endpoint")
    [here] = ready(cluster)
    patch(cluster, type="LoadBalancer", externalTrafficPolicy="Local")
    port = service(cluster)["spec"]["healthCheckNodePort"]
    for node in cluster.get("nodes")["items"]:
        host = node["status"]["addresses"][0]["address"]
        local = node["metadata"]["name"] == here["nodeName"]
        answers = partial(health_answers, cluster, host, port, "200" if local else "503")
        eventually(cluster, answers, f"the health of {host}")
        if cluster.facts["net"] == "loopback":  # there, no client is on any node
            ends = partial(ends_with, cluster, host, 0 if local else 28)
            eventually(cluster, ends, "drops where no endpoint is")
        elif not local:
            # The pod that was there may still serve while it ends.
            dropped = partial(dropped_from, cluster, host, str(here["nodeName"]))
            eventually(cluster, dropped, "drops where no endpoint is")


def health_answers(cluster: Instance, host: str, port: int, status: str) -> bool:
    url = f"http://{host}:{port}/"
    words = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url)
    return cluster.exec(*words).stdout == status


def ends_with(cluster: Instance, host: str, code: int) -> bool:
    return refusal(cluster, host, NODE_PORT) == code


def dropped_from(cluster: Instance, host: str, node: str) -> bool:
    """Whether a pod on that node gets no answer there."""
    pods = cluster.get("pods", "-l", "app=echo")["items"]
    [pod] = [
        each
        for each in pods
        if each["spec"]["nodeName"] == node and "deletionTimestamp" not in each["metadata"]
    ]
    url = f"http://{host}:{NODE_PORT}/hostname"
    place = f"pod:default/{pod['metadata']['name']}"
    words = ("curl", "-s", "--max-time", "1", url)
    return cluster.exec(*words, place=place, check=False).returncode == 28


def test_affinity_and_connections_can_be_seen(cluster: Instance) -> None:
    patch(cluster, sessionAffinity="ClientIP")
    eventually(
        cluster,
        lambda: service(cluster)["spec"]["sessionAffinity"] == "ClientIP" and affinity_of(cluster),
        "affinity",
    )
    names = {http(cluster, address(cluster)) for _ in range(10)}
    assert len(names) == 1
    rows = json.loads(cluster.netemu("affinity", "-o", "json").stdout)
    assert {row["pod"] for row in rows if row["protocol"] == "TCP"} == {f"default/{names.pop()}"}
    with socket.create_connection(("127.0.0.1", NODE_PORT)):
        eventually(cluster, lambda: bool(connections(cluster)), "the connection")
        [row] = connections(cluster)
        assert (row["service"], row["port"], row["received"]) == ("echo", "http", 0)
    eventually(cluster, lambda: not connections(cluster), "its end")


def affinity_of(cluster: Instance) -> bool:
    http(cluster, address(cluster))
    return bool(json.loads(cluster.netemu("affinity", "-o", "json").stdout))


def connections(cluster: Instance) -> list[Any]:
    rows = json.loads(cluster.netemu("connections", "-o", "json").stdout)
    return [row for row in rows if row["service"] == "echo" and row["protocol"] == "TCP"]


def test_every_node_tells_of_its_proxy(cluster: Instance) -> None:
    http(cluster, address(cluster))
    for host in node_addresses(cluster):
        told = json.loads(http(cluster, host, 10256, "/healthz"))
        assert {"lastUpdated", "currentTime", "nodeEligible"} <= told.keys()
        assert http(cluster, host, 10249, "/proxyMode") == "userspace"
        text = http(cluster, host, 10249, "/metrics")
        assert "kubeproxy_sync_proxy_rules_duration_seconds_count" in text
        assert "kubeproxy_network_programming_duration_seconds_count" in text
        assert 'netemu_service_connections_total{namespace="default",service="echo"' in text


def test_a_host_port_is_taken_once_per_node_and_serves(cluster: Instance) -> None:
    cluster.apply(taking("one"))
    cluster.apply(taking("two"))
    cluster.apply(taking("three"))
    names = ("one", "two", "three")

    def phases() -> list[str]:
        return sorted(cluster.get("pod", name)["status"]["phase"] for name in names)

    eventually(cluster, lambda: phases() == ["Pending", "Running", "Running"], "two to run")
    running = [cluster.get("pod", name) for name in names]
    for pod in running:
        if pod["status"]["phase"] == "Running":
            host = pod["status"]["hostIP"]
            name = pod["metadata"]["name"]
            eventually(cluster, partial(hosted, cluster, host, name), f"{name} at its node")
    cluster.kubectl("delete", "pod", *names, "--wait=false")


def hosted(cluster: Instance, host: str, name: str) -> bool:
    return http(cluster, host, 54323) == name


def taking(name: str) -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: netexec
    image: {AGNHOST}
    args: [netexec, --http-port=8085]
    ports: [{{containerPort: 8085, hostPort: 54323}}]
"""


# In loopback mode clients have no place: all of them are 127.0.0.1.
@pytest.mark.parametrize("cluster", NAMESPACED, indirect=True, scope="module")
def test_a_close_endpoint_is_preferred(cluster: Instance) -> None:
    while len({each["zone"] for each in ready(cluster)}) < 2:  # both happen to be in one
        cluster.kubectl("rollout", "restart", "deployment/echo")
        cluster.kubectl("rollout", "status", "deployment/echo", "--timeout=60s")
        cluster.wait_for(lambda: len(ready(cluster)) == 2, what="two endpoints")
    patch(cluster, trafficDistribution="PreferClose")
    eventually(cluster, lambda: all("hints" in each for each in ready(cluster)), "hints")
    time.sleep(0.1)
    for pod in cluster.get("pods", "-l", "app=echo")["items"]:
        name = pod["metadata"]["name"]
        url = f"http://{address(cluster)}/hostname"
        seen = {
            cluster.exec("curl", "-sf", url, place=f"pod:default/{name}").stdout for _ in range(5)
        }
        assert seen == {name}
