"""sig-network: Service CIDRs."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.jig import Jig, port

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RANGES = "/apis/networking.k8s.io/v1beta1/servicecidrs"
MODES = ("userspace", "nftables")


@pytest.fixture
def further(jig: Jig) -> Iterator[str]:
    """A further range, with the test's end on its way."""
    name = f"further-{jig.namespace}"
    jig.rest.create(RANGES, {"metadata": {"name": name}, "spec": {"cidrs": ["10.196.196.0/24"]}})
    yield name
    jig.rest.ask("DELETE", f"{RANGES}/{name}")


def condition(jig: Jig, name: str) -> Any:
    [found] = jig.rest.get(f"{RANGES}/{name}")["status"]["conditions"]
    return found["type"], found["status"], found["reason"]


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest, jig: Jig) -> Iterator[str]:
    jig.cluster.netemu("proxy", "mode", request.param)
    yield str(request.param)
    jig.cluster.netemu("proxy", "mode", MODES[0])


@pytest.mark.row("1.50")
@pytest.mark.usefixtures("mode")
def test_services_are_served_in_further_ranges(jig: Jig, further: str) -> None:
    jig.until(lambda: condition(jig, further) == ("Ready", "True", ""), "the range to be ready")
    jig.service("web", port(80, 80), clusterIP="10.196.196.77", type="NodePort")
    jig.pod("client")
    jig.server("one", serves="web", node="node-1")
    jig.server("two", serves="web", node="node-2")
    jig.running("client", "one", "two")
    jig.serving("web", one=[80], two=[80])
    client, number = jig.at("client"), jig.node_port("web")
    for host in ("10.196.196.77", "web", *(f"{ip}:{number}" for ip in jig.nodes.values())):
        jig.all_answer(client, host, "one", "two")
    jig.all_answer("node:node-1", "10.196.196.77", "one", "two")
    named = jig.shell(client, "getent hosts 10.196.196.77")
    assert f"web.{jig.namespace}.svc.cluster.local" in named


def test_a_range_in_use_stays_until_its_last_service_is_gone(jig: Jig, further: str) -> None:
    jig.until(lambda: condition(jig, further) == ("Ready", "True", ""), "the range to be ready")
    jig.service("web", port(80), clusterIP="10.196.196.78")
    jig.rest.delete(f"{RANGES}/{further}")
    jig.until(lambda: condition(jig, further) == ("Ready", "False", "Terminating"), "a refusal")
    obj = {"metadata": {"name": "two"}, "spec": {"clusterIP": "10.196.196.79", "ports": [port(80)]}}
    assert jig.rest.ask("POST", jig.path("services"), obj)[0] == 422
    jig.delete("services", "web")
    jig.until(lambda: jig.rest.ask("GET", f"{RANGES}/{further}")[0] == 404, "the range's end")


def test_the_clusters_own_range_is_an_object(jig: Jig) -> None:
    jig.until(lambda: condition(jig, "kubernetes") == ("Ready", "True", ""), "it to be ready")
    shown = jig.cluster.kubectl("get", "servicecidrs", "kubernetes", "--no-headers").split()
    assert shown[:2] == ["kubernetes", "10.96.0.0/12"]
