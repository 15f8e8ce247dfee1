import json
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from netemu.api import authority
from netemu.api.authority import ensure_credentials
from netemu.api.credentials import load

NOW = 1_800_000_000.0
DAY = 86400


def make(folder: Path, *hosts: str, now: float = NOW) -> dict[str, bytes]:
    ensure_credentials(folder, hosts=hosts, now=lambda: now)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(certificate: bytes) -> set[str]:
    from cryptography import x509

    loaded = x509.load_pem_x509_certificate(certificate)
    found = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def test_everything_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "pki"
    files = make(folder)
    assert sorted(files) == sorted(
        [
            *(f"{n}.{e}" for n in ("ca", "server", "admin") for e in ("crt", "key")),
            "made.json",
            "sa.key",
        ]
    )
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_server_has_all_the_names_it_goes_by(tmp_path: Path) -> None:
    files = make(tmp_path / "pki", "10.96.0.1", "example.test")
    assert names(files["server.crt"]) == {*authority.ALWAYS, "10.96.0.1", "example.test"}


def test_the_administrator_is_who_a_cluster_expects(tmp_path: Path) -> None:
    from cryptography import x509

    subject = x509.load_pem_x509_certificate(make(tmp_path / "pki")["admin.crt"]).subject
    assert subject.rfc4514_string() == (
        "CN=kubernetes-admin,O=kubeadm:cluster-admins,O=system:masters"
    )


def test_what_is_good_is_kept(tmp_path: Path) -> None:
    first = make(tmp_path / "pki", "a.test")
    assert make(tmp_path / "pki", "a.test", now=NOW + DAY) == first
    assert make(tmp_path / "pki", now=NOW + DAY) == first


def test_another_name_needs_another_certificate_from_the_same_authority(tmp_path: Path) -> None:
    first = make(tmp_path / "pki", "a.test")
    second = make(tmp_path / "pki", "b.test")
    assert second["ca.crt"] == first["ca.crt"]
    assert names(second["server.crt"]) >= {"a.test", "b.test"}


def test_certificates_are_made_anew_before_they_end(tmp_path: Path) -> None:
    first = make(tmp_path / "pki")
    later = make(tmp_path / "pki", now=NOW + (authority.LEAF_DAYS - 20) * DAY)
    assert later["server.crt"] != first["server.crt"]
    assert later["ca.crt"] == first["ca.crt"]
    at_last = make(tmp_path / "pki", now=NOW + (authority.CA_DAYS - 100) * DAY)
    assert at_last["ca.crt"] != first["ca.crt"]


def test_half_a_set_is_made_whole(tmp_path: Path) -> None:
    first = make(tmp_path / "pki")
    (tmp_path / "pki" / "made.json").write_text("{")
    assert make(tmp_path / "pki")["ca.crt"] != first["ca.crt"]


def test_a_forked_child_can_make_them(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from netemu.api.authority import ensure_credentials\n"
        "from netemu.api.credentials import load\n"
        "folder = Path(sys.argv[1])\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    ensure_credentials(folder, hosts=()); os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "load(folder)\n"
        "assert not [name for name in sys.modules if name.startswith('cryptography')]\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "pki")], check=True, timeout=30)


def test_strict_clients_take_the_chain(tmp_path: Path) -> None:
    """Python 3.13 verifies as RFC 5280 says; older ones when told to."""
    folder = tmp_path / "pki"
    ensure_credentials(folder, hosts=())
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*load(folder).server_files)
    client = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert sides[0].getpeercert() is not None
    assert sides[0].version() == "TLSv1.3"


def test_what_was_made_is_written_down(tmp_path: Path) -> None:
    files = make(tmp_path / "pki", "a.test")
    made = json.loads(files["made.json"])
    assert "a.test" in made["hosts"]
    assert made["leaves_end"] == NOW + authority.LEAF_DAYS * DAY


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        ensure_credentials(tmp_path / "file" / "pki", hosts=())
