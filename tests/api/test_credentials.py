import base64
import os
import stat
from pathlib import Path

import yaml

from netemu.api.authority import ensure_credentials
from netemu.api.credentials import kubeconfig, load, write_kubeconfig

NOW = 1_800_000_000.0
DAY = 86400


def make(folder: Path, *hosts: str, now: float = NOW) -> dict[str, bytes]:
    ensure_credentials(folder, hosts=hosts, now=lambda: now)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_kubeconfig_has_all_a_client_needs(tmp_path: Path) -> None:
    make(tmp_path / "pki")
    found = load(tmp_path / "pki")
    config = yaml.safe_load(kubeconfig(found, "https://127.0.0.1:6443", "default"))
    assert config["current-context"] == "netemu"
    cluster = config["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.0.0.1:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == found.ca
    user = config["users"][0]["user"]
    assert base64.b64decode(user["client-key-data"]) == found.admin_key
    assert yaml.safe_load(kubeconfig(found, "https://x", "two"))["current-context"] == "netemu-two"


def test_the_kubeconfig_is_replaced_whole_and_is_its_owners(tmp_path: Path) -> None:
    make(tmp_path / "pki")
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    os.chmod(path, 0o644)
    write_kubeconfig(path, load(tmp_path / "pki"), server="https://x", name="default")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("apiVersion: v1\nkind: Config\n")
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []
