"""Further ranges of clusterIPs: reached by pods in every mode, and by the host as root."""

import subprocess
from collections.abc import Iterator

import pytest

from netemu.testing import Instance, instance
from tests.support.reach import NAMESPACED

pytestmark = pytest.mark.e2e

MODES = ["userspace", "nftables"]
ADDRESS = "198.51.100.77"
WORLD = f"""
apiVersion: v1
kind: Pod
metadata: {{name: web, labels: {{app: web}}}}
spec:
  containers:
  - name: web
    image: registry.k8s.io/e2e-test-images/agnhost:2.53
    args: [netexec, --http-port=8080]
    readinessProbe: {{httpGet: {{path: /readyz, port: 8080}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Pod
metadata: {{name: client}}
spec:
  containers: [{{name: pause, image: registry.k8s.io/pause:3.10}}]
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, clusterIP: {ADDRESS}, ports: [{{port: 80, targetPort: 8080}}]}}
"""
RANGE = """
apiVersion: networking.k8s.io/v1beta1
kind: ServiceCIDR
metadata: {name: further}
spec: {cidrs: [198.51.100.0/24]}
"""
CURL = ("curl", "-sf", "-m", "3", f"http://{ADDRESS}/hostname")


@pytest.fixture(scope="module", params=NAMESPACED)
def cluster(request: pytest.FixtureRequest) -> Iterator[Instance]:
    with instance(f"ranges-{request.param}", options=["--net", request.param]) as made:
        made.apply(RANGE)
        made.kubectl("wait", "--for=condition=Ready", "servicecidr/further", "--timeout=30s")
        made.apply(WORLD)
        made.kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=30s")
        yield made


@pytest.mark.parametrize("mode", MODES)
def test_pods_reach_services_of_the_range(cluster: Instance, mode: str) -> None:
    cluster.netemu("proxy", "mode", mode)

    def answered() -> bool:
        told = cluster.exec(*CURL, place="pod:default/client", check=False)
        return told.stdout == "web"

    cluster.wait_for(answered, seconds=40, what="an answer")


def test_the_host_reaches_it_where_there_is_an_uplink(cluster: Instance) -> None:
    if cluster.facts["uplink"]:  # nobody else has the ranges
        told = subprocess.run(CURL, capture_output=True, text=True, check=False)
        assert told.stdout == "web"


def test_addresses_are_as_before_after_a_restart(cluster: Instance) -> None:
    cluster.down()
    cluster.up()
    cluster.kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=30s")
    test_pods_reach_services_of_the_range(cluster, MODES[0])
    address = "--clusterip=198.51.100.78"
    cluster.kubectl("create", "service", "clusterip", "more", address, "--tcp=80")


def test_kubectl_shows_whose_each_address_is(cluster: Instance) -> None:
    shown = cluster.kubectl("get", "ip")
    assert shown.splitlines()[0].split() == ["NAME", "PARENTREF"]
    assert "services/default/kubernetes" in shown
    said = cluster.kubectl("describe", "ipaddress", "10.96.0.1")
    assert "Parent Reference:" in said
    cluster.kubectl("delete", "ipaddress", "10.96.0.1")
    cluster.wait_for(
        lambda: "services/default/kubernetes" in cluster.kubectl("get", "ip"), what="the repair"
    )
