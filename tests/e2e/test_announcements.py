"""A neighbour on the uplink finds load balancers' addresses at a node that lives, by ARP and NDP.

One network namespace plays the host that netemu runs on, another a machine beside it: a bridge
joins the machine to the host's end of the uplink.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from netemu.testing import Instance, instance
from tests.support.containers import inside, machine
from tests.support.reach import balancer_ip, balancer_ips

TOOLS = ("ip", "nsenter", "unshare", "curl")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}"),
]

WORLD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.k8s.io/e2e-test-images/agnhost:2.53
        args: [netexec, --http-port=8080]
        readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
METALLB = """
apiVersion: v1
kind: Namespace
metadata: {name: metallb-system}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: lan, namespace: metallb-system}
spec: {addresses: [10.64.140.43-10.64.140.49]}
"""
ADVERTISEMENT = """
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: lan, namespace: metallb-system}
spec:
  ipAddressPools: [lan]
  nodeSelectors: [{matchLabels: {kubernetes.io/hostname: NODE}}]
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""


CHATTER = """
import socket, sys, time
client = socket.create_connection((sys.argv[1], 80), 5)
print("open", flush=True)
try:
    while True:
        client.send(b"x")
        time.sleep(0.1)
except (ConnectionResetError, BrokenPipeError):
    print("reset", flush=True)
"""


def at(pid: int) -> tuple[str, ...]:
    return "nsenter", "-t", str(pid), "-n"


def announcers(daemon: int) -> list[int]:
    """The processes that announce for a daemon."""
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    return [pid for pid in map(int, children) if b"announcer" in command_line(pid)]


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def alive(pid: int) -> bool:
    try:
        return b"announcer" in command_line(pid)
    except OSError:
        return False


class Lab:
    """A cluster, and a machine beside it."""

    def __init__(self, cluster: Instance, machine: int) -> None:
        self.cluster = cluster
        self.machine = machine

    def address(self, service: str = "web") -> str:
        return self.cluster.wait_for(partial(balancer_ip, self.cluster, service), what="an address")

    def speaker(self, address: str) -> str:
        """The node that the cluster says announces it."""
        status = self.cluster.netemu("status", "-o", "json").stdout
        return str(json.loads(status)["announced"].get(address, ""))

    def neighbour(self, address: str) -> str:
        """The hardware address that the machine knows for it."""
        words = inside(self.machine, "ip", "neigh", "show", address)
        found = re.search(r"lladdr (\S+)", words)
        return found[1] if found else ""

    def ask(self, address: str, path: str = "hostname") -> str:
        url = f"http://{address}/{path}"
        return inside(self.machine, "curl", "-sgf", "-m", "3", url, check=False)

    def mac(self, node: str) -> str:
        [address] = [n["address"] for n in self.cluster.facts["nodes"] if n["name"] == node]
        return "02:42:" + ":".join(f"{int(part):02x}" for part in address.split("."))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with machine() as host, machine() as beside:
        options = ["--net", "root", "--nodes", "3"]
        with instance("lan", options=options, wrapper=at(host)) as cluster:
            join(host, beside, cluster.facts["block"])
            cluster.apply(WORLD)
            cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
            yield Lab(cluster, beside)


def join(host: int, beside: int, block: int) -> None:
    """Bridge the machine to the host's end of the uplink, and give it an address there."""
    inside(host, "ip", "link", "add", "name", "lan", "type", "bridge")
    inside(host, "ip", "link", "set", "lan", "up")
    inside(host, "ip", "link", "set", f"netemu-{block}", "master", "lan")
    link = ("ip", "link", "add", "name", "port", "type", "veth", "peer", "name", "eth0")
    inside(host, *link, "netns", str(beside))
    inside(host, "ip", "link", "set", "port", "master", "lan", "up")
    inside(beside, "ip", "address", "add", f"169.254.{block}.11/29", "dev", "eth0")
    inside(beside, "ip", "link", "set", "eth0", "up")
    for network in ("172.30.0.0/24", "10.64.140.0/24"):
        inside(beside, "ip", "route", "add", network, "dev", "eth0")


def test_the_neighbour_reaches_the_balancer_at_the_node_that_announces_it(lab: Lab) -> None:
    address = lab.address()
    lab.cluster.wait_for(lambda: lab.ask(address).startswith("web-"), what="an answer")
    assert lab.neighbour(address) == lab.mac(lab.speaker(address))
    events = lab.cluster.kubectl("get", "events")
    assert f'announcing from node "{lab.speaker(address)}" with protocol "layer2"' in events


def test_a_node_has_its_own_address(lab: Lab) -> None:
    lab.ask("172.30.0.12")
    assert lab.neighbour("172.30.0.12") == lab.mac("node-2")
    lab.ask("10.96.0.1")
    assert lab.neighbour("10.96.0.1") == ""


TALK = """
import socket, sys
client = socket.create_connection((sys.argv[1], 80), 5)
client.settimeout(20)
print("open", flush=True)
try:
    print("ended" if client.recv(1) == b"" else "answered", flush=True)
except ConnectionResetError:
    print("reset", flush=True)
"""


@contextmanager
def connection(lab: Lab, address: str) -> Iterator["subprocess.Popen[str]"]:
    """A client beside the cluster that is connected, and then tells how that ends."""
    words = (*at(lab.machine), sys.executable, "-c", TALK, address)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "open\n"
        try:
            yield client
        finally:
            client.kill()


def test_the_address_moves_when_its_node_dies_and_comes_back(lab: Lab) -> None:
    address = lab.address()
    lab.cluster.wait_for(lambda: lab.ask(address), what="an answer")
    first = lab.speaker(address)
    with ExitStack() as stack:  # several, to endpoints on every node
        clients = [stack.enter_context(connection(lab, address)) for _ in range(6)]
        lab.cluster.netemu("node", "stop", first)
        told = [client.stdout.readline() for client in clients if client.stdout is not None]
        assert told == ["reset\n"] * 6
    second = lab.speaker(address)
    assert second not in ("", first)
    # Nobody asked: the new node has told.
    lab.cluster.wait_for(lambda: lab.neighbour(address) == lab.mac(second), what="the news")
    lab.cluster.wait_for(lambda: lab.ask(address), what="an answer by the other node")
    lab.cluster.netemu("node", "start", first)
    lab.cluster.wait_for(lambda: lab.speaker(address) == first, what="the way back")
    lab.cluster.wait_for(lambda: lab.neighbour(address) == lab.mac(first), what="the news")
    lab.cluster.wait_for(lambda: lab.ask(address), what="an answer by the first node")


def test_connections_end_with_their_node_in_the_kernel_mode_too(lab: Lab) -> None:
    address = lab.address()
    lab.cluster.netemu("proxy", "mode", "nftables")
    lab.cluster.wait_for(lambda: lab.ask(address), what="an answer")
    first = lab.speaker(address)
    words = (*at(lab.machine), sys.executable, "-c", CHATTER, address)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "open\n"
        lab.cluster.netemu("node", "stop", first)
        assert client.stdout.readline() == "reset\n"
    lab.cluster.netemu("node", "start", first)
    lab.cluster.netemu("proxy", "mode", "userspace")


def announces(lab: Lab, node: str, address: str) -> bool:
    return lab.speaker(address) == node


def test_a_pool_of_metallbs_is_announced_by_whom_an_advertisement_names(lab: Lab) -> None:
    lab.cluster.apply(METALLB)
    lab.cluster.apply(SERVICE.replace("NAME", "lan"))
    address = lab.address("lan")
    assert address.startswith("10.64.140.")
    assert lab.speaker(address) == ""  # nobody was asked to
    for node in ("node-2", "node-3"):
        lab.cluster.apply(ADVERTISEMENT.replace("NODE", node))
        lab.cluster.wait_for(partial(announces, lab, node, address), what=node)
        lab.cluster.wait_for(lambda: lab.ask(address), what="an answer")
        assert lab.neighbour(address) == lab.mac(node)
    for interface, who in (("eth7", ""), ("uplink", "node-3"), ("eth7", ""), ("node-3", "node-3")):
        change = '{"spec": {"interfaces": ["INTERFACE"]}}'.replace("INTERFACE", interface)
        where = ("l2advertisement", "-n", "metallb-system", "lan")
        lab.cluster.kubectl("patch", *where, "--type=merge", "-p", change)
        lab.cluster.wait_for(partial(announces, lab, who, address), what=f"{who} at {interface}")
    missing = (
        f'by LB IP "{address}" doesn\'t exist in assigned node "node-3" with protocol "layer2"'
    )
    assert missing in lab.cluster.kubectl("get", "events")
    lab.cluster.kubectl("delete", "l2advertisement", "-n", "metallb-system", "lan")
    lab.cluster.wait_for(lambda: lab.speaker(address) == "", what="silence")


def test_the_local_policy_leaves_it_to_a_node_with_an_endpoint(lab: Lab) -> None:
    lab.cluster.kubectl("scale", "deployment/web", "--replicas=1")
    patch = '{"spec": {"externalTrafficPolicy": "Local"}}'
    lab.cluster.kubectl("patch", "service", "web", "-p", patch)

    def settled() -> bool:
        pods = lab.cluster.get("pods", "-l", "app=web")["items"]
        return {lab.speaker(lab.address())} == {pod["spec"]["nodeName"] for pod in pods}

    lab.cluster.wait_for(settled, what="the node with the pod")
    address = lab.address()
    lab.cluster.wait_for(lambda: lab.ask(address), what="an answer")
    client = lab.ask(address, "clientip").rpartition(":")[0]
    assert client == f"169.254.{lab.cluster.facts['block']}.11"


DUAL = "network: {ipFamilies: [IPv4, IPv6]}\ndns: {forward: ''}\n"


def test_addresses_of_both_families_are_announced(tmp_path: Path) -> None:
    config = tmp_path / "netemu.yaml"
    config.write_text(DUAL)
    with machine() as host, machine() as beside:
        options = ["--net", "root", "--config", str(config)]
        with instance("lan6", options=options, wrapper=at(host)) as cluster:
            block = cluster.facts["block"]
            join(host, beside, block)
            own = ("ip", "-6", "address", "add", f"fd00:a9fe:{block:x}::3/125", "dev", "eth0")
            inside(beside, *own, "nodad")
            inside(beside, "ip", "-6", "route", "add", "fd00:172:30::/64", "dev", "eth0")
            policy = "spec: {ipFamilyPolicy: RequireDualStack, type"
            cluster.apply(WORLD.replace("spec: {type", policy))
            lab = Lab(cluster, beside)

            def both() -> list[str]:
                found = balancer_ips(cluster, "web")
                return found if len(found) == 2 else []

            addresses = cluster.wait_for(both, what="two addresses")
            for address in addresses:
                url = f"[{address}]" if ":" in address else address
                cluster.wait_for(partial(lab.ask, url), what=f"an answer at {address}")
                assert lab.neighbour(address) == lab.mac(lab.speaker(address))
            assert len({lab.speaker(address) for address in addresses}) == 1


def test_nothing_of_it_is_left_when_the_daemon_is_killed(lab: Lab) -> None:
    pids = announcers(lab.cluster.facts["pid"])
    assert pids
    lab.cluster.kill()
    lab.cluster.wait_for(lambda: not any(map(alive, pids)), what="the announcer's end")
