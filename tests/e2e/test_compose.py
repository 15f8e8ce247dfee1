"""The topology of docker-compose.yml, by namespaces: a client routes to the cluster through netemu.

One namespace plays the container netemu runs in, another the client's; a link joins them, and the
client has the routes and the DNS server that the compose file gives it.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from netemu.cli import up_command
from netemu.config.settings import NetworkSettings
from netemu.testing import Instance, instance
from tests.e2e.test_counter import EXAMPLES
from tests.support.containers import inside, machine

ROOT = Path(__file__).parents[2]
TOOLS = ("ip", "nsenter", "unshare", "dig", "curl")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}"),
]

NETEMU, CLIENT = "192.168.96.2", "192.168.96.3"
ZONE = "default.svc.cluster.local"


def join(netemu: int, client: int) -> None:
    """Link the two, as the network of the compose file does; and its sysctl."""
    link = ("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0")
    inside(netemu, *link, "netns", str(client))
    for pid, address in ((netemu, NETEMU), (client, CLIENT)):
        inside(pid, "ip", "address", "add", f"{address}/24", "dev", "eth0")
        inside(pid, "ip", "link", "set", "eth0", "up")
    inside(netemu, "sysctl", "-qw", "net.ipv4.ip_forward=1")


def routes() -> list[str]:
    """The ranges the compose file's client routes through netemu."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    script = compose["services"]["client"]["command"][2]
    line = next(line for line in script.splitlines() if line.strip().startswith("for range in "))
    return str(line).strip().removeprefix("for range in ").removesuffix("; do").split()


@pytest.fixture(scope="module")
def places() -> Iterator[tuple[Instance, int]]:
    """The instance and the client's pid."""
    with machine() as netemu, machine() as client:
        join(netemu, client)
        for network in routes():
            inside(client, "ip", "route", "add", network, "via", NETEMU)
        command = ("nsenter", "-t", str(netemu), "-n", sys.executable, "-m", "netemu")
        with instance("compose", options=["--net", "root"], command=command) as cluster:
            for name in ("counter.yaml", "counter-nodeport.yaml"):
                inside(netemu, *kubectl(cluster, "apply", "-f", str(EXAMPLES / name)))
            ready = kubectl(cluster, "wait", "--for=condition=Available", "deployment", "--all")
            inside(netemu, *ready)
            yield cluster, client


def kubectl(cluster: Instance, *words: str) -> tuple[str, ...]:
    return "kubectl", f"--kubeconfig={cluster.state_dir / cluster.name / 'kubeconfig'}", *words


COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def resolver(folder: Path) -> Path:
    """The resolv.conf that the client's container gets by the compose file."""
    client = COMPOSE["services"]["client"]
    file = folder / "resolv.conf"
    file.write_text(
        f"nameserver {client['dns']}\nsearch {' '.join(client['dns_search'])}\n"
        f"options {' '.join(client['dns_opt'])}\n"
    )
    return file


@pytest.mark.parametrize("name", ["counter-np", f"counter-np.{ZONE}"])
def test_the_client_uses_names_as_its_containers_resolver_does(
    places: tuple[Instance, int], tmp_path: Path, name: str
) -> None:
    _, client = places
    script = f"mount --bind {resolver(tmp_path)} /etc/resolv.conf; curl -sf -m 5 {name}:3000"
    assert int(inside(client, "unshare", "--mount", "sh", "-c", script)) > 0


def test_the_compose_file_is_whole() -> None:
    """As far as one can tell without a container runtime."""
    services, networks = COMPOSE["services"], COMPOSE["networks"]
    assert set(services) == {"netemu", "client"}
    for service in services.values():
        assert {"build", "image"} & service.keys()
        assert set(service["networks"]) <= set(networks)
    mounted = [each.split(":")[0] for each in services["netemu"]["volumes"]]
    assert all(each in COMPOSE["volumes"] or (ROOT / each).is_dir() for each in mounted)
    assert (ROOT / services["netemu"]["build"] / "Dockerfile").is_file()
    [subnet] = [each["subnet"] for each in networks["lab"]["ipam"]["config"]]
    gateway = services["netemu"]["networks"]["lab"]["ipv4_address"]
    assert ip_address(gateway) in ip_network(subnet)
    assert f"via {gateway}" in services["client"]["command"][2]
    settings = NetworkSettings()
    assert [ip_network(each) for each in routes()] == [
        settings.services,
        settings.pods,
        settings.nodes,
    ]
    assert services["client"]["dns"] == str(settings.services[10])


def test_the_command_of_the_compose_file_is_one_of_ours() -> None:
    command, *words = COMPOSE["services"]["netemu"]["command"]
    context = up_command.command.make_context(command, words)
    files = [str(each) for each in context.params["files"]]
    assert all((EXAMPLES / Path(each).name).is_file() for each in files)
    assert len(files) == 2
    assert COMPOSE["services"]["netemu"]["healthcheck"]["test"] == ["CMD", "netemu", "status"]


def test_the_client_resolves_names(places: tuple[Instance, int]) -> None:
    _, client = places
    found = inside(client, "dig", "+short", "@10.96.0.10", f"counter-np.{ZONE}")
    assert found.startswith("10.96.")


def test_the_client_reaches_virtual_ips_and_node_ports(
    places: tuple[Instance, int],
) -> None:
    cluster, client = places
    address = inside(client, "dig", "+short", "@10.96.0.10", f"counter-np.{ZONE}").strip()
    for mode in ("userspace", "nftables"):
        cluster.netemu("proxy", "mode", mode)
        for url in (f"http://{address}:3000/", "http://172.30.0.11:31000/"):
            assert int(inside(client, "curl", "-sf", "-m", "5", url)) > 0
