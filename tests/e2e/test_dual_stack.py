"""Clusters of two address families, or of IPv6 alone, with real clients in every mode that has any.

Rows 2.42 and 2.43 of the upstream catalogue and rules 18 to 20 and 44 of its checklist.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netemu.testing import Instance
from tests.support.dualstack import KINDS, POD, Cluster, dual_stack, families_of
from tests.support.reach import REFUSED, balancer_ips, node_addresses

pytestmark = pytest.mark.e2e

SLOW = {kind: [pytest.mark.slow] for kind in KINDS if len(kind.families) == 1}
PARAMS = [pytest.param(kind, marks=SLOW.get(kind, ()), id=str(kind)) for kind in KINDS]


@pytest.fixture(scope="module", params=PARAMS)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with dual_stack(request.param) as made:
        yield made


@pytest.fixture(params=["userspace", "nftables"])
def mode(request: pytest.FixtureRequest, cluster: Cluster) -> str:
    cluster.made.netemu("proxy", "mode", request.param)
    return str(request.param)


# What the API says


def test_services_pods_and_nodes_have_the_clusters_families(cluster: Cluster) -> None:
    expected = [*cluster.kind.families]
    assert families_of(cluster.spec("both")["clusterIPs"]) == expected
    assert families_of(next(iter(cluster.pods().values()))) == expected
    for node in cluster.made.get("nodes")["items"]:
        internal = node_addresses(cluster.made, node["metadata"]["name"])
        assert families_of(internal) == families_of(node["spec"]["podCIDRs"]) == expected


def test_slices_are_of_each_family_and_endpoints_of_the_primary(cluster: Cluster) -> None:
    slices = cluster.made.get("endpointslices", "-l", "kubernetes.io/service-name=both")["items"]
    assert sorted(part["addressType"] for part in slices) == sorted(cluster.kind.families)
    for part in slices:
        listed = [each["addresses"][0] for each in part["endpoints"]]
        assert {*families_of(listed)} == {part["addressType"]}
        assert len(listed) == 2
    [subset] = cluster.made.get("endpoints", "both")["subsets"]
    listed = [each["ip"] for each in subset["addresses"]]
    assert {*families_of(listed)} == {cluster.kind.families[0]}


def test_a_service_is_up_and_downgraded_live(cluster: Cluster) -> None:
    if len(cluster.kind.families) == 1:
        patch = '{"spec": {"ipFamilyPolicy": "RequireDualStack"}}'
        refused = cluster.made.run("kubectl", "patch", "service", "six", "-p", patch, check=False)
        assert "this cluster is not configured for dual-stack services" in refused.stderr
        return
    cluster.made.kubectl("create", "service", "clusterip", "moving", "--tcp=80:8080")
    cluster.made.kubectl("set", "selector", "service", "moving", "app=web")
    first = cluster.spec("moving")["clusterIP"]
    for policy, count in (("RequireDualStack", 2), ("SingleStack", 1), ("PreferDualStack", 2)):
        patch = json.dumps({"spec": {"ipFamilyPolicy": policy}})
        cluster.made.kubectl("patch", "service", "moving", "-p", patch)
        spec = cluster.spec("moving")
        assert len(spec["clusterIPs"]) == len(spec["ipFamilies"]) == count
        assert spec["clusterIP"] == spec["clusterIPs"][0] == first
    url = f"http://[{cluster.six('moving')}]/hostname"
    assert cluster.made.wait_for(lambda: cluster.curl(url)) in cluster.pods()
    patch = json.dumps({"spec": {"clusterIPs": [first]}})
    refused = cluster.made.run(
        "kubectl", "patch", "service", "moving", "--type=merge", "-p", patch, check=False
    )
    assert "must be set to 'SingleStack' when releasing the secondary clusterIP" in refused.stderr


def test_a_pod_is_told_its_addresses(cluster: Cluster) -> None:
    status = cluster.made.get("pod", "client")["status"]
    ips, hosts = ([each["ip"] for each in status[key]] for key in ("podIPs", "hostIPs"))
    env = cluster.made.kubectl("exec", "client", "--", "env").splitlines()
    assert f"IPS={','.join(ips)}" in env
    assert f"HOST_IPS={','.join(hosts)}" in env
    primary = cluster.made.get("service", "kubernetes")["spec"]["clusterIP"]
    shown = f"[{primary}]" if ":" in primary else primary
    assert f"KUBERNETES_PORT=tcp://{shown}:443" in env
    files = cluster.made.kubectl("exec", "client", "--", "cat", "/etc/hosts", "/etc/resolv.conf")
    for ip in ips:
        assert f"{ip}\tme.peers.default.svc.cluster.local\tme\n" in files
    dns = cluster.made.get("-n", "kube-system", "service", "kube-dns")["spec"]
    assert f"nameserver {dns['clusterIP']}\n" in files
    assert families_of(dns["clusterIPs"]) == [*cluster.kind.families]


def test_kubectl_shows_both(cluster: Cluster) -> None:
    described = cluster.made.kubectl("describe", "service", "both")
    assert f"IP Families:              {','.join(cluster.kind.families)}" in described
    assert f"IPs:                      {','.join(cluster.spec('both')['clusterIPs'])}" in described
    assert families_of(balancer_ips(cluster.made, "both")) == [*cluster.kind.families]


# DNS


def test_names_have_addresses_of_the_families_their_service_has(cluster: Cluster) -> None:
    name = "both.default.svc.cluster.local"
    ips = cluster.spec("both")["clusterIPs"]
    assert cluster.dig(name, "AAAA") == [ip for ip in ips if ":" in ip]
    assert cluster.dig(name, "A") == [ip for ip in ips if ":" not in ip]
    for ip in ips:
        assert cluster.dig("-x", ip) == [f"{name}."]
    assert cluster.dig("six.default.svc.cluster.local", "A") == []
    assert cluster.dig("_http._tcp." + name, "SRV") == [f"0 {100 // len(ips)} 80 {name}."]


def test_dns_itself_is_reached_at_each_address(cluster: Cluster) -> None:
    dns = cluster.made.get("-n", "kube-system", "service", "kube-dns")["spec"]["clusterIPs"]
    for server in dns:
        for transport in ("+notcp", "+tcp"):
            found = cluster.dig(f"@{server}", transport, "six.default.svc.cluster.local", "AAAA")
            assert found == [cluster.six("six")]


def test_headless_names_list_pods_of_both_families(cluster: Cluster) -> None:
    pods = [ip for ips in cluster.pods().values() for ip in ips]
    name = "peers.default.svc.cluster.local"
    assert sorted(cluster.dig(name, "AAAA")) == sorted(ip for ip in pods if ":" in ip)
    assert sorted(cluster.dig(name, "A")) == sorted(ip for ip in pods if ":" not in ip)
    additional = cluster.made.exec(
        "dig", "+noall", "+additional", f"_http._tcp.{name}", "SRV", place=POD
    ).stdout
    assert all(ip in additional.split() for ip in pods)


def test_a_pods_name_is_its_address_with_dashes(cluster: Cluster) -> None:
    six = next(ip for ip in next(iter(cluster.pods().values())) if ":" in ip)
    name = f"{six.replace(':', '-')}.default.pod.cluster.local"
    assert cluster.dig(name, "AAAA") == [six]
    assert cluster.dig(name, "A") == []


# Traffic


def test_pods_reach_each_other_and_see_who_it_is(cluster: Cluster) -> None:
    own = cluster.made.get("pod", "client")["status"]["podIPs"]
    [six] = [each["ip"] for each in own if ":" in each["ip"]]
    for ips in cluster.pods().values():
        [there] = [ip for ip in ips if ":" in ip]
        assert cluster.curl(f"http://[{there}]:8080/clientip").startswith(f"[{six}]:")


def test_a_virtual_ip_leads_to_every_pod_in_the_clients_name(cluster: Cluster, mode: str) -> None:
    url = f"http://[{cluster.six('both')}]"
    [own] = [
        each["ip"]
        for each in cluster.made.get("pod", "client")["status"]["podIPs"]
        if ":" in each["ip"]
    ]
    assert cluster.curl(f"{url}/clientip").startswith(f"[{own}]:")
    assert cluster.curls(f"{url}/hostname", 30) == {*cluster.pods()}
    assert cluster.curl("http://both/hostname") in cluster.pods(), "by name"


def test_a_pod_reaches_itself(cluster: Cluster, mode: str) -> None:
    name = next(iter(cluster.pods()))
    url = f"http://[{cluster.six('both')}]/hostname"
    seen = cluster.curls(url, 30, f"pod:default/{name}")
    assert seen == {*cluster.pods()}


def test_node_ports_answer_on_each_node_and_never_at_loopback(cluster: Cluster, mode: str) -> None:
    port = cluster.node_port("six")
    nodes = ("fd00:172:30::b", "fd00:172:30::c")
    for node in nodes:
        seen = cluster.curl(f"http://[{node}]:{port}/clientip")
        assert seen.partition("]")[0].removeprefix("[") in nodes
    assert cluster.fails(f"http://[::1]:{port}/", place="node:node-1") == REFUSED
    if len(cluster.kind.families) > 1:
        done = cluster.made.exec(
            "curl", "-s", "-m", "3", f"http://172.30.0.11:{port}/", place=POD, check=False
        )
        assert done.returncode == REFUSED, "it has no IPv4"


def test_balancers_answer_at_their_address(cluster: Cluster, mode: str) -> None:
    six = cluster.balanced("both")
    assert cluster.curl(f"http://[{six}]/hostname") in cluster.pods()


@pytest.mark.parametrize(
    ("place", "balancer", "node"), [("internet", True, False), ("vpc", True, True)]
)
def test_who_stands_outside_reaches_what_is_offered_there(
    cluster: Cluster, place: str, balancer: bool, node: bool
) -> None:
    six = cluster.balanced("both")
    urls = {
        f"http://[{six}]/": balancer,
        f"http://[fd00:172:30::b]:{cluster.node_port('six')}/": node,
        f"http://[{cluster.six('both')}]/": False,
    }
    assert {url: cluster.fails(url, place) == 0 for url in urls} == urls


def test_clients_stick(cluster: Cluster, mode: str) -> None:
    url = f"http://[{cluster.six('sticky')}]/hostname"
    assert len(cluster.curls(url, 15)) == 1


def test_a_local_policy_leads_to_the_clients_own_node(cluster: Cluster, mode: str) -> None:
    items = cluster.made.get("pods", "-l", "app=web")["items"]
    here = {pod["metadata"]["name"] for pod in items if pod["spec"]["nodeName"] == "node-1"}
    url = f"http://[{cluster.six('local')}]/hostname"
    assert cluster.curls(url, 10) == here


def test_without_endpoints_clients_are_refused_at_once(cluster: Cluster, mode: str) -> None:
    for place in (POD, ""):
        assert cluster.fails(f"http://[{cluster.six('nobody')}]/", place) == REFUSED


ASK_BY_UDP = """
import socket, sys
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
    sock.settimeout(3)
    sock.connect((sys.argv[1], int(sys.argv[2])))
    sock.send(b"echo " + b"x" * 2000)
    print(len(sock.recv(3000)))
"""


def test_udp_passes_whole_and_answers_from_where_it_was_sent(cluster: Cluster, mode: str) -> None:
    udp = cluster.spec("both")["ports"][1]["nodePort"]
    for host, port in ((cluster.six("both"), 81), ("fd00:172:30::c", udp)):
        command = (sys.executable, "-c", ASK_BY_UDP, host, str(port))
        assert cluster.made.exec(*command, place=POD).stdout.strip() == "2000"


def test_a_program_that_netemu_starts_listens_in_every_family(cluster: Cluster) -> None:
    for host in cluster.spec("redis")["clusterIPs"]:

        def said(host: str = host) -> str:
            return cluster.made.exec("redis-cli", "-h", host, "ping", place=POD).stdout.strip()

        assert cluster.made.wait_for(said, what=f"an answer at {host}") == "PONG"


def test_the_api_answers_inside(cluster: Cluster) -> None:
    done = cluster.made.exec(
        "curl", "-sk", "-m", "5", "https://kubernetes.default.svc/livez", place=POD
    )
    assert done.stdout == "ok"


def test_a_port_is_forwarded(cluster: Cluster) -> None:
    forward = subprocess.Popen(
        ["kubectl", "port-forward", "service/both", ":80"],
        env=cluster.made.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert forward.stdout is not None
        port = forward.stdout.readline().split(":")[1].split()[0]
        done = cluster.made.run("curl", "-sf", "-m", "5", f"http://127.0.0.1:{port}/hostname")
        assert done.stdout in cluster.pods()
    finally:
        forward.terminate()
        forward.wait(10)
        forward.communicate()


# The host


def test_the_host_reaches_what_it_can_and_is_told_the_rest(cluster: Cluster) -> None:
    six = cluster.six("both")
    server, _, port = cluster.made.facts["dns"].rpartition(":")
    asked = cluster.made.run(
        "dig", "+short", f"@{server}", "-p", port, "both.default.svc.cluster.local", "AAAA"
    )
    notes = " ".join(cluster.made.facts["notes"])
    if cluster.kind.net == "root" and cluster.made.facts["uplink"]:
        assert asked.stdout.split() == [six]
        assert cluster.made.run("curl", "-sgf", "-m", "5", f"http://[{six}]/hostname").stdout
    else:
        assert asked.stdout.split() == [], "nobody is to wait for what can't be reached"
        assert "the host reaches IPv6 addresses of the cluster from inside only" in notes


def test_in_loopback_mode_ipv6_is_refused_in_a_sentence(tmp_path: Path) -> None:
    config = tmp_path / "netemu.yaml"
    config.write_text("network: {ipFamilies: [IPv4, IPv6]}\n")
    made = Instance("no-six", tmp_path)
    done = made.netemu("up", "--detach", "--net", "loopback", "--config", str(config), check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "netemu: network.ipFamilies: IPv6 isn't possible here: it needs namespaces, as the "
        "loopback interface has a single address of it\n"
    )
