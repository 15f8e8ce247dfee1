"""sig-network: Services; affinity, traffic policies, endpoints that end or aren't ready."""

import json
from functools import partial
from typing import Any

import pytest

from tests.support.jig import AGNHOST, Jig, port
from tests.support.reach import REFUSED, RESET

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ENDING = ("netexec", "--http-port=80", "--udp-port=80", "--delay-shutdown=60")
NODES = ("node-1", "node-2")
SERVED, REFUSES, DROPS = "served", "refused", "dropped"
MEANS = {0: SERVED, 7: REFUSES, 28: DROPS}


def ending(jig: Jig, name: str, node: str = "node-1", **more: Any) -> None:
    """A server of ``web`` that goes on for long after it was told to end."""
    spec = {"serves": "web", "ready": "/readyz", "terminationGracePeriodSeconds": 60, **more}
    jig.pod(name, *ENDING, node=node, **spec)


def clients(jig: Jig, *nodes: str) -> None:
    """A pod on each node, named after it."""
    for node in nodes:
        jig.pod(f"client-{node}", node=node)
    jig.running(*(f"client-{node}" for node in nodes))


def reply(jig: Jig, client: str, host: str) -> str:
    return MEANS[jig.code(jig.at(client), f"http://{host}/")]


def until_reply(jig: Jig, client: str, host: str, expected: str) -> None:
    jig.until(lambda: reply(jig, client, host) == expected, f"{client} to be {expected} at {host}")


@pytest.mark.row("1.22")
def test_unready_pods_serve_where_that_is_asked_for(jig: Jig) -> None:
    jig.service("web", port(80), publishNotReadyAddresses=True)
    jig.pod("client")
    never = {"exec": {"command": ["false"]}, "periodSeconds": 1}
    slow = {"preStop": {"exec": {"command": ["sleep", "60"]}}}
    container: dict[str, Any] = {"name": "main", "image": AGNHOST}
    container |= {"args": ["netexec", "--http-port=80"], "readinessProbe": never}
    spec = {"containers": [container | {"lifecycle": slow}], "terminationGracePeriodSeconds": 60}
    obj = {"metadata": {"name": "two", "labels": {"web": "yes"}}, "spec": spec}
    jig.rest.create(jig.path("pods"), obj)
    jig.running("client")
    place, host = jig.at("client"), jig.ip("web")
    jig.all_answer(place, "web", "two")
    jig.delete("pods", "two")
    jig.change("web", publishNotReadyAddresses=False)
    until_reply(jig, "client", host, REFUSES)
    jig.change("web", publishNotReadyAddresses=True)
    jig.all_answer(place, host, "two")
    jig.delete("pods", "two", gracePeriodSeconds=0)


@pytest.mark.row("1.23", "1.24")
@pytest.mark.rule(21, 31)
@pytest.mark.parametrize("published", [True, False])
def test_what_ends_and_is_unready_serves_only_if_published(jig: Jig, published: bool) -> None:
    jig.service("web", port(80), type="NodePort", publishNotReadyAddresses=published)
    clients(jig, "node-1", "node-2")
    ending(jig, "one", ready="/readyz")
    jig.running("one")
    jig.serving("web", one=[80])
    jig.delete("pods", "one")
    number = jig.node_port("web")
    hosts = [jig.ip("web"), *(f"{jig.nodes[n]}:{number}" for n in ("node-1", "node-2"))]

    def unready() -> bool:
        [part] = jig.slices("web")
        [each] = part["endpoints"]
        told = each["conditions"]
        return bool(told["terminating"] and not told["serving"] and told["ready"] is published)

    jig.until(unready, "the pod to be unready")
    for host in hosts:
        until_reply(jig, "client-node-1", host, SERVED if published else REFUSES)
        expected = {"one"} if published else {"-"}
        assert set(jig.names(jig.at("client-node-2"), host, 5)) == expected
    jig.delete("pods", "one", gracePeriodSeconds=0)


@pytest.mark.row("1.25", "1.27", "1.28", "1.30", "6.5", "6.6")
@pytest.mark.rule(45, 48)
@pytest.mark.parametrize("way", ["clusterIP", "nodePort", "balancer", "balancer, local"])
def test_clients_stick_while_that_is_asked_for(jig: Jig, way: str) -> None:
    jig.service("web", port(80, 9376), type="LoadBalancer", sessionAffinity="ClientIP")
    if way == "balancer, local":
        jig.change("web", externalTrafficPolicy="Local")
    clients(jig, "node-1")
    for name in ("one", "two", "three"):
        jig.pod(name, "serve-hostname", serves="web", node="node-1")
    jig.running("one", "two", "three")
    jig.serving("web", one=[9376], two=[9376], three=[9376])
    host = {
        "clusterIP": jig.ip("web"),
        "nodePort": f"{jig.nodes['node-1']}:{jig.node_port('web')}",
    }.get(way) or jig.ingress("web")
    place = jig.at("client-node-1")
    sticky = lambda: len(set(jig.names(place, host, 15)) - {"-"}) == 1  # noqa: E731
    jig.until(sticky, "15 equal answers")
    rows = json.loads(jig.cluster.netemu("affinity", "-o", "json").stdout)
    mine = [each for each in rows if each["namespace"] == jig.namespace]
    assert {each["client"] for each in mine} >= {jig.pod_ip("client-node-1")}
    jig.change("web", sessionAffinity="None")
    jig.all_answer(place, host, "one", "two", "three")
    jig.change("web", sessionAffinity="ClientIP")
    jig.until(sticky, "15 equal answers again")


@pytest.mark.row("1.26", "1.29")
@pytest.mark.rule(46)
@pytest.mark.parametrize("way", ["clusterIP", "nodePort"])
def test_clients_are_forgotten_after_a_while(jig: Jig, way: str) -> None:
    config = {"clientIP": {"timeoutSeconds": 2}}
    sticky = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": config}
    jig.service("web", port(80, 9376), type="NodePort", **sticky)
    clients(jig, "node-1")
    names = ("one", "two", "three")
    for name in names:
        jig.pod(name, "serve-hostname", serves="web")
    jig.running(*names)
    jig.serving("web", one=[9376], two=[9376], three=[9376])
    host = f"{jig.nodes['node-1']}:{jig.node_port('web')}" if way == "nodePort" else jig.ip("web")
    place = jig.at("client-node-1")
    # While it asks at least every second it stays where it is; then it is forgotten.
    ask = f"curl -s -m 2 http://{host}/hostname; echo"
    stays = jig.shell(place, f"for i in 1 2 3 4 5; do {ask}; sleep 1; done").split()
    assert len(set(stays)) == 1
    moves = partial(jig.shell, place, f"for i in 1 2 3 4; do {ask}; sleep 2.2; done")
    jig.until(lambda: len(set(moves().split())) > 1, "another one to answer")


PROXY_NAME, HEADLESS = "service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"


@pytest.mark.row("1.31", "1.32")
@pytest.mark.rule(40)
@pytest.mark.parametrize(("label", "value"), [(PROXY_NAME, "foo-bar"), (HEADLESS, "")])
def test_a_label_takes_a_service_from_the_proxy(jig: Jig, label: str, value: str) -> None:
    clients(jig, "node-1")
    for name in ("web", "other"):
        jig.service(name, port(80, 9376))
    jig.pod("one", "serve-hostname", serves=["web", "other"])
    jig.running("one")
    place, host = jig.at("client-node-1"), jig.ip("web")
    jig.all_answer(place, host, "one")
    jig.label("services", "web", **{label: value})
    until_reply(jig, "client-node-1", host, REFUSES)
    jig.all_answer(place, jig.ip("other"), "one")
    assert jig.ip("web") == host
    jig.label("services", "web", **{label: None})
    jig.all_answer(place, host, "one")


@pytest.mark.row("1.35")
@pytest.mark.rule(33, 35)
def test_the_internal_local_policy_serves_pods_of_the_node(jig: Jig) -> None:
    jig.service("web", port(80), internalTrafficPolicy="Local")
    clients(jig, "node-1", "node-2")
    jig.server("one", serves="web", node="node-1")
    jig.running("one")
    host = jig.ip("web")
    until_reply(jig, "client-node-1", host, SERVED)
    assert jig.names(jig.at("client-node-1"), host, 5) == ["one"] * 5
    assert [reply(jig, "client-node-2", host) for _ in range(3)] == [DROPS] * 3


@pytest.mark.row("1.36")
@pytest.mark.rule(33, 35)
def test_the_internal_local_policy_serves_processes_of_the_node(jig: Jig) -> None:
    jig.service("web", port(80, 8000), internalTrafficPolicy="Local")
    for node in ("node-1", "node-2"):
        jig.pod(f"client-{node}", hostNetwork=True, node=node)
    jig.pod("one", "netexec", "--http-port=8000", "--udp-port=8000", serves="web", node="node-1")
    jig.running("client-node-1", "client-node-2", "one")
    jig.serving("web", one=[8000])
    host = jig.ip("web")
    until_reply(jig, "client-node-1", host, SERVED)
    assert jig.names(jig.at("client-node-1"), host, 5) == ["one"] * 5
    # Who they are shows when they are accepted; so they are reset rather than dropped, which curl
    # calls a refusal when it is quick.
    for place in (jig.at("client-node-2"), "node:node-2"):
        assert jig.code(place, f"http://{host}/") in (RESET, REFUSED)
    assert jig.code("node:node-1", f"http://{host}/") == 0
    seen = jig.curl(jig.at("client-node-1"), f"http://{host}/clientip")
    assert seen.rpartition(":")[0] == jig.nodes["node-1"]


@pytest.mark.row("1.37")
def test_the_internal_local_policy_knows_servers_in_the_nodes_network(jig: Jig) -> None:
    jig.service("web", port(80, 10180), internalTrafficPolicy="Local")
    for node in ("node-1", "node-2"):
        jig.pod(f"client-{node}", node=node)
        jig.pod(f"host-client-{node}", hostNetwork=True, node=node)
    arguments = ("netexec", "--http-port=10180", "--udp-port=10180")
    jig.pod("one", *arguments, serves="web", node="node-1", hostNetwork=True)
    names = [f"{kind}-{node}" for kind in ("client", "host-client") for node in NODES]
    jig.running("one", *names)
    host = jig.ip("web")
    until_reply(jig, "client-node-1", host, SERVED)
    for client in ("client-node-1", "host-client-node-1"):
        assert jig.names(jig.at(client), host, 5) == ["node-1"] * 5
    assert reply(jig, "client-node-2", host) == DROPS
    assert jig.code(jig.at("host-client-node-2"), f"http://{host}/") in (RESET, REFUSED)


@pytest.mark.rule(37)
def test_a_server_sees_the_node_of_a_process_on_it(jig: Jig) -> None:
    jig.service("web", port(80))
    jig.server("one", serves="web", node="node-3")
    for node in NODES:
        jig.pod(f"client-{node}", hostNetwork=True, node=node)
    jig.running("one", *(f"client-{node}" for node in NODES))
    host = jig.ip("web")
    until_reply(jig, "client-node-1", host, SERVED)
    for node in NODES:
        for place in (jig.at(f"client-{node}"), f"node:{node}"):
            seen = jig.curl(place, f"http://{host}/clientip")
            assert seen.rpartition(":")[0] == jig.nodes[node]


@pytest.mark.row("1.38", "6.13")
@pytest.mark.rule(38)
def test_the_health_check_port_knows_local_endpoints_that_stay(jig: Jig) -> None:
    local = {"type": "LoadBalancer", "externalTrafficPolicy": "Local"}
    jig.service("web", port(80), **local)
    clients(jig, "node-1", "node-2")
    ending(jig, "one", ready="/")
    jig.running("one")
    health = jig.get_service("web")["spec"]["healthCheckNodePort"]
    place = jig.at("client-node-2")

    def told(node: str) -> tuple[str, dict[str, Any]]:
        url = f"http://{jig.nodes[node]}:{health}/healthz"
        said = jig.curl(place, url, "-D", "-")
        head, _, body = said.replace("\r", "").partition("\n\n")
        assert "content-type: application/json" in head.lower()
        assert "x-content-type-options: nosniff" in head.lower()
        return head.split()[1], json.loads(body)

    jig.until(lambda: told("node-1")[0] == "200", "health at its node")
    about = {"namespace": jig.namespace, "name": "web"}
    assert told("node-1")[1] == {
        "service": about,
        "localEndpoints": 1,
        "serviceProxyHealthy": True,
    }
    assert told("node-2") == (
        "503",
        {"service": about, "localEndpoints": 0, "serviceProxyHealthy": True},
    )
    jig.delete("pods", "one")
    jig.until(lambda: told("node-1")[0] == "503", "the news")
    host = f"{jig.nodes['node-1']}:{jig.node_port('web')}"
    assert jig.names(place, host, 3) == ["one"] * 3
    jig.delete("pods", "one", gracePeriodSeconds=0)
    jig.until(lambda: not jig.sliced("web"), "its end")
    assert told("node-1")[1]["localEndpoints"] == 0
    jig.change("web", externalTrafficPolicy="Cluster")
    url = f"http://{jig.nodes['node-1']}:{health}/healthz"
    jig.until(lambda: jig.code(place, url) == REFUSED, "the port's end")


@pytest.mark.row("1.39", "1.40", "1.41", "1.42")
@pytest.mark.rule(32, 33, 36)
@pytest.mark.parametrize("internal", ["Cluster", "Local"])
def test_what_ends_serves_while_nobody_else_does(jig: Jig, internal: str) -> None:
    policies = {"internalTrafficPolicy": internal, "externalTrafficPolicy": internal}
    jig.service("web", port(80), type="NodePort", **policies)
    clients(jig, "node-1", "node-2")
    ending(jig, "one", ready="/")
    jig.running("one")
    jig.serving("web", one=[80])
    jig.delete("pods", "one")
    jig.until(lambda: not jig.sliced("web"), "its end to be known")
    number = jig.node_port("web")
    first, second = (f"{jig.nodes[n]}:{number}" for n in ("node-1", "node-2"))
    everywhere = internal == "Cluster"
    for client, host, serves in (
        ("client-node-1", jig.ip("web"), True),
        ("client-node-2", jig.ip("web"), everywhere),
        ("client-node-1", first, True),
        ("client-node-2", first, True),
        ("client-node-1", second, everywhere),
    ):
        expected = SERVED if serves else DROPS
        assert [reply(jig, client, host) for _ in range(3)] == [expected] * 3, (client, host)
    # An endpoint that stays takes over, and then nobody is sent to the one that ends.
    ending(jig, "two", node="node-1", ready="/")
    jig.running("two")
    jig.all_answer(jig.at("client-node-1"), first, "two")
    for name in ("one", "two"):
        jig.delete("pods", name, gracePeriodSeconds=0)
