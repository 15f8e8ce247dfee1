"""Names outside the cluster: by DNS, and at a virtual IP whose ports lead to the host outside."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from netemu.testing import Instance, instance
from tests.support.reach import NAMESPACED

pytestmark = pytest.mark.e2e

WORLD = """
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: pause, image: registry.k8s.io/pause:3.10}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside, annotations: {netemu.dev/proxy: "true"}}
spec: {type: ExternalName, externalName: localhost, ports: [{port: PORT}]}
"""


class Outside(http.server.BaseHTTPRequestHandler):
    """A server on the machine itself, which the cluster's network doesn't reach."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"outside")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module", params=NAMESPACED)
def cluster(request: pytest.FixtureRequest, port: int) -> Iterator[Instance]:
    with instance(f"names-{request.param}", options=["--net", request.param]) as made:
        made.apply(WORLD.replace("PORT", str(port)))
        made.kubectl("wait", "--for=condition=Ready", "pod", "client", "--timeout=30s")
        yield made


def virtual_ip(cluster: Instance) -> str:
    annotations = cluster.get("service", "outside")["metadata"]["annotations"]
    return str(annotations["netemu.dev/virtual-ip"])


@pytest.mark.parametrize("mode", ["userspace", "nftables"])
def test_a_pod_reaches_the_host_outside_at_the_virtual_ip(
    cluster: Instance, port: int, mode: str
) -> None:
    cluster.netemu("proxy", "mode", mode)
    host = cluster.wait_for(lambda: virtual_ip(cluster), what="an address")
    url = f"http://{host}:{port}/"
    for place in ("pod:default/client", "node:node-1", ""):
        words = ("curl", "-sf", "-m", "5", url)
        ask = partial(cluster.exec, *words, place=place)
        assert cluster.wait_for(ask, what="an answer").stdout == "outside"


def test_dns_still_answers_with_the_name(cluster: Instance) -> None:
    name = "outside.default.svc.cluster.local"
    told = cluster.exec("dig", "+short", "CNAME", name, place="pod:default/client").stdout
    assert told.strip() == "localhost."


def test_the_virtual_ip_goes_with_the_annotation_and_comes_back(
    cluster: Instance, port: int
) -> None:
    host = cluster.wait_for(lambda: virtual_ip(cluster), what="an address")
    url = f"http://{host}:{port}/"
    cluster.kubectl("annotate", "service", "outside", "netemu.dev/proxy-")

    def refused() -> bool:
        done = cluster.exec("curl", "-s", "-m", "2", url, check=False)
        return done.returncode == 7

    cluster.wait_for(refused, what="the refusal")
    cluster.kubectl("annotate", "service", "outside", "netemu.dev/proxy=true")
    words = ("curl", "-sf", "-m", "5")
    cluster.wait_for(
        lambda: cluster.exec(*words, f"http://{virtual_ip(cluster)}:{port}/").stdout,
        what="an answer again",
    )


def test_mistakes_are_told(cluster: Instance) -> None:
    cluster.kubectl("create", "service", "externalname", "wrong", "--external-name=example.com")
    cluster.kubectl("annotate", "service", "wrong", "netemu.dev/proxy=yes")

    def told() -> bool:
        return 'must be "true" or "false", not "yes"' in cluster.kubectl("get", "events")

    cluster.wait_for(told, what="the complaint")
