"""sig-network: Services; types, node ports and external IPs."""

import re

import pytest

from tests.support.jig import Jig, port
from tests.support.ports import free_node_ports
from tests.support.reach import REFUSED

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.row("1.12")
def test_a_node_port_is_served_at_every_node(jig: Jig) -> None:
    jig.service("web", port(80, 9376), type="NodePort")
    jig.pod("client")
    for name in ("one", "two"):
        jig.pod(name, "serve-hostname", serves="web")
    jig.running("client", "one", "two")
    place, number = jig.at("client"), jig.node_port("web")
    for host, at in (("web", 80), (jig.ip("web"), 80), *((n, number) for n in jig.nodes.values())):
        jig.all_answer(place, f"{host}:{at}", "one", "two")
        assert jig.reachable(place, host, at)
    for client in ("vpc", ""):
        jig.all_answer(client, f"{jig.nodes['node-3']}:{number}", "one", "two")


@pytest.mark.row("1.13")
@pytest.mark.rule(42)
def test_an_external_ip_is_served_though_no_node_has_it(jig: Jig) -> None:
    jig.service("web", port(80, 9376), externalIPs=["203.0.113.250"])
    jig.pod("client")
    jig.pod("one", "serve-hostname", serves="web")
    jig.running("client", "one")
    for host in ("web", jig.ip("web"), "203.0.113.250"):
        jig.all_answer(jig.at("client"), host, "one")
    jig.all_answer("", "203.0.113.250", "one")
    number = free_node_ports(1)[0]
    assert jig.code(jig.at("client"), f"http://203.0.113.250:{number}/") == REFUSED


@pytest.mark.row("1.14")
@pytest.mark.rule(55)
def test_a_service_becomes_a_node_port_of_two_protocols(jig: Jig) -> None:
    jig.service("web", port(80, 80, "tcp-port"))
    jig.pod("client")
    jig.server("one", "--udp-port=80", serves="web")
    jig.running("client", "one")
    jig.change("web", type="NodePort")
    jig.change("web", ports=[port(80, 80, "tcp-port"), port(80, 80, "udp-port", protocol="UDP")])
    tcp, udp = jig.node_port("web", 0), jig.node_port("web", 1)
    assert tcp
    assert udp
    jig.all_answer(jig.at("client"), f"{jig.nodes['node-1']}:{tcp}", "one")
    ways = ((jig.ip("web"), 80), (jig.nodes["node-2"], udp))
    for host, at in ways:
        jig.udp_answers(jig.at("client"), host, at, "one")


@pytest.mark.row("1.15", "1.16")
@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_an_external_name_becomes_a_service(jig: Jig, kind: str) -> None:
    jig.service("web", type="ExternalName", externalName="foo.example.com", selector=None)
    jig.pod("client")
    jig.pod("one", "serve-hostname", serves="web")
    jig.running("client", "one")
    selector = {"web": "yes"}
    jig.change("web", type=kind, externalName=None, selector=selector, ports=[port(80, 9376)])
    for host in ("web", jig.ip("web")):
        jig.all_answer(jig.at("client"), host, "one")
    if kind == "NodePort":
        host = f"{jig.nodes['node-2']}:{jig.node_port('web')}"
        jig.all_answer(jig.at("client"), host, "one")


@pytest.mark.row("1.17", "1.18")
@pytest.mark.rule(9)
@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_a_service_becomes_an_external_name(jig: Jig, kind: str) -> None:
    jig.service("other", port(80, 9376))
    jig.service("web", port(80, 9376), type=kind)
    jig.pod("client")
    jig.pod("one", "serve-hostname", serves=["web", "other"])
    jig.running("client", "one")
    jig.all_answer(jig.at("client"), "web", "one")
    before = jig.ip("web")
    name = f"other.{jig.namespace}.svc.cluster.local"
    changed = jig.change("web", type="ExternalName", externalName=name)["spec"]
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"} & changed.keys()
    assert "nodePort" not in changed["ports"][0]
    jig.until(lambda: jig.code(jig.at("client"), f"http://{before}/") == REFUSED, "its end")
    jig.all_answer(jig.at("client"), "web", "one")  # the other's address, by the name
    told = jig.shell(jig.at("client"), f"dig +short web.{jig.namespace}.svc.cluster.local")
    assert told.split() == [f"{name}.", jig.ip("other")]


@pytest.mark.row("1.19")
@pytest.mark.rule(3, 8)
def test_a_node_port_is_taken_once(jig: Jig) -> None:
    number = jig.service("one", port(80), type="NodePort")["spec"]["ports"][0]["nodePort"]
    other = {
        "metadata": {"name": "two"},
        "spec": {"type": "NodePort", "ports": [port(80, nodePort=number)]},
    }
    status, told = jig.rest.ask("POST", jig.path("services"), other)
    assert status == 422, told
    assert re.search(f"{number}.*port is already allocated", told["message"])
    jig.delete("services", "one")
    assert jig.rest.create(jig.path("services"), other)


@pytest.mark.row("1.20")
@pytest.mark.rule(3)
def test_a_node_port_is_in_its_range(jig: Jig) -> None:
    for method in ("POST", "PUT"):
        if method == "PUT":
            jig.service("web", port(80), type="NodePort")
        obj = {
            "metadata": {"name": "web"},
            "spec": {"type": "NodePort", "ports": [port(80, nodePort=29999)]},
        }
        path = jig.path("services", "web" if method == "PUT" else "")
        status, told = jig.rest.ask(method, path, obj)
        assert status == 422, told
        assert re.search("29999.*port is not in the valid range", told["message"])


@pytest.mark.row("1.21", "2.14", "2.15")
@pytest.mark.rule(60)
def test_a_node_port_is_free_after_its_service(jig: Jig) -> None:
    [number] = free_node_ports(1)
    ports = [
        port(80, 80, "tcp", nodePort=number),
        port(80, 80, "udp", nodePort=number, protocol="UDP"),
    ]
    jig.pod("client")
    jig.server("one", "--udp-port=80", serves="web")
    jig.running("client", "one")
    jig.service("web", *ports, type="NodePort")
    host, place = jig.nodes["node-1"], jig.at("client")
    jig.all_answer(place, f"{host}:{number}", "one")
    assert jig.udp(place, host, number) == ["one"]
    jig.delete("services", "web")
    jig.until(lambda: jig.code(place, f"http://{host}:{number}/") == REFUSED, "its end")
    assert set(jig.names(place, f"{host}:{number}", 5)) == {"-"}
    jig.until(lambda: jig.udp(place, host, number, times=3)[1:] == ["REFUSED"] * 2, "its end")
    for client in ("", None):
        words = ("ss", "-Htuln", f"sport = :{number}")
        run = jig.cluster.exec if client == "" else jig.cluster.run
        assert run(*words).stdout == ""
    jig.service("web", *ports, type="NodePort")
    jig.all_answer(place, f"{host}:{number}", "one")
