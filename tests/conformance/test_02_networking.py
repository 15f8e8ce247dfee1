"""sig-network: Networking, HostPort, topology; by TCP and UDP."""

import json
import sys
from functools import partial
from typing import Any

import pytest

from tests.support.jig import UDP, Jig, port
from tests.support.reach import TIMED_OUT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

NODES = ("node-1", "node-2", "node-3")
SERVERS = tuple(f"server-{number}" for number in (1, 2, 3))
BOTH = [port(80, 8080, "http"), port(90, 8081, "udp", protocol="UDP")]


def servers(jig: Jig, **spec: Any) -> None:
    """A server on each node, a client, and a client in the node's network."""
    arguments = ("netexec", "--http-port=8080", "--udp-port=8081")
    for name, node in zip(SERVERS, NODES, strict=True):
        jig.pod(name, *arguments, serves="web", node=node, **spec)
    jig.pod("client", "pause")
    jig.pod("host-client", "pause", hostNetwork=True, node="node-1")
    jig.running("client", "host-client", *SERVERS)
    jig.until(lambda: all(jig.curl("", f"http://{jig.pod_ip(s)}:8080/") for s in SERVERS), "them")


def dialled(jig: Jig, host: str, number: int, protocol: str, tries: int = 24) -> set[str]:
    """Who answers a server's own ``/dial``, as upstream asks."""
    query = f"request=hostname&protocol={protocol}&host={host}&port={number}&tries={tries}"
    said = jig.curl("", f"http://{jig.pod_ip('server-1')}:8080/dial?{query}", "-g", "-m", "20")
    return set(json.loads(said).get("responses") or ())


def by_udp(jig: Jig, place: str, host: str, number: int, times: int = 24) -> set[str]:
    """Who answers datagrams of as many sockets."""
    one = f"{sys.executable} -c '{UDP}' {host} {number} 0 1 hostName"
    return set(jig.shell(place, f"for i in $(seq {times}); do {one}; done").split())


@pytest.mark.row("2.1", "2.2", "2.3", "2.4")
def test_every_pod_reaches_every_pod(jig: Jig) -> None:
    servers(jig)
    for name in SERVERS:
        ip = jig.pod_ip(name)
        assert dialled(jig, ip, 8080, "http", 1) == dialled(jig, ip, 8081, "udp", 1) == {name}
        for place in (jig.at("client"), jig.at("host-client"), "node:node-2"):
            assert jig.names(place, f"{ip}:8080", 1) == [name]
            assert jig.udp(place, ip, 8081) == [name]
            said = jig.shell(place, f"echo hostName | nc -u -w 1 {ip} 8081")
            assert said.strip() == name


@pytest.mark.row("2.6", "2.7", "2.8", "2.9", "2.10", "2.11", "2.12", "2.13", "2.21")
def test_services_lead_everybody_to_all_endpoints(jig: Jig) -> None:
    servers(jig)
    jig.service("web", *BOTH, type="NodePort")
    jig.service("second", *BOTH, type="NodePort", selector={"web": "yes"})
    jig.until(lambda: len(jig.sliced("web")) == len(jig.sliced("second")) == 3, "the endpoints")
    host, node = jig.ip("web"), jig.nodes["node-2"]
    tcp, udp = jig.node_port("web", 0), jig.node_port("web", 1)

    def all_answer(*names: str) -> None:
        ways = [(host, 80, 90), (node, tcp, udp)]
        for address, to_tcp, to_udp in ways:
            assert dialled(jig, address, to_tcp, "http") == set(names)
            assert dialled(jig, address, to_udp, "udp") == set(names)
            for place in (jig.at("client"), jig.at("host-client"), jig.at("server-1")):
                assert set(jig.names(place, f"{address}:{to_tcp}", 24)) == set(names)
        for place in (jig.at("client"), jig.at("host-client"), "node:node-3"):
            assert by_udp(jig, place, host, 90) == by_udp(jig, place, node, udp) == set(names)

    jig.until(lambda: dialled(jig, host, 80, "http") == set(SERVERS), "all of them")
    all_answer(*SERVERS)
    assert by_udp(jig, "", node, jig.node_port("second", 1)) == set(SERVERS)
    jig.delete("pods", "server-3")
    jig.until(lambda: len(jig.sliced("web")) == 2, "its end")
    all_answer(*SERVERS[:2])


@pytest.mark.row("2.16", "2.17", "2.18", "2.19")
@pytest.mark.rule(45, 56)
def test_affinity_and_size_are_the_same_for_both_protocols(jig: Jig) -> None:
    servers(jig)
    jig.service("web", *BOTH, sessionAffinity="ClientIP")
    jig.until(lambda: len(jig.sliced("web")) == 3, "the endpoints")
    place, host = jig.at("client"), jig.ip("web")
    jig.until(lambda: jig.names(place, host, 1) != ["-"], "an answer")
    assert len(set(jig.names(place, host, 12))) == 1
    assert len(by_udp(jig, place, host, 90, 12)) == 1
    long = "x" * 2000
    assert jig.names(place, host, 1, f"echo?msg={long}") == [long]
    assert jig.udp(place, host, 90, f"echo {long}") == [long]


@pytest.mark.row("2.20")
def test_endpoints_in_the_nodes_network_are_served(jig: Jig) -> None:
    jig.pod("client")
    for number, node in ((1, "node-1"), (2, "node-2")):
        arguments = ("netexec", f"--http-port=1808{number}", "--udp-port=-1")
        taken = [{"name": "http", "containerPort": 18080 + number}]
        spec: Any = {"hostNetwork": True, "node": node, "ports": taken}
        jig.pod(f"web-{number}", *arguments, serves="web", **spec)
    jig.running("client", "web-1", "web-2")
    jig.service("web", port(80, "http"))
    jig.until(lambda: len(jig.sliced("web")) == 2, "the endpoints")
    jig.all_answer(jig.at("client"), jig.ip("web"), "node-1", "node-2")


@pytest.mark.row("2.24")
def test_the_api_has_its_fixed_paths(jig: Jig) -> None:
    for path in ("/healthz", "/api", "/apis", "/metrics", "/openapi/v2", "/version"):
        assert jig.rest.ask("GET", path)[0] == 200


@pytest.mark.row("2.25")
@pytest.mark.rule(58)
def test_every_node_says_how_its_proxy_is(jig: Jig) -> None:
    for node, address in jig.nodes.items():
        told = json.loads(jig.curl(f"node:{node}", f"http://{address}:10256/healthz"))
        assert {"lastUpdated", "currentTime", "nodeEligible"} <= told.keys()
        assert jig.curl(f"node:{node}", "http://127.0.0.1:10249/proxyMode") == "userspace"
    tainted = [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]
    url = f"http://{jig.nodes['node-3']}:10256"
    status = ("-o", "/dev/null", "-w", "%{http_code}")
    try:
        jig.rest.patch("/api/v1/nodes/node-3", {"spec": {"taints": tainted}})
        jig.until(lambda: jig.curl("", f"{url}/healthz", *status) == "503", "the news")
        assert jig.curl("", f"{url}/livez", *status) == "200"
    finally:
        jig.rest.patch("/api/v1/nodes/node-3", {"spec": {"taints": None}})
    jig.until(lambda: jig.curl("", f"{url}/healthz", *status) == "200", "it to be back")


@pytest.mark.row("2.34")
@pytest.mark.rule(59)
def test_host_ports_of_other_addresses_and_protocols_get_along(jig: Jig) -> None:
    node = jig.nodes["node-1"]
    taken = {"containerPort": 8080, "hostPort": 54323, "protocol": "TCP"}
    pods = {
        "pod1": {**taken, "hostIP": "127.0.0.1"},
        "pod2": {**taken, "hostIP": node},
        "pod3": {**taken, "hostIP": node, "protocol": "UDP"},
    }
    arguments = ("netexec", "--http-port=8080", "--udp-port=8080")
    for name, ports in pods.items():
        jig.pod(name, *arguments, ports=[ports], node="node-1")
    jig.pod("e2e-host-exec", "pause", hostNetwork=True, node="node-1")
    jig.running(*pods, "e2e-host-exec")
    place = jig.at("e2e-host-exec")

    def asked(host: str) -> str:
        return jig.curl(place, f"http://{host}:54323/hostname", "-g", "--interface", node)

    jig.until(lambda: asked("127.0.0.1") == "pod1", "the one at 127.0.0.1")
    jig.until(lambda: asked(node) == "pod2", "the one at the node's address")
    jig.until(lambda: jig.udp(place, node, 54323) == ["pod3"], "the one of UDP")
    assert jig.code(place, f"http://{jig.nodes['node-2']}:54323/") != 0


@pytest.mark.row("2.38")
def test_a_pod_that_ends_reaches_and_is_reached(jig: Jig) -> None:
    arguments = ("netexec", "--http-port=8080", "--delay-shutdown=30")
    for name in ("one", "two"):
        jig.pod(name, *arguments, terminationGracePeriodSeconds=30)
    jig.running("one", "two")
    for name in ("one", "two"):
        jig.until(partial(jig.curl, "", f"http://{jig.pod_ip(name)}:8080/"), name)
    jig.delete("pods", "one")
    assert jig.rest.get(jig.path("pods", "one"))["metadata"]["deletionTimestamp"]
    for here, there in (("one", "two"), ("two", "one")):
        assert jig.names(jig.at(here), f"{jig.pod_ip(there)}:8080", 3) == [there] * 3
    jig.delete("pods", "one", gracePeriodSeconds=0)


def spread(jig: Jig, *nodes: str, **spec: Any) -> None:
    """Clients on all nodes, servers on some, and their Service."""
    for node in NODES:
        jig.pod(f"client-{node}", node=node)
    for node in nodes:
        jig.pod(f"on-{node}", "serve-hostname", serves="web", node=node)
    jig.running(*(f"client-{n}" for n in NODES), *(f"on-{n}" for n in nodes))
    jig.service("web", port(80, 9376), **spec)


def heard(jig: Jig, node: str) -> set[str]:
    return set(jig.names(jig.at(f"client-{node}"), jig.ip("web"), 12))


@pytest.mark.row("2.40", "2.41")
@pytest.mark.rule(39)
@pytest.mark.parametrize("distribution", ["PreferClose", "PreferSameZone", "PreferSameNode"])
def test_the_close_endpoint_is_taken_where_there_is_one(jig: Jig, distribution: str) -> None:
    spread(jig, "node-1", "node-2", trafficDistribution=distribution)
    jig.until(lambda: heard(jig, "node-1") == {"on-node-1"}, "hints")
    assert heard(jig, "node-1") == {"on-node-1"}
    assert heard(jig, "node-2") == {"on-node-2"}
    assert heard(jig, "node-3") == {"on-node-1", "on-node-2"}
    jig.delete("pods", "on-node-2")
    jig.until(lambda: heard(jig, "node-2") == {"on-node-1"}, "the other zone's")


@pytest.mark.row("2.39")
@pytest.mark.rule(39)
def test_topology_mode_auto_hints_every_endpoint(jig: Jig) -> None:
    spread(jig, *NODES)
    annotations = {"service.kubernetes.io/topology-mode": "Auto"}
    jig.rest.patch(jig.path("services", "web"), {"metadata": {"annotations": annotations}})

    def hinted() -> bool:
        each = [one for part in jig.slices("web") for one in part["endpoints"]]
        return len(each) == 3 and all(one.get("hints", {}).get("forZones") for one in each)

    jig.until(hinted, "hints")
    for node in NODES:
        assert heard(jig, node) == {f"on-{node}"}
    words = "Topology Aware Hints has been enabled, addressType: IPv4"
    events = jig.rest.get(jig.path("events"))["items"]
    assert words in [each["message"] for each in events]


@pytest.mark.rule(44)
def test_node_ports_are_served_at_127_0_0_1(jig: Jig) -> None:
    jig.service("web", port(80, 9376), type="NodePort")
    jig.pod("one", "serve-hostname", serves="web")
    jig.running("one")
    number = jig.node_port("web")
    for place in ("", "node:node-1"):
        jig.all_answer(place, f"127.0.0.1:{number}", "one")
    done = jig.cluster.run("curl", "-sf", "-m", "3", f"http://127.0.0.1:{number}/")
    assert done.stdout == "one"
    done = jig.cluster.run("curl", "-sgf", "-m", "1", f"http://[::1]:{number}/", check=False)
    assert done.returncode in (7, TIMED_OUT)
