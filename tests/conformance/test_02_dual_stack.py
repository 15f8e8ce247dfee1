"""sig-network: dual stack, on a cluster of both families; rules 18 to 20 and 44."""

import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from netemu.testing import Instance, instance
from tests.support.jig import UDP, Jig, port
from tests.support.reach import REFUSED
from tests.support.rest import Rest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SERVERS = ("server-1", "server-2", "server-3")
PORTS = [port(80, 8080, "http"), port(90, 8081, "udp", protocol="UDP")]
BOTH = {"ipFamilyPolicy": "RequireDualStack"}
HEADLESS = {"clusterIP": "None"}
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def dual_cluster() -> Iterator[Instance]:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        network = {"ipFamilies": ["IPv4", "IPv6"]}
        json.dump({"dns": {"forward": ""}, "network": network}, config)
        config.flush()
        with instance("dual-rows", options=["--nodes", "3", "--config", config.name]) as made:
            yield made


@pytest.fixture
def jig(dual_cluster: Instance) -> Iterator[Jig]:
    rest = Rest(dual_cluster.state_dir / dual_cluster.name / "kubeconfig")
    made = Jig(dual_cluster, rest, f"dual-{next(numbers)}")
    yield made
    made.end()
    rest.close()


def spec_of(jig: Jig, name: str) -> Any:
    return jig.get_service(name)["spec"]


def families(jig: Jig, name: str) -> list[str]:
    """The families of a Service's slices that have endpoints, once all three are in each."""

    def full() -> list[str]:
        found: dict[str, int] = {}
        for part in jig.slices(name):
            count = sum(each["conditions"]["ready"] for each in part["endpoints"])
            found[part["addressType"]] = found.get(part["addressType"], 0) + count
        assert set(found.values()) == {len(SERVERS)}
        return sorted(found)

    return jig.until(full, f"endpoints of {name}")


def servers(jig: Jig) -> None:
    arguments = ("netexec", "--http-port=8080", "--udp-port=8081")
    for number, name in enumerate(SERVERS, 1):
        jig.pod(name, *arguments, serves="web", node=f"node-{number}")
    jig.pod("client", node="node-1")
    jig.pod("host-client", hostNetwork=True, node="node-2")
    jig.running("client", "host-client", *SERVERS)


def secondary(jig: Jig, name: str) -> str:
    six: str = spec_of(jig, name)["clusterIPs"][1]
    assert ":" in six
    return six


def node_six(jig: Jig, name: str) -> str:
    addresses = jig.rest.get(f"/api/v1/nodes/{name}")["status"]["addresses"]
    return next(str(each["address"]) for each in addresses if ":" in each["address"])


def by_http(jig: Jig, place: str, host: str, number: int, times: int = 24) -> set[str]:
    return set(jig.names(place, f"[{host}]:{number}", times))


def by_udp(jig: Jig, place: str, host: str, number: int, times: int = 24) -> set[str]:
    """Who answers datagrams of as many sockets."""
    one = f"{sys.executable} -c '{UDP}' {host} {number} 0 1 hostName"
    return set(jig.shell(place, f"for i in $(seq {times}); do {one}; done").split())


# 2.42, each of its four


@pytest.mark.row("2.42")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["IPv4"]),
        ({"ipFamilies": ["IPv4"]}, ["IPv4"]),
        ({"ipFamilies": ["IPv6"]}, ["IPv6"]),
        ({"ipFamilies": ["IPv4", "IPv6"], **BOTH}, ["IPv4", "IPv6"]),
        ({"ipFamilies": ["IPv6", "IPv4"], **BOTH}, ["IPv6", "IPv4"]),
    ],
    ids=["primary range", "IPv4", "IPv6", "IPv4, IPv6", "IPv6, IPv4"],
)
def test_a_service_has_the_addresses_and_slices_asked_for(
    jig: Jig, asked: dict[str, Any], expected: list[str]
) -> None:
    servers(jig)
    jig.service("web", *PORTS, **asked)
    spec = spec_of(jig, "web")
    assert spec["ipFamilies"] == expected
    assert [("IPv6" if ":" in ip else "IPv4") for ip in spec["clusterIPs"]] == expected
    assert families(jig, "web") == sorted(expected)


# 2.43: the Services checks by the secondary clusterIP


@pytest.mark.row("2.43")
def test_the_secondary_address_leads_everybody_to_all_endpoints(jig: Jig) -> None:
    servers(jig)
    jig.service("web", *PORTS, type="NodePort", **BOTH)
    families(jig, "web")
    host, node = secondary(jig, "web"), node_six(jig, "node-2")
    tcp, udp = jig.node_port("web", 0), jig.node_port("web", 1)

    def all_answer(*names: str) -> None:
        for place in ("client", "host-client", "server-1"):  # pod-, node-, endpoint-Service
            for address, to_tcp, to_udp in ((host, 80, 90), (node, tcp, udp)):
                assert by_http(jig, jig.at(place), address, to_tcp) == set(names)
                assert by_udp(jig, jig.at(place), address, to_udp) == set(names)

    jig.until(lambda: by_http(jig, jig.at("client"), host, 80) == set(SERVERS), "all of them")
    all_answer(*SERVERS)
    jig.delete("pods", "server-3")
    jig.until(lambda: by_http(jig, jig.at("client"), host, 80) == set(SERVERS[:2]), "its end")
    all_answer(*SERVERS[:2])


@pytest.mark.row("2.43")
def test_a_deleted_services_node_port_is_refused(jig: Jig) -> None:
    servers(jig)
    jig.service("web", *PORTS, type="NodePort", **BOTH)
    families(jig, "web")
    node, tcp, udp = node_six(jig, "node-1"), jig.node_port("web", 0), jig.node_port("web", 1)
    place = jig.at("client")
    jig.until(lambda: by_http(jig, place, node, tcp, 1) <= set(SERVERS), "an answer")
    jig.delete("services", "web")
    jig.until(lambda: jig.code(place, f"http://[{node}]:{tcp}/") == REFUSED, "the refusal")
    assert by_udp(jig, place, node, udp, 2) == {"REFUSED"}


@pytest.mark.row("2.43")
def test_affinity_and_size_hold_by_the_secondary_address(jig: Jig) -> None:
    servers(jig)
    jig.service("web", *PORTS, sessionAffinity="ClientIP", **BOTH)
    families(jig, "web")
    place, host = jig.at("client"), secondary(jig, "web")
    jig.until(lambda: by_http(jig, place, host, 80, 1) <= set(SERVERS), "an answer")
    assert len(by_http(jig, place, host, 80, 12)) == 1
    assert len(by_udp(jig, place, host, 90, 12)) == 1
    long = "x" * 2000
    assert jig.names(place, f"[{host}]", 1, f"echo?msg={long}") == [long]
    assert jig.udp(place, host, 90, f"echo {long}") == [long]


@pytest.mark.row("2.43")
def test_endpoints_in_the_nodes_network_are_served_by_the_secondary_address(jig: Jig) -> None:
    jig.pod("client")
    for number in (1, 2):
        arguments = ("netexec", f"--http-port=1908{number}", "--udp-port=-1")
        taken = [{"name": "http", "containerPort": 19080 + number}]
        node: Any = {"hostNetwork": True, "node": f"node-{number}", "ports": taken}
        jig.pod(f"web-{number}", *arguments, serves="web", **node)
    jig.running("client", "web-1", "web-2")
    jig.service("web", port(80, "http"), **BOTH)
    jig.all_answer(jig.at("client"), f"[{secondary(jig, 'web')}]", "node-1", "node-2")


# Rules 18 to 20


@pytest.mark.rule(18)
def test_an_omitted_policy_is_inherited_and_headless_defaults_to_both(jig: Jig) -> None:
    jig.service("web", *PORTS, **BOTH)
    before = spec_of(jig, "web")
    given = jig.get_service("web")
    for key in ("ipFamilyPolicy", "ipFamilies", "clusterIPs", "clusterIP"):
        del given["spec"][key]
    jig.rest.ask("PUT", jig.path("services", "web"), given)
    assert spec_of(jig, "web") == before
    jig.service("bare", *PORTS, selector=None, **HEADLESS)
    bare = spec_of(jig, "bare")
    assert bare["ipFamilyPolicy"] == "RequireDualStack"
    assert bare["ipFamilies"] == ["IPv4", "IPv6"]
    jig.service("selecting", *PORTS, **HEADLESS)
    assert spec_of(jig, "selecting")["ipFamilies"] == ["IPv4"]


def refusal(jig: Jig, method: str, path: str, obj: Any) -> str:
    status, body = jig.rest.ask(method, path, obj)
    assert status == 422
    return str(body["message"])


@pytest.mark.rule(19)
def test_a_second_address_goes_by_asking_for_one_stack_alone(jig: Jig) -> None:
    jig.service("web", *PORTS, **BOTH)
    spec = spec_of(jig, "web")
    [first, second] = spec["clusterIPs"]
    obj = jig.get_service("web")
    less = {**spec, "clusterIPs": [first], "ipFamilies": ["IPv4"]}
    words = refusal(jig, "PUT", jig.path("services", "web"), {**obj, "spec": less})
    assert "must be set to 'SingleStack' when releasing the secondary clusterIP" in words
    changed = {**spec, "clusterIPs": [second, first], "clusterIP": second}
    words = refusal(jig, "PUT", jig.path("services", "web"), {**obj, "spec": changed})
    assert "may not change once set" in words
    jig.change("web", ipFamilyPolicy="SingleStack")
    spec = spec_of(jig, "web")
    assert (spec["clusterIPs"], spec["ipFamilies"]) == ([first], ["IPv4"])
    jig.service("other", *PORTS, clusterIP=second)
    assert spec_of(jig, "other")["ipFamilies"] == ["IPv6"]
    jig.change("web", ipFamilyPolicy="PreferDualStack")
    assert spec_of(jig, "web")["clusterIPs"][0] == first
    assert len(spec_of(jig, "web")["clusterIPs"]) == 2


SEVERAL = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
TWO_IPS = ["10.96.3.3", "fd00:10:96::33"]


@pytest.mark.rule(19)
@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"clusterIP": TWO_IPS[0], "clusterIPs": TWO_IPS, "ipFamilyPolicy": "SingleStack"},
            f"{SEVERAL} cluster IPs are specified",
        ),
        (
            {"ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "SingleStack"},
            f"{SEVERAL} IP families are specified",
        ),
        ({"clusterIPs": TWO_IPS}, "must be empty when `clusterIP` is not specified"),
        (
            {"ipFamilies": ["IPv6"], "clusterIP": "10.96.3.4"},
            "expected an IPv6 value as indicated by `ipFamilies[0]`",
        ),
        (
            {"clusterIP": "10.96.3.3", "clusterIPs": ["10.96.3.3", "10.96.3.4"]},
            "may specify no more than one IP for each IP family",
        ),
        ({"ipFamilies": ["IPv6", "IPv6"]}, 'Duplicate value: "IPv6"'),
        ({"ipFamilies": ["IPv5"]}, 'Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'),
        ({"clusterIP": "fd00:10:97::1"}, "The range of valid IPs is fd00:10:96::/112"),
    ],
)
def test_what_does_not_fit_is_refused_in_upstreams_words(
    jig: Jig, spec: dict[str, Any], words: str
) -> None:
    obj = {"metadata": {"name": "web"}, "spec": {"ports": PORTS, **spec}}
    assert words in refusal(jig, "POST", jig.path("services"), obj)


@pytest.mark.rule(20)
def test_a_family_has_slices_of_its_own(jig: Jig) -> None:
    servers(jig)
    jig.service("web", *PORTS, **BOTH)
    assert families(jig, "web") == ["IPv4", "IPv6"]
    for part in jig.slices("web"):
        six = part["addressType"] == "IPv6"
        for each in part["endpoints"]:
            assert all((":" in address) is six for address in each["addresses"])
            assert each["targetRef"]["name"] in SERVERS
    listed = jig.rest.get(jig.path("endpoints", "web"))["subsets"][0]["addresses"]
    assert not any(":" in each["ip"] for each in listed), "Endpoints are of the primary family"
    jig.change("web", ipFamilyPolicy="SingleStack")
    jig.until(lambda: families(jig, "web") == ["IPv4"], "the others to go")


@pytest.mark.rule(44)
def test_the_loopback_of_ipv6_never_answers_node_ports(jig: Jig) -> None:
    servers(jig)
    jig.service("web", *PORTS, type="NodePort", **BOTH)
    families(jig, "web")
    number, place = jig.node_port("web"), jig.at("host-client")
    jig.until(lambda: set(jig.names(place, f"127.0.0.1:{number}", 1)) <= set(SERVERS), "IPv4's")
    assert jig.code(place, f"http://[::1]:{number}/") == REFUSED
