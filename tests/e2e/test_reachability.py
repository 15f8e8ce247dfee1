"""Who reaches what from outside the cluster: the VPC, the internet."""

from collections.abc import Iterator
from functools import partial

import pytest

from netemu.testing import Instance, instance
from tests.support.ports import free_node_ports
from tests.support.reach import NAMESPACED, REFUSED, balancer_ip, cluster_ip

pytestmark = pytest.mark.e2e


[NODE_PORT] = free_node_ports(1)
WORLD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: web
    image: registry.k8s.io/e2e-test-images/agnhost:2.53
    args: [netexec, --http-port=8080]
    readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: plain}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: NODE_PORT}]
---
apiVersion: v1
kind: Service
metadata: {name: public}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata:
  name: internal
  annotations: {netemu.dev/load-balancer: internal}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
VPC_NATIVE = "network: {vpcNative: true}"


@pytest.fixture(scope="module", params=NAMESPACED)
def cluster(request: pytest.FixtureRequest) -> Iterator[Instance]:
    with instance(f"outside-{request.param}", options=["--net", request.param]) as made:
        deploy(made)
        yield made


def deploy(made: Instance) -> None:
    made.apply(WORLD.replace("NODE_PORT", str(NODE_PORT)))
    made.kubectl("wait", "--for=condition=Ready", "pod", "web", "--timeout=30s")
    for name in ("public", "internal"):
        made.wait_for(partial(balancer_ip, made, name), what="an address")
    made.wait_for(lambda: reaches(made, f"http://{balancer_ip(made, 'public')}/hostname", ""))


def reaches(cluster: Instance, url: str, place: str) -> bool:
    """Whether the pod answers there; what isn't reached is unreachable, at once."""
    done = cluster.exec("curl", "-sS", "-m", "5", url, place=place, check=False)
    if done.returncode:
        assert done.returncode == REFUSED
        return False
    return done.stdout == "web"


def seen(cluster: Instance, place: str) -> dict[str, bool]:
    """What is reached from a place."""
    pod = cluster.get("pod", "web")["status"]["podIP"]
    urls = {
        "cluster address": f"http://{cluster_ip(cluster, 'plain')}",
        "node": f"http://172.30.0.11:{NODE_PORT}",
        "internal balancer": f"http://{balancer_ip(cluster, 'internal')}",
        "public balancer": f"http://{balancer_ip(cluster, 'public')}",
        "pod": f"http://{pod}:8080",
    }
    return {name: reaches(cluster, f"{url}/hostname", place) for name, url in urls.items()}


EXPECTED = {
    "": (True, True, True, True, True),
    "pod:default/web": (True, True, True, True, True),
    "node:node-2": (True, True, True, True, True),
    "vpc": (False, True, True, True, False),
    "internet": (False, False, False, True, False),
}


@pytest.mark.parametrize("mode", ["userspace", "nftables"])
@pytest.mark.parametrize("place", EXPECTED)
def test_each_place_reaches_what_it_should(cluster: Instance, place: str, mode: str) -> None:
    cluster.netemu("proxy", "mode", mode)
    assert tuple(seen(cluster, place).values()) == EXPECTED[place]


def test_the_vpc_reaches_pods_that_are_part_of_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("settings") / "netemu.yaml"
    file.write_text(VPC_NATIVE)
    with instance("native", options=["--net", NAMESPACED[-1], "--config", str(file)]) as cluster:
        deploy(cluster)
        assert tuple(seen(cluster, "vpc").values()) == (False, True, True, True, True)
        assert tuple(seen(cluster, "internet").values()) == EXPECTED["internet"]


def test_an_address_that_comes_later_is_reached(cluster: Instance) -> None:
    cluster.netemu("proxy", "mode", "userspace")
    assert not reaches(cluster, "http://203.0.113.9/hostname", "internet")
    patch = '{"spec": {"externalIPs": ["203.0.113.9"]}}'
    cluster.kubectl("patch", "service", "plain", "-p", patch)
    cluster.wait_for(lambda: reaches(cluster, "http://203.0.113.9/hostname", "internet"))
