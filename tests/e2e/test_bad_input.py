"""Whatever is wrong gets one clear line, loses nothing, and leaves the daemon up."""

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from netemu.api.credentials import load
from netemu.testing import Instance, instance

pytestmark = pytest.mark.e2e

SEEDS = Path(__file__).parents[1] / "seeds"
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must"
    " start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for"
    " validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.',"
    " and must start and end with an alphanumeric character (e.g. 'example.com', regex used for"
    " validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
REFUSED = [
    (
        "deployment-v1beta1.yaml",
        ['no matches for kind "Deployment" in version "apps/v1beta1"', "ensure CRDs are installed"],
    ),
    (
        "deployment-names.yaml",
        [
            'The Deployment "hoonDeployment" is invalid:',
            f'* metadata.name: Invalid value: "hoonDeployment": {SUBDOMAIN}',
            "* spec.selector: Required value",
            "`selector` does not match template `labels`",
            f'* spec.template.spec.containers[0].name: Invalid value: "hoonContainer": {LABEL}',
        ],
    ),
    (
        "statefulset-misplaced.yaml",
        ['strict decoding error: unknown field "volumeCliamTemplates"'],
    ),
    (
        "deployment-typos.yaml",
        [
            'strict decoding error: unknown field "spec.minReadySecond"',
            'unknown field "spec.template.spec.containers[0].readinessProbe.httpGrt"',
        ],
    ),
]


@pytest.mark.parametrize(("file", "said"), REFUSED, ids=[file for file, _ in REFUSED])
def test_a_bad_manifest_gets_the_answer_of_a_real_cluster(
    netemu_cluster: Instance, file: str, said: list[str]
) -> None:
    done = netemu_cluster.run("kubectl", "apply", "-f", str(SEEDS / "bad" / file), check=False)
    assert done.returncode == 1
    for text in said:
        assert text in done.stderr


def test_validation_can_be_turned_down(netemu_cluster: Instance) -> None:
    file = str(SEEDS / "bad" / "statefulset-misplaced.yaml")
    words = ("kubectl", "apply", "--dry-run=server", "-f", file)
    warned = netemu_cluster.run(*words, "--validate=warn")
    assert 'Warning: unknown field "volumeCliamTemplates"' in warned.stderr
    ignored = netemu_cluster.run(*words, "--validate=ignore")
    assert "unknown field" not in ignored.stderr


def fails(*words: str, env: dict[str, str] | None = None) -> str:
    """The one line that netemu says when it refuses."""
    done = subprocess.run(
        [sys.executable, "-m", "netemu", *words],
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("netemu: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_up_twice_says_that_it_runs(netemu_cluster: Instance) -> None:
    said = fails("up", "--detach", env=netemu_cluster.env)
    assert f'instance "shared" is already running (pid {netemu_cluster.facts["pid"]})' in said
    alive(netemu_cluster)


def alive(cluster: Instance) -> None:
    assert "default" in cluster.kubectl("get", "namespaces")


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for setting in ("api", "dns"):
            config = tmp_path / "netemu.yaml"
            config.write_text(f"{setting}: {{port: {port}}}")
            said = fails("up", "-d", "--state-dir", str(tmp_path / "s"), "--config", str(config))
            assert f"cannot listen on 127.0.0.1:{port}" in said
            assert "Address already in use" in said


def test_a_state_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = fails("up", "-d", "--state-dir", str(tmp_path / "file" / "x"))
    assert f"cannot use state folder {tmp_path / 'file' / 'x' / 'default'}: Not a directory" in said
    said = fails("up", "-d", "--state-dir", "/proc/nowhere")
    assert "cannot use state folder /proc/nowhere/default" in said


def test_a_damaged_store_is_said_and_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "default"
    home.mkdir()
    (home / "store.db").write_bytes(b"not a store" * 1000)
    said = fails("up", "-d", "--state-dir", str(tmp_path))
    assert "cannot use the store" in said
    assert (home / "store.db").read_bytes() == b"not a store" * 1000


def test_manifests_that_cannot_be_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    good = tmp_path / "a.yaml"
    good.write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    bad = tmp_path / "b.yaml"
    cases = [
        ("a: [", "is not YAML"),
        ("kind: Pod", "every object needs apiVersion and kind"),
        ("apiVersion: v9\nkind: Pod", 'no matches for kind "Pod" in version "v9"'),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nsped: {}", 'unknown field "sped"'),
    ]
    with instance("manifests") as cluster:
        for content, said in cases:
            bad.write_text(content)
            cluster.down()
            done = cluster.netemu("up", "-d", "-f", str(good), "-f", str(bad), check=False)
            assert done.returncode == 1
            assert said in done.stderr
            assert "b.yaml" in done.stderr
            assert json.loads(cluster.netemu("status", "-o", "json").stdout)["ready"]
            names = [each["metadata"]["name"] for each in cluster.get("configmaps")["items"]]
            assert names == ["kube-root-ca.crt"]


@contextmanager
def api(cluster: Instance) -> Iterator[ssl.SSLSocket]:
    credentials = load(Path(cluster.facts["home"]) / "pki")
    context = ssl.create_default_context(cafile=str(credentials.ca_file))
    context.load_cert_chain(*credentials.admin_files)
    host, _, port = cluster.facts["api"].removeprefix("https://").rpartition(":")
    with (
        socket.create_connection((host, int(port)), 10) as plain,
        closing(context.wrap_socket(plain, server_hostname="localhost")) as secured,
    ):
        yield secured


def exchange(cluster: Instance, request: bytes) -> bytes:
    with api(cluster) as sock:
        sock.sendall(request)
        return sock.recv(65536)


def test_a_body_of_100_mb_is_refused_without_being_read(netemu_cluster: Instance) -> None:
    head = (
        b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/json\r\nContent-Length: 104857600\r\n\r\n"
    )
    reply = exchange(netemu_cluster, head + b"{" * 65536)
    assert reply.startswith(b"HTTP/1.1 413")
    assert b'"reason":"RequestEntityTooLarge"' in reply
    alive(netemu_cluster)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"kind":', b"application/json"),
        (b"[1,2]", b"application/json"),
        (b"a: [", b"application/yaml"),
        (b"\xff\xfe", b"application/json"),
        (b"[" * 5000, b"application/json"),
        (b"", b"application/json"),
    ],
)
def test_a_malformed_body_is_a_bad_request(
    netemu_cluster: Instance, body: bytes, kind: bytes
) -> None:
    reply = exchange(
        netemu_cluster,
        b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Type: "
        + kind
        + f"\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body,
    )
    assert reply.startswith(b"HTTP/1.1 400")
    assert b'"kind":"Status"' in reply
    alive(netemu_cluster)


def test_garbage_on_the_ports_harms_nobody(netemu_cluster: Instance) -> None:
    host, _, port = netemu_cluster.facts["api"].removeprefix("https://").rpartition(":")
    dns_host, _, dns_port = netemu_cluster.facts["dns"].rpartition(":")
    junk = [b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\x16\x03\x01\xff\xff" + b"x" * 100, b""]
    for piece in junk:
        for target in ((host, int(port)), (dns_host, int(dns_port))):
            with socket.create_connection(target, 5) as sock:
                sock.sendall(piece)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(piece, (dns_host, int(dns_port)))
    assert exchange(netemu_cluster, b"\x00\xff garbage\r\n\r\n").startswith(b"HTTP/1.")
    alive(netemu_cluster)
    asked = netemu_cluster.run(
        "dig", "+short", f"@{dns_host}", "-p", dns_port, "kubernetes.default.svc.cluster.local"
    )
    assert asked.stdout.strip()


def test_a_command_for_an_instance_that_is_down_says_how_to_start_it(tmp_path: Path) -> None:
    for words in (["status"], ["env"], ["exec", "--", "true"]):
        done = subprocess.run(
            [sys.executable, "-m", "netemu", words[0], "--state-dir", str(tmp_path), *words[1:]],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 3
        assert "not running; start it with: netemu up" in done.stderr
