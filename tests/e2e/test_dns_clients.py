"""Resolvers that people use, inside pods: glibc's, musl's, c-ares in two programs, dig."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from dnslib import QTYPE, RCODE, RR, DNSRecord
from dnslib.server import DNSLogger, DNSServer

from netemu.testing import Instance, instance
from tests.support.reach import NAMESPACED

pytestmark = pytest.mark.e2e

CLIENT = "pod:default/client"

WORLD = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.77, selector: {app: none}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {type: ExternalName, externalName: www.example.com}
---
apiVersion: v1
kind: Service
metadata: {name: kubia}
spec: {clusterIP: None, selector: {app: kubia}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kubia}
spec:
  serviceName: kubia
  replicas: 3
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: kubia}}
  template:
    metadata: {labels: {app: kubia}}
    spec:
      volumes: [{name: data, emptyDir: {}}]
      containers:
      - name: kubia
        image: luksa/kubia-pet
        volumeMounts: [{name: data, mountPath: /var/data}]
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: client, image: shell, command: [sleep, infinity]}]}
"""
WWW = "192.0.2.80"
FOREIGN = {
    ("www.example.com.", "A"): WWW,
    ("www.example.com.", "AAAA"): "2001:db8::80",
    ("plain.example.com.", "A"): "192.0.2.81",
}
"""What another server, outside the cluster, knows."""
EXISTING = {name for name, _ in FOREIGN}


class Foreign:
    """Answers for other servers, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def resolve(self, request: DNSRecord, _: object) -> DNSRecord:
        name, kind = str(request.q.qname).lower(), QTYPE[request.q.qtype]
        self.asked.append(name)
        reply = request.reply(aa=0)
        if name not in EXISTING:
            reply.header.rcode = RCODE.NXDOMAIN
        elif (name, kind) in FOREIGN:
            reply.add_answer(*RR.fromZone(f"{name} 60 IN {kind} {FOREIGN[name, kind]}"))
        return reply


@contextmanager
def foreign_server() -> Iterator[tuple[Foreign, int]]:
    knows, quiet = Foreign(), DNSLogger("-request,-reply,-truncated,-error", prefix=False)
    server = DNSServer(knows, address="127.0.0.1", port=0, logger=quiet)
    server.start_thread()
    try:
        yield knows, server.server.server_address[1]
    finally:
        server.stop()
        server.server.server_close()


class Cluster:
    """A cluster, and the other server it asks."""

    def __init__(self, made: Instance, foreign: Foreign) -> None:
        self.made = made
        self.foreign = foreign

    def pods(self) -> dict[str, str]:
        items = self.made.get("pods", "-l", "app=kubia")["items"]
        return {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in items}

    def says(self, *argv: str) -> str:
        """What a command in the client pod prints."""
        return self.made.exec(*argv, place=CLIENT).stdout


@pytest.fixture(scope="module", params=NAMESPACED)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with ExitStack() as stack:
        foreign, port = stack.enter_context(foreign_server())
        file = tmp_path_factory.mktemp("settings") / "netemu.yaml"
        file.write_text(f'dns: {{forward: "127.0.0.1:{port}"}}\n')
        options = ["--net", request.param, "--config", str(file)]
        made = stack.enter_context(instance(f"dns-{request.param}", options=options))
        made.apply(WORLD)
        made.kubectl("rollout", "status", "sts/kubia", "--timeout=30s")
        made.kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=30s")
        yield Cluster(made, foreign)


@pytest.fixture(scope="module")
def musl_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    if not shutil.which("musl-gcc"):
        pytest.skip("musl-gcc isn't installed")
    program = str(tmp_path_factory.mktemp("musl") / "resolve")
    source = str(Path(__file__).with_name("resolve.c"))
    subprocess.run(["musl-gcc", "-static", "-O1", "-o", program, source], check=True)
    return program


GETADDRINFO = """
import socket, sys
for name in sys.argv[1:]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror:
        found = []
    print(name, *(address[0] for *_, address in found))
"""
AIODNS = """
import asyncio, sys, aiodns

async def main():
    resolver = aiodns.DNSResolver()
    for name in sys.argv[1:]:
        try:
            found = (await resolver.getaddrinfo(name)).nodes
        except aiodns.error.DNSError:
            found = []
        print(name, *(node.addr[0].decode() for node in found))

asyncio.run(main())
"""
NODE = """
const dns = require("dns").promises;
(async () => {
  for (const name of process.argv.slice(1)) {
    let found = [];
    try { found = await dns.lookup(name, {all: true}); } catch (error) {}
    console.log([name, ...found.map(one => one.address)].join(" "));
  }
})();
"""


def by_musl(cluster: Cluster, names: Sequence[str], musl: str) -> str:
    return cluster.says(musl, *names)


def by_glibc(cluster: Cluster, names: Sequence[str], _: str) -> str:
    return cluster.says(sys.executable, "-c", GETADDRINFO, *names)


def by_aiodns(cluster: Cluster, names: Sequence[str], _: str) -> str:
    return cluster.says(sys.executable, "-c", AIODNS, *names)


def by_node(cluster: Cluster, names: Sequence[str], _: str) -> str:
    if not shutil.which("node"):
        pytest.skip("node isn't installed")
    return cluster.says("node", "-e", NODE, "--", *names)


CLIENTS = {"glibc": by_glibc, "musl": by_musl, "c-ares": by_aiodns, "node": by_node}


def expected(pods: dict[str, str]) -> dict[str, set[str]]:
    """IPv4 addresses by name; none where there is no such name."""
    zone = "default.svc.cluster.local"
    web = dict.fromkeys(["web", "web.default", "web.default.svc", f"web.{zone}"], {"10.96.0.77"})
    external = dict.fromkeys(["www.example.com", "www.example.com.", "outside"], {WWW})
    hosts = {f"{name}.kubia": {address} for name, address in pods.items()}
    return {
        **web,
        f"web.{zone}.": {"10.96.0.77"},
        "kubernetes.default": {"10.96.0.1"},
        "kubia": set(pods.values()),
        **hosts,
        **external,
        "plain.example.com": {"192.0.2.81"},
        "nobody": set(),
        "nobody.example.com": set(),
        "web.nowhere": set(),
    }


def in_lines(text: str) -> dict[str, set[str]]:
    """Each name with its IPv4 addresses."""
    lines = (line.split() for line in text.splitlines())
    return {name: {each for each in found if ":" not in each} for name, *found in lines}


@pytest.mark.parametrize("client", CLIENTS)
def test_short_qualified_and_external_names_are_found(
    cluster: Cluster, client: str, musl_program: str
) -> None:
    names = expected(cluster.pods())
    found = in_lines(CLIENTS[client](cluster, list(names), musl_program))
    assert found == names


def test_nothing_of_the_cluster_was_asked_outside(cluster: Cluster) -> None:
    """Steps of search lists, too, end here; runs after those that walk them."""
    asked = "web", "nobody", "www.example.com", "missing.example.com"
    cluster.says(sys.executable, "-c", GETADDRINFO, *asked)
    assert "missing.example.com." in cluster.foreign.asked
    assert [name for name in cluster.foreign.asked if name.endswith(".local.")] == []


def test_both_families_come_together(cluster: Cluster, musl_program: str) -> None:
    for ask in (by_musl, by_aiodns):
        (line,) = ask(cluster, ["www.example.com"], musl_program).splitlines()
        assert sorted(line.split()[1:]) == [WWW, "2001:db8::80"]


NO_DELAY_SECONDS = 4.0
"""Less than the five seconds after which a resolver asks again, when one of two was lost."""


def test_two_questions_of_one_socket_both_get_their_answer(
    cluster: Cluster, musl_program: str
) -> None:
    """glibc and musl ask for A and AAAA at once, from one port."""
    ask: Callable[[Cluster, Sequence[str], str], str]
    for ask in (by_glibc, by_musl):
        start = time.monotonic()
        assert in_lines(ask(cluster, ["web"] * 50, musl_program)) == {"web": {"10.96.0.77"}}
        assert time.monotonic() - start < NO_DELAY_SECONDS


@pytest.mark.parametrize("tcp", ["+notcp", "+tcp"])
def test_dig_finds_what_conformance_asks_for(cluster: Cluster, tcp: str) -> None:
    """sig-network's "should provide DNS for the cluster" and "for services"."""

    def dig(*words: str) -> list[str]:
        return cluster.says("dig", "+short", "+search", tcp, *words).splitlines()

    for name in ("kubernetes.default", "kubernetes.default.svc"):
        assert dig(name, "A") == ["10.96.0.1"]
    pods = cluster.pods()
    assert sorted(dig("kubia.default.svc", "A")) == sorted(pods.values())
    assert dig("_http._tcp.web.default.svc", "SRV") == ["0 100 80 web.default.svc.cluster.local."]
    targets = [line.split()[-2:] for line in dig("_http._tcp.kubia.default.svc", "SRV")]
    zone = "kubia.default.svc.cluster.local."
    assert sorted(targets) == [["8080", f"{name}.{zone}"] for name in sorted(pods)]
    assert dig("-x", "10.96.0.77") == ["web.default.svc.cluster.local."]
    assert dig("-x", pods["kubia-0"]) == [f"kubia-0.{zone}"]
    dashed = pods["kubia-1"].replace(".", "-")
    assert dig(f"{dashed}.default.pod.cluster.local", "A") == [pods["kubia-1"]]


SRV_BY_AIODNS = """
import asyncio, sys, aiodns

async def main():
    found = await aiodns.DNSResolver().query(sys.argv[1], "SRV")
    print(*sorted(f"{each.host}:{each.port}" for each in found))

asyncio.run(main())
"""
SRV_BY_NODE = """
require("dns").promises.resolveSrv(process.argv[1]).then(found =>
  console.log(found.map(each => `${each.name}:${each.port}`).sort().join(" ")));
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_peers_are_discovered_by_srv_records(cluster: Cluster) -> None:
    zone = "kubia.default.svc.cluster.local"
    peers = [f"{name}.{zone}" for name in sorted(cluster.pods())]
    everybody = " ".join(f"{peer}:8080" for peer in peers) + "\n"
    quiet = [sys.executable, "-W", "ignore", "-c", SRV_BY_AIODNS]
    assert cluster.says(*quiet, f"_http._tcp.{zone}") == everybody
    if shutil.which("node"):
        assert cluster.says("node", "-e", SRV_BY_NODE, "--", f"_http._tcp.{zone}") == everybody
    for name in peers:
        assert cluster.says("curl", "-sf", f"http://{name}:8080/", "-d", f"of {name}")
    told = cluster.says("curl", "-sf", f"http://{peers[2]}:8080/")
    assert told.partition("cluster:\n")[2] == "".join(f"- {p}: of {p}\n" for p in peers)


def test_externalname_follows_its_service(cluster: Cluster) -> None:
    """sig-network's "should provide DNS for ExternalName services"."""

    def dig(kind: str) -> str:
        return cluster.says("dig", "+short", "moved.default.svc.cluster.local", kind)

    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "moved"},
        "spec": {"type": "ExternalName", "externalName": "foo.example.com"},
    }
    cluster.made.apply(json.dumps(service))
    cluster.made.wait_for(lambda: dig("CNAME") == "foo.example.com.\n")
    spec = {"externalName": "plain.example.com"}
    cluster.made.kubectl("patch", "service", "moved", "-p", json.dumps({"spec": spec}))
    cluster.made.wait_for(lambda: dig("CNAME") == "plain.example.com.\n")
    assert dig("A") == "plain.example.com.\n192.0.2.81\n"
    spec = {"type": "ClusterIP", "externalName": None, "ports": [{"port": 80}]}  # type: ignore[dict-item]
    cluster.made.kubectl("patch", "service", "moved", "-p", json.dumps({"spec": spec}))
    address = cluster.made.get("service", "moved")["spec"]["clusterIP"]
    cluster.made.wait_for(lambda: dig("A") == f"{address}\n")


COREFILE = """
.:53 {
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
    }
    hosts {
        192.0.2.99 static.example.org
        fallthrough
    }
    template IN A made.example.org {
        answer "{{ .Name }} 7 IN A 192.0.2.98"
    }
}
"""


def test_the_corefile_is_edited_live(cluster: Cluster) -> None:
    def dig(name: str) -> str:
        return cluster.says("dig", "+short", name)

    before = cluster.made.get("configmap", "-n", "kube-system", "coredns")["data"]["Corefile"]

    def use(text: str) -> None:
        patch = json.dumps({"data": {"Corefile": text}})
        words = "patch", "configmap", "coredns", "-n", "kube-system", "-p", patch
        cluster.made.kubectl(*words)

    use(COREFILE)
    cluster.made.wait_for(lambda: dig("static.example.org") == "192.0.2.99\n")
    assert dig("made.example.org") == "192.0.2.98\n"
    assert dig("www.example.com") == ""
    assert dig("web.default.svc.cluster.local") == "10.96.0.77\n"
    use(COREFILE.replace("    hosts {", "    acl {"))
    cluster.made.wait_for(lambda: "BadCorefile" in events(cluster), what="the complaint")
    assert 'Corefile:6: unknown plugin "acl"' in events(cluster)
    assert dig("static.example.org") == "192.0.2.99\n"
    use(before)
    cluster.made.wait_for(lambda: dig("www.example.com") == f"{WWW}\n")


def events(cluster: Cluster) -> str:
    return cluster.made.kubectl("get", "events", "-n", "kube-system")


def test_the_log_tells_who_asked_what(cluster: Cluster) -> None:
    assert cluster.says("dig", "+short", "+search", "web") == "10.96.0.77\n"
    assert cluster.says("getent", "hosts", "plain.example.com")
    entries = [
        json.loads(line)
        for line in cluster.made.netemu("dns", "log", "-o", "json").stdout.splitlines()
    ]
    (found,) = [
        entry
        for entry in entries[-40:]
        if entry["name"] == "web.default.svc.cluster.local." and entry["search"]
    ][-1:]
    assert found["pod"] == "default/client"
    assert (found["type"], found["rcode"], found["answers"]) == ("A", "NOERROR", ["10.96.0.77"])
    assert found["micros"] >= 0
    assert found["source"] in ("cluster", "kept")
    assert (found["search"]["step"], found["search"]["of"]) == (1, 4)
    outside = [entry for entry in entries if entry["name"] == "plain.example.com."]
    assert {entry["source"] for entry in outside} <= {"forward", "cache"}
    assert outside[-1]["search"]["step"] == 4
