"""`netemu resolver` for real: what it writes is read by a real dnsmasq and by glibc."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netemu.testing import Instance, instance

pytestmark = pytest.mark.e2e

WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: none}, ports: [{port: 80}]}
"""
NAME = "web.default.svc.cluster.local"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Instance]:
    with instance("resolver", options=["--net", "rootless"]) as made:
        made.apply(WEB)
        made.wait_for(lambda: mirror(made), what="the host's address of the Service")
        yield made


def mirror(cluster: Instance) -> str:
    """What the instance itself tells the host."""
    host, port = cluster.facts["dns"].split(":")
    asked = ["dig", f"@{host}", "-p", port, "+short", NAME]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def a_machine(folder: Path, kind: str) -> Path:
    """A root folder as on a machine of that kind."""
    root = folder / "root"
    (root / "etc/NetworkManager/conf.d").mkdir(parents=True)
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    if kind == "dnsmasq":
        (root / "etc/NetworkManager/conf.d/dns.conf").write_text("[main]\ndns=dnsmasq\n")
    return root


def files(root: Path) -> dict[str, str]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_text() for path in found}


@contextmanager
def dnsmasq(folder: Path) -> Iterator[int]:
    """A dnsmasq that reads the files in a folder, as NetworkManager's does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    options = ["--no-resolv", "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces"]
    options += [f"--port={port}", f"--conf-dir={folder}", "--conf-file=/dev/null", "--pid-file="]
    process = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--user=root", *options])
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


def test_dnsmasq_asks_the_instance_until_it_is_taken_out(cluster: Instance, tmp_path: Path) -> None:
    if not shutil.which("dnsmasq"):
        pytest.skip("dnsmasq isn't installed")
    root = a_machine(tmp_path, "dnsmasq")
    before = files(root)
    said = cluster.netemu("resolver", "install", "--root", str(root), "--dry-run").stdout
    assert files(root) == before
    assert f"write /etc/NetworkManager/dnsmasq.d/netemu-{cluster.name}.conf:" in said
    cluster.netemu("resolver", "install", "--root", str(root), "--yes")
    status = cluster.netemu("resolver", "status", "--root", str(root)).stdout
    assert 'leads cluster.local to instance "resolver"' in status
    assert status.strip().endswith("it runs")
    with dnsmasq(root / "etc/NetworkManager/dnsmasq.d") as port:
        asked = ["dig", "@127.0.0.1", "-p", str(port), "+short", NAME]
        cluster.wait_for(lambda: cluster.run(*asked).stdout.strip() == mirror(cluster))
    cluster.netemu("resolver", "remove", "--root", str(root), "--yes")
    assert files(root) == before


NEEDS_ROOT = os.geteuid() != 0


def test_glibc_asks_the_instance_by_the_line_in_resolv_conf(tmp_path: Path) -> None:
    """Only port 53 can be named there; in a mount namespace of its own."""
    root = a_machine(tmp_path, "resolv.conf")
    mode = "rootless" if NEEDS_ROOT else "root"
    with instance("resolv-conf", options=["--net", mode]) as made:
        made.apply(WEB)
        options = ["--root", str(root), "--using", "resolv.conf"]
        if not made.facts["resolver"]:
            refused = made.netemu("resolver", "install", *options, "--yes", check=False)
            assert refused.returncode == 1
            assert "can only mean port 53" in refused.stderr
            return
        made.wait_for(lambda: mirror(made))
        before = files(root)
        made.netemu("resolver", "install", *options, "--yes")
        script = f"mount --bind {root}/etc/resolv.conf /etc/resolv.conf && exec getent hosts {NAME}"
        found = made.run("unshare", "--mount", "sh", "-c", script).stdout
        assert found.split() == [mirror(made), NAME]
        made.netemu("resolver", "remove", "--root", str(root), "--yes")
        assert files(root) == before


NETS = ["root", "rootless"] if os.geteuid() == 0 else ["rootless"]


@pytest.mark.parametrize("net", NETS)
def test_a_resolv_conf_leads_to_port_53_whatever_port_was_free(net: str, tmp_path: Path) -> None:
    """Root answers at the host's address of the DNS Service, too; others say what can be done."""
    root, port = a_machine(tmp_path, "resolv.conf"), free_port()
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"dns: {{port: {port}}}\n")
    with instance(f"port-{net}", options=["--net", net, "--config", str(settings)]) as made:
        made.apply(WEB)
        told = made.wait_for(lambda: mirror(made), what="the host's address of the Service")
        command = ["resolver", "print", "--using", "resolv.conf", "--root", str(root)]
        printed = made.netemu(*command, check=False)
        if net == "rootless":
            assert f"answers DNS on port {port}" in printed.stderr
            return
        (server,) = printed.stdout.split()[1:]
        for transport in ("+notcp", "+tcp"):
            asked = ["dig", f"@{server}", transport, "+short", NAME]
            answer = subprocess.run(asked, capture_output=True, text=True, check=True)
            assert answer.stdout.strip() == told


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
