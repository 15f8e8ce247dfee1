"""sig-network: Services; endpoints, ports and the objects' own lives."""

import json
import time
from functools import partial

import pytest

from tests.support.jig import Jig, port
from tests.support.reach import REFUSED

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.row("1.1", "1.2")
def test_the_api_has_a_service(jig: Jig) -> None:
    found = jig.rest.get("/api/v1/namespaces/default/services/kubernetes")
    everywhere = jig.rest.get("/api/v1/services")["items"]
    assert found["metadata"]["uid"] in {each["metadata"]["uid"] for each in everywhere}


@pytest.mark.row("1.3")
def test_endpoints_follow_pods(jig: Jig) -> None:
    jig.service("web", port(80))
    jig.pod("client")
    jig.serving("web")
    jig.server("pod1", serves="web", ports=[{"containerPort": 80}])
    jig.running("pod1", "client")
    jig.serving("web", pod1=[80])
    jig.all_answer(jig.at("client"), "web", "pod1")
    jig.server("pod2", serves="web", ports=[{"containerPort": 80}])
    jig.running("pod2")
    jig.serving("web", pod1=[80], pod2=[80])
    jig.all_answer(jig.at("client"), "web", "pod1", "pod2")
    jig.delete("pods", "pod1")
    jig.serving("web", pod2=[80])
    jig.all_answer(jig.at("client"), jig.ip("web"), "pod2")
    jig.delete("pods", "pod2")
    jig.serving("web")


@pytest.mark.row("1.4", "1.5")
def test_ports_of_several_names_are_each_served_by_who_has_them(jig: Jig) -> None:
    jig.service("web", port(80, "svc1", "one"))
    jig.pod("client")
    for name, target in (("svc1", 100), ("svc2", 101)):
        taken = [{"name": name, "containerPort": target}]
        arguments = ("netexec", f"--http-port={target}")
        jig.pod(f"pod{name[-1]}", *arguments, serves="web", ports=taken)
    jig.running("client", "pod1", "pod2")
    place = jig.at("client")
    jig.serving("web", pod1=[100])
    jig.change("web", ports=[port(80, "svc1", "one"), port(81, "svc2", "two")])
    jig.serving("web", pod1=[100], pod2=[101])
    jig.all_answer(place, "web:80", "pod1")
    jig.all_answer(place, "web:81", "pod2")
    jig.change("web", ports=[port(80, "svc1", "one")])
    jig.serving("web", pod1=[100])
    jig.all_answer(place, "web:80", "pod1")
    jig.until(lambda: jig.code(place, f"http://{jig.ip('web')}:81/") == REFUSED, "port 81's end")
    jig.change("web", ports=[port(80, "svc1", "one"), port(81, "svc2", "two")])
    jig.delete("pods", "pod1")
    jig.serving("web", pod2=[101])


@pytest.mark.row("1.6", "2.37")
@pytest.mark.rule(37)
def test_a_server_sees_the_pod_that_asks(jig: Jig) -> None:
    jig.service("web", port(8080))
    jig.server("web", serves="web", node="node-1")
    jig.pod("near", node="node-1")
    jig.pod("far", node="node-2")
    jig.running("web", "near", "far")
    jig.serving("web", web=[80])
    for name in ("near", "far"):
        for host in (f"{jig.ip('web')}:8080", jig.pod_ip("web")):
            seen = jig.curl(jig.at(name), f"http://{host}/clientip")
            assert seen.rpartition(":")[0] == jig.pod_ip(name)


@pytest.mark.row("1.7")
def test_a_pod_reaches_itself_through_its_service(jig: Jig) -> None:
    jig.service("web", port(8080))
    jig.server("one", serves="web")
    jig.running("one")
    jig.serving("web", one=[80])
    for host in ("web", jig.ip("web")):
        jig.until(partial(jig.reachable, jig.at("one"), host, 8080), host)


@pytest.mark.row("1.8", "1.9")
def test_services_come_and_go_without_touching_others(jig: Jig) -> None:
    jig.pod("client")
    jig.pod("host-client", hostNetwork=True)
    services = {}
    for name in ("up-down-1", "up-down-2"):
        services[name] = [f"{name}-{letter}" for letter in "abc"]
        jig.service(name, port(80, 9376))
        for pod in services[name]:
            jig.pod(pod, "serve-hostname", serves=name)
    jig.running("client", "host-client", *services["up-down-1"], *services["up-down-2"])
    for name, pods in services.items():
        for client in ("client", "host-client"):
            jig.all_answer(jig.at(client), jig.ip(name), *pods)
    gone = jig.ip("up-down-1")
    jig.delete("services", "up-down-1")
    jig.until(lambda: jig.code(jig.at("client"), f"http://{gone}/") == REFUSED, "its end")
    jig.all_answer(jig.at("client"), "up-down-2", *services["up-down-2"])
    jig.service("up-down-3", port(80, 9376), selector={"up-down-1": "yes"})
    assert jig.ip("up-down-3") != jig.ip("up-down-2")
    jig.all_answer(jig.at("client"), "up-down-3", *services["up-down-1"])
    jig.service("up-down-1", port(80, 9376))
    jig.all_answer(jig.at("client"), "up-down-1", *services["up-down-1"])


def tcp_refuses(jig: Jig, host: str, number: int) -> None:
    """Wait until agnhost's own client, a pod of that image, says so."""
    jig.until(lambda: jig.connects("client", host, number) == "REFUSED", f"{host}'s refusal")


@pytest.mark.row("1.33")
@pytest.mark.rule(34, 57)
def test_without_endpoints_clients_are_refused(jig: Jig) -> None:
    ports = [port(80, 80, "tcp"), port(80, 80, "udp", protocol="UDP")]
    jig.service("web", *ports, type="LoadBalancer", externalIPs=["203.0.113.33"])
    jig.pod("client", "pause")
    jig.running("client")
    number = jig.node_port("web")
    ways = (
        (jig.ip("web"), 80),
        (jig.nodes["node-2"], number),
        ("203.0.113.33", 80),
        (jig.ingress("web"), 80),
    )
    for host, at in (("web", 80), *ways):
        tcp_refuses(jig, host, at)
    for host, at in ways:
        own = jig.node_port("web", 1) if at == number else at
        jig.udp_answers(jig.at("client"), host, own, "REFUSED")


@pytest.mark.row("1.34")
@pytest.mark.rule(22)
def test_an_evicted_pod_serves_no_longer(jig: Jig) -> None:
    jig.service("web", port(80), publishNotReadyAddresses=True)
    jig.pod("client", "pause")
    jig.server("one", serves="web", restartPolicy="Never")
    jig.running("client", "one")
    jig.serving("web", one=[80])
    # As a kubelet short of disk does it: the pod fails and stays.
    ended = {"status": {"phase": "Failed", "reason": "Evicted", "message": "ephemeral-storage"}}
    jig.rest.patch(jig.path("pods", "one") + "/status", ended)
    jig.serving("web")
    [part] = jig.slices("web")
    assert not part.get("endpoints")
    jig.until(lambda: jig.connects("client", "web", 80) == "REFUSED", "the refusal")


@pytest.mark.row("1.46", "1.47")
@pytest.mark.rule(50, 55)
@pytest.mark.parametrize("kind", ["ClusterIP", "LoadBalancer"])
def test_two_protocols_of_one_port_go_their_own_ways(jig: Jig, kind: str) -> None:
    taken = [
        {"containerPort": 80, "name": "tcp"},
        {"containerPort": 80, "name": "udp", "protocol": "UDP"},
    ]
    tcp, udp = port(80, "tcp", "tcp"), port(80, "udp", "udp", protocol="UDP")
    jig.service("web", tcp, udp, type=kind)
    jig.pod("client")
    jig.server("one", "--udp-port=80", serves="web", ports=taken)
    jig.running("client", "one")
    place, host = jig.at("client"), jig.ip("web")
    both = {"tcp": True, "udp": True}

    def served() -> dict[str, bool]:
        return {
            "tcp": jig.names(place, host, 1) == ["one"],
            "udp": jig.udp(place, host, 80) == ["one"],
        }

    jig.until(lambda: served() == both, "both")
    jig.change("web", ports=[tcp])
    jig.until(lambda: served() == {"tcp": True, "udp": False}, "TCP alone")
    jig.change("web", ports=[udp])
    jig.until(lambda: served() == {"tcp": False, "udp": True}, "UDP alone")


@pytest.mark.row("1.48")
def test_sctp_is_kept_and_shown(jig: Jig) -> None:
    jig.service("web", port(5060, 5060, protocol="SCTP"))
    taken = [{"containerPort": 5060, "protocol": "SCTP"}]
    jig.pod("one", "pause", serves="web", ports=taken)
    jig.running("one")
    jig.serving("web", one=[5060])
    assert "5060/SCTP" in jig.cluster.kubectl("get", "svc", "-n", jig.namespace, "web")
    jig.delete("pods", "one")
    jig.serving("web")


def all_three(jig: Jig, service: str) -> bool:
    return len(jig.sliced(service)) == 3


@pytest.mark.row("1.49")
def test_endpoints_are_there_soon(jig: Jig) -> None:
    for number in range(3):
        jig.pod(f"one-{number}", "pause", serves="web")
    jig.running("one-0", "one-1", "one-2")
    delays = []
    for number in range(60):
        began = time.monotonic()
        jig.service(f"web-{number}", port(80), selector={"web": "yes"})
        jig.until(partial(all_three, jig, f"web-{number}"), "endpoints")
        delays.append(time.monotonic() - began)
    delays.sort()
    assert delays[30] < 20
    assert delays[54] < 50


@pytest.mark.row("1.51")
def test_leading_zeros_of_an_address_mean_nothing(jig: Jig) -> None:
    jig.service("web", port(80), clusterIP="10.096.000.077")
    jig.pod("client")
    jig.server("one", serves="web")
    jig.running("client", "one")
    for host in ("10.96.0.77", "web"):
        jig.all_answer(jig.at("client"), host, "one")
    obj = {"metadata": {"name": "two"}, "spec": {"clusterIP": "10.96.0.77", "ports": [port(80)]}}
    status, told = jig.rest.ask("POST", jig.path("services"), obj)
    assert status == 422
    assert "provided IP is already allocated" in told["message"]


@pytest.mark.row("1.43")
def test_the_life_of_an_endpoints_object(jig: Jig) -> None:
    subset = {"addresses": [{"ip": "10.0.0.24"}], "ports": [{"name": "http", "port": 80}]}
    labels = {"test-endpoint": "testing"}
    obj = {"metadata": {"name": "manual", "labels": labels}, "subsets": [subset]}
    made = jig.rest.create(jig.path("endpoints"), obj)
    query = "?labelSelector=test-endpoint%3Dtesting"
    assert len(jig.rest.get("/api/v1/endpoints" + query)["items"]) == 1
    made["metadata"]["labels"]["more"] = "yes"
    jig.rest.replace(jig.path("endpoints", "manual"), made)
    other = {"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http", "port": 8080}]}
    patched = jig.rest.patch(
        jig.path("endpoints", "manual"), {"subsets": [other]}, "strategic-merge-patch"
    )
    assert [each["addresses"][0]["ip"] for each in patched["subsets"]] == ["10.0.0.25"]
    jig.rest.delete(jig.path("endpoints") + query)
    assert jig.rest.get("/api/v1/endpoints" + query)["items"] == []
    since = made["metadata"]["resourceVersion"]
    path = jig.path("endpoints") + f"?watch=1&timeoutSeconds=1&resourceVersion={since}"
    told = [json.loads(line) for line in jig.rest.get(path).splitlines()]
    mine = [each["type"] for each in told if each["object"]["metadata"]["name"] == "manual"]
    assert mine == ["MODIFIED", "MODIFIED", "DELETED"]


@pytest.mark.row("1.44")
@pytest.mark.rule(14, 16)
def test_the_life_of_a_status(jig: Jig) -> None:
    jig.service("web", port(80), type="LoadBalancer", loadBalancerClass="example.com/other")
    path = jig.path("services", "web") + "/status"
    assert jig.rest.get(path)["status"] == {"loadBalancer": {}}
    ingress = {"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}}
    patched, mode = jig.rest.patch(path, ingress), {"ipMode": "VIP"}
    assert patched["status"]["loadBalancer"]["ingress"][0] == {"ip": "203.0.113.1"} | mode
    now = "2026-01-01T00:00:00Z"
    condition = {"type": "StatusUpdate", "status": "True", "reason": "E2E", "message": "set"}
    patched["status"]["conditions"] = [{**condition, "lastTransitionTime": now}]
    patched["spec"]["sessionAffinity"] = "ClientIP"
    told = jig.rest.replace(path, patched)
    assert told["status"]["conditions"][0]["reason"] == "E2E"
    assert told["spec"]["sessionAffinity"] == "None"
    assert jig.rest.get(jig.path("services", "web"))["status"] == told["status"]
    jig.delete("services", "web")


@pytest.mark.row("1.45")
def test_a_collection_of_services_goes(jig: Jig) -> None:
    for number, kind in enumerate(("keep", "drop", "drop")):
        jig.service(f"web-{number}", port(80))
        jig.label("services", f"web-{number}", kind=kind)
    jig.rest.delete(jig.path("services") + "?labelSelector=kind%3Ddrop")
    left = jig.rest.get(jig.path("services"))["items"]
    assert [each["metadata"]["name"] for each in left] == ["web-0"]
