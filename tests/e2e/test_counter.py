"""The counter example, in each network mode: applied, dug and curled."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from netemu.testing import Instance, instance
from tests.support.reach import EVERY_NET, node_addresses

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", params=EVERY_NET)
def counter(request: pytest.FixtureRequest) -> Iterator[Instance]:
    with instance(f"counter-{request.param}", options=["--net", request.param]) as made:
        made.kubectl("apply", "-f", str(EXAMPLES / "counter.yaml"))
        made.kubectl("apply", "-f", str(EXAMPLES / "counter-nodeport.yaml"))
        made.kubectl("wait", "--for=condition=Available", "deployment", "--all", "--timeout=30s")
        made.wait_for(lambda: curl("http://127.0.0.1:31000/"), what="the first answer")
        yield made


def curl(url: str) -> str:
    done = subprocess.run(
        ["curl", "-sf", "--max-time", "5", url], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"curl {url}: {done.returncode} {done.stderr}"
    return done.stdout.strip()


def dig(cluster: Instance, *words: str) -> list[str]:
    host, _, port = cluster.facts["dns"].rpartition(":")
    command = ["dig", "+short", "+time=2", "+tries=1", f"@{host}", "-p", port, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_it_counts_through_the_node_port_from_the_host(counter: Instance) -> None:
    counts = [int(curl("http://127.0.0.1:31000/")) for _ in range(5)]
    assert counts == list(range(counts[0], counts[0] + 5))


def test_it_counts_at_the_address_that_dns_tells_the_host(counter: Instance) -> None:
    [address] = dig(counter, "counter-np.default.svc.cluster.local")
    service = counter.get("service", "counter-np")
    if counter.facts["uplink"]:  # nobody else has the ranges
        assert address == service["spec"]["clusterIP"]
    counts = [int(curl(f"http://{address}:3000/")) for _ in range(5)]
    assert counts == list(range(counts[0], counts[0] + 5))


def test_it_counts_from_a_pod_by_name(counter: Instance) -> None:
    [pod] = counter.get("pods", "-l", "app=counter,tier=app")["items"]
    place = f"pod:default/{pod['metadata']['name']}"
    counts = [
        int(counter.exec("curl", "-s", "http://counter-np:3000", place=place).stdout)
        for _ in range(5)
    ]
    assert counts == list(range(counts[0], counts[0] + 5))


def test_dns_tells_the_cluster_what_the_api_shows(counter: Instance) -> None:
    service = counter.get("service", "redis")
    if counter.facts["net"] == "loopback":
        assert dig(counter, "redis.default.svc.cluster.local") == [service["spec"]["clusterIP"]]
        return
    asked = counter.exec("dig", "+short", "+search", "redis").stdout.split()
    assert asked == [service["spec"]["clusterIP"]]


def test_every_node_has_the_node_port(counter: Instance) -> None:
    for node in counter.get("nodes")["items"]:
        [address] = node_addresses(counter, node["metadata"]["name"])
        done = counter.exec("curl", "-sf", "--max-time", "5", f"http://{address}:31000/")
        assert int(done.stdout) > 0


def test_an_unknown_name_is_denied_and_an_unused_port_refused(counter: Instance) -> None:
    assert dig(counter, "nope.default.svc.cluster.local") == []
    address = counter.get("service", "redis")["spec"]["clusterIP"]
    done = counter.exec("curl", "-s", "--max-time", "5", f"http://{address}:6380/", check=False)
    assert done.returncode == 7


def test_pods_have_addresses_of_their_own_and_see_their_names(counter: Instance) -> None:
    pods = counter.get("pods")["items"]
    addresses = {pod["status"]["podIP"] for pod in pods}
    assert len(addresses) == len(pods) == 2
    if counter.facts["net"] == "loopback":
        return
    for pod in pods:
        name = pod["metadata"]["name"]
        assert counter.exec("hostname", place=f"pod:default/{name}").stdout.strip() == name


def test_nothing_is_answered_without_a_certificate(counter: Instance) -> None:
    done = subprocess.run(
        ["curl", "-sk", f"{counter.facts['api']}/api/v1/secrets"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"reason":"Unauthorized"' in done.stdout
    assert (counter.state_dir / counter.name / "kubeconfig").stat().st_mode & 0o777 == 0o600
