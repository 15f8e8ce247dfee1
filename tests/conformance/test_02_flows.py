"""sig-network: Conntrack; datagrams of one client follow their Service."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.jig import Jig, port

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TALKER = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", 12345))
sock.settimeout(0.2)
last = ""
while True:
    try:
        sock.sendto(b"hostName", (sys.argv[1], int(sys.argv[2])))
        said = sock.recv(100).decode()
    except (OSError, TimeoutError) as error:
        said = ""
    if said and said != last:
        print(said, flush=True)
        last = said
    time.sleep(0.05)
"""


@contextmanager
def talking(jig: Jig, place: str, host: str, number: int) -> Iterator[Any]:
    """A client that talks from one port all the time; reading tells who answers now."""
    words = (*jig.cluster.command, "exec", "--from", place, "--")
    command = (*words, sys.executable, "-c", TALKER, host, str(number))
    with subprocess.Popen(
        command, env=jig.cluster.env, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process.stdout
        finally:
            process.kill()


@pytest.mark.row("2.27", "2.28", "2.29", "2.30", "6.9")
@pytest.mark.rule(53)
@pytest.mark.parametrize(
    ("way", "spec"),
    [
        ("nodePort", {}),
        ("clusterIP", {}),
        ("clusterIP", {"internalTrafficPolicy": "Local"}),
        ("host client", {}),
        ("balancer", {}),
    ],
)
def test_a_flow_moves_when_its_server_goes(jig: Jig, way: str, spec: Any) -> None:
    kind = {"nodePort": "NodePort", "balancer": "LoadBalancer"}.get(way, "ClusterIP")
    jig.service("web", port(80, 80, protocol="UDP"), type=kind, **spec)
    jig.pod("client", node="node-1", hostNetwork=way == "host client")
    jig.running("client")
    serves: Any = {"serves": "web", "node": "node-1"}
    arguments = ("netexec", "--http-port=8080", "--udp-port=80")
    host, number = jig.ip("web"), 80
    if way == "nodePort":
        host, number = jig.nodes["node-2"], jig.node_port("web")
    elif way == "balancer":
        host = jig.ingress("web")
    with talking(jig, jig.at("client"), host, number) as told:
        if spec:  # somebody elsewhere whom it must never hear of
            jig.pod("far", *arguments, serves="web", node="node-2")
            jig.running("far")
        jig.pod("one", *arguments, **serves)
        assert told.readline() == "one\n"
        jig.delete("pods", "one")
        jig.pod("two", *arguments, **serves)
        assert told.readline() == "two\n"


@pytest.mark.row("2.31")
@pytest.mark.rule(54)
def test_a_flow_that_began_too_early_is_served_later(jig: Jig) -> None:
    jig.service("web", port(80, 80, protocol="UDP"))
    jig.pod("client")
    jig.running("client")
    container = {
        "name": "main",
        "image": "registry.k8s.io/e2e-test-images/agnhost:2.53",
        "args": ["netexec", "--http-port=8080", "--udp-port=80"],
    }
    wait = {"name": "wait", "image": "busybox", "command": ["sh", "-c", "sleep 3"]}
    obj = {
        "metadata": {"name": "one", "labels": {"web": "yes"}},
        "spec": {"initContainers": [wait], "containers": [container]},
    }
    with talking(jig, jig.at("client"), jig.ip("web"), 80) as told:
        jig.rest.create(jig.path("pods"), obj)
        assert told.readline() == "one\n"


@pytest.mark.row("2.32")
@pytest.mark.rule(53)
def test_a_flow_follows_the_target_port(jig: Jig) -> None:
    jig.service("web", port(80, 80, protocol="UDP"), type="NodePort")
    jig.pod("client")
    jig.pod("one", "netexec", "--http-port=8080", "--udp-port=80", serves="web")
    jig.pod("two", "netexec", "--http-port=8080", "--udp-port=81", serves="web")
    jig.running("client", "one", "two")
    jig.until(lambda: len(jig.sliced("web")) == 2, "the endpoints")
    # Only one of the two listens at either port; the flow moves on until it is heard.
    number = jig.node_port("web")
    jig.label("pods", "two", web=None)
    with talking(jig, jig.at("client"), jig.nodes["node-1"], number) as told:
        assert told.readline() == "one\n"
        jig.label("pods", "two", web="yes")
        jig.label("pods", "one", web=None)
        jig.change("web", ports=[port(80, 81, protocol="UDP", nodePort=number)])
        assert told.readline() == "two\n"
