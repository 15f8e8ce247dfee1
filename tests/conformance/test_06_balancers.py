"""sig-network: LoadBalancer."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.support.jig import Jig, port
from tests.support.reach import REFUSED, TIMED_OUT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"


@pytest.mark.row("6.1", "6.2")
@pytest.mark.rule(68)
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_types_and_ports_change_on_a_live_service(jig: Jig, protocol: str) -> None:
    taken = port(80, 80, protocol=protocol)
    jig.service("web", taken)
    jig.pod("client")
    jig.server("one", "--udp-port=80", serves="web")
    jig.running("client", "one")

    def answer(host: str, number: int) -> str:
        places = (jig.at("client"), "vpc" if host != jig.ip("web") else "")
        if protocol == "TCP":
            said = {jig.names(each, f"{host}:{number}", 1)[0] for each in places}
        else:
            said = {jig.udp(each, host, number, times=2)[-1] for each in places}
        return said.pop() if len(said) == 1 else "one here, another there"

    def served(host: str, number: int) -> None:
        jig.until(lambda: answer(host, number) == "one", f"{host}:{number}")

    def refused(host: str, number: int) -> None:
        if protocol == "TCP":
            url = f"http://{host}:{number}/"
            jig.until(lambda: jig.code(jig.at("client"), url) == REFUSED, f"{url}'s refusal")
        else:
            jig.until(lambda: answer(host, number) == "REFUSED", f"{host}:{number}'s refusal")

    served(jig.ip("web"), 80)
    jig.change("web", type="NodePort")
    node, first = jig.nodes["node-2"], jig.node_port("web")
    served(node, first)
    jig.change("web", type="LoadBalancer")
    ingress = jig.ingress("web")
    for host, number in ((node, first), (ingress, 80)):
        served(host, number)
    second = first + 1 if first < 32767 else first - 1
    jig.change("web", ports=[{**taken, "nodePort": second}])
    served(node, second)
    refused(node, first)
    jig.change("web", ports=[{**taken, "nodePort": second, "port": 81}])
    assert jig.ingress("web") == ingress
    served(ingress, 81)
    served(node, second)
    refused(ingress, 80)
    jig.delete("pods", "one")
    refused(ingress, 81)
    jig.server("one", "--udp-port=80", serves="web")
    jig.running("one")
    served(ingress, 81)
    changed = jig.change("web", type="ClusterIP")
    assert "nodePort" not in changed["spec"]["ports"][0]
    assert changed["status"]["loadBalancer"] == {}
    refused(node, second)
    assert answer(ingress, 81) != "one"  # outside it is nobody's address any more
    served(jig.ip("web"), 81)


def same(found: Callable[[], object], expected: object) -> bool:
    return found() == expected


@pytest.mark.row("6.3")
@pytest.mark.rule(41)
def test_source_ranges_say_who_may(jig: Jig) -> None:
    jig.service("web", port(80), type="LoadBalancer")
    for name in ("accept", "drop"):
        jig.pod(name)
    jig.server("one", serves="web")
    jig.running("accept", "drop", "one")
    ingress, number = jig.ingress("web"), jig.node_port("web")

    def outcomes() -> dict[str, int]:
        return {n: jig.code(jig.at(n), f"http://{ingress}/") for n in ("accept", "drop")}

    jig.until(lambda: outcomes() == {"accept": 0, "drop": 0}, "an answer")
    for allowed, other in (("accept", "drop"), ("drop", "accept")):
        jig.change("web", loadBalancerSourceRanges=[f" {jig.pod_ip(allowed)}/32 "])
        expected = {allowed: 0, other: TIMED_OUT}
        jig.until(partial(same, outcomes, expected), f"{allowed} alone")
        for host in (jig.ip("web"), f"{jig.nodes['node-1']}:{number}"):
            assert jig.names(jig.at(other), host, 2) == ["one"] * 2
    jig.change("web", loadBalancerSourceRanges=None)
    jig.until(lambda: outcomes() == {"accept": 0, "drop": 0}, "both")


@pytest.mark.row("6.7")
@pytest.mark.rule(17)
def test_the_finalizer_is_there_as_long_as_the_balancer(jig: Jig) -> None:
    jig.service("web", port(80), type="LoadBalancer")

    def held() -> bool:
        return FINALIZER in jig.get_service("web")["metadata"].get("finalizers", ())

    jig.ingress("web")
    assert held()
    jig.change("web", type="ClusterIP")
    jig.until(lambda: not held(), "its end")
    jig.change("web", type="LoadBalancer")
    jig.until(held, "it to be back")
    jig.delete("services", "web")
    jig.until(lambda: jig.rest.ask("GET", jig.path("services", "web"))[0] == 404, "the end")


@pytest.mark.row("6.8")
@pytest.mark.rule(15)
def test_a_balancer_needs_no_node_port(jig: Jig) -> None:
    jig.service("web", port(80), type="LoadBalancer", allocateLoadBalancerNodePorts=None)
    jig.delete("services", "web")
    jig.until(lambda: jig.rest.ask("GET", jig.path("services", "web"))[0] == 404, "the end")
    spec = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [port(80)]}
    obj = {"metadata": {"name": "web"}, "spec": {**spec, "selector": {"web": "yes"}}}
    made = jig.rest.create(jig.path("services"), obj)
    assert "nodePort" not in made["spec"]["ports"][0]
    jig.pod("client")
    jig.server("one", serves="web")
    jig.running("client", "one")
    ingress = jig.ingress("web")
    jig.all_answer(jig.at("client"), ingress, "one")
    jig.change("web", allocateLoadBalancerNodePorts=True)
    number = jig.node_port("web")
    jig.all_answer(jig.at("client"), f"{jig.nodes['node-1']}:{number}", "one")
    assert jig.ingress("web") == ingress


ASK = """
import http.client, sys, time
good = bad = 0
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=3)
    try:
        connection.request("GET", "/echo?msg=hello")
        good += connection.getresponse().read() == b"hello"
    except OSError:
        bad += 1
    finally:
        connection.close()
    time.sleep(0.01)
print(good, bad)
"""


@pytest.mark.row("6.10")
@pytest.mark.parametrize("policy", ["Cluster", "Local"])
def test_a_rolling_update_disrupts_nobody(jig: Jig, policy: str) -> None:
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": policy}
    jig.service("web", port(80), **spec)
    container = {
        "name": "main",
        "image": "registry.k8s.io/e2e-test-images/agnhost:2.53",
        "args": ["netexec", "--http-port=80", "--delay-shutdown=2"],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 80}, "periodSeconds": 1},
        "env": [{"name": "ROUND", "value": "0"}],
    }
    labels = {"web": "yes"}
    pod = {"containers": [container], "terminationGracePeriodSeconds": 10}
    template = {"metadata": {"labels": labels}, "spec": pod}
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    obj: Any = {
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": template,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        },
    }
    path = jig.path("daemonsets", group="apis/apps/v1")
    jig.rest.create(path, obj)
    ingress = jig.ingress("web")
    jig.until(lambda: "-" not in jig.names("vpc", ingress, 3), "an answer")
    words = (*jig.cluster.command, "exec", "--from", "vpc", "--", sys.executable, "-c", ASK)
    asking = (*words, ingress, "8")
    with subprocess.Popen(asking, env=jig.cluster.env, stdout=subprocess.PIPE, text=True) as client:
        container["env"] = [{"name": "ROUND", "value": "1"}]
        jig.rest.patch(f"{path}/web", {"spec": {"template": template}})
        rollout = ("rollout", "status", "ds/web", "-n", jig.namespace, "--timeout=50s")
        jig.cluster.kubectl(*rollout)
        assert client.stdout is not None
        good, bad = map(int, client.stdout.read().split())
    assert good > 20
    assert good / (good + bad) >= 0.95


def peer(jig: Jig, place: str, host: str) -> str:
    """Whose address the server sees."""
    return jig.curl(place, f"http://{host}/clientip").rpartition(":")[0]


@pytest.mark.row("6.11", "6.12", "6.14", "6.15")
@pytest.mark.rule(36, 37)
def test_the_local_policy_keeps_the_clients_address(jig: Jig) -> None:
    local = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    health = jig.service("web", port(80), **local)["spec"]["healthCheckNodePort"]
    jig.pod("client", node="node-2")
    jig.server("one", serves="web", node="node-1")
    jig.running("client", "one")
    ingress, number = jig.ingress("web"), jig.node_port("web")
    place, client = jig.at("client"), jig.pod_ip("client")
    first, second = jig.nodes["node-1"], jig.nodes["node-2"]
    jig.until(lambda: peer(jig, "vpc", ingress), "an answer")
    outside = peer(jig, "vpc", ingress)
    assert outside.startswith("198.18.")
    assert peer(jig, place, ingress) == client
    assert peer(jig, place, f"{first}:{number}") == client
    assert peer(jig, "vpc", f"{first}:{number}") == outside
    assert jig.code("vpc", f"http://{second}:{number}/") == TIMED_OUT
    changed = jig.change("web", externalTrafficPolicy="Cluster")
    assert "healthCheckNodePort" not in changed["spec"]
    url = f"http://{first}:{health}/"
    jig.until(lambda: jig.code("vpc", url) == REFUSED, "the health port's end")
    jig.until(lambda: peer(jig, "vpc", f"{second}:{number}"), "the other node")
    assert peer(jig, "vpc", ingress) in jig.nodes.values()
    # The same port for health checks, as asked for.
    back = jig.change("web", externalTrafficPolicy="Local", healthCheckNodePort=health)
    assert back["spec"]["healthCheckNodePort"] == health
    jig.until(lambda: peer(jig, "vpc", ingress) == outside, "the address to be kept again")
    jig.change("web", type="ClusterIP", externalTrafficPolicy=None)
    jig.until(lambda: jig.code("vpc", url) == REFUSED, "the health port's end")
