import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netemu.cli.resolver_apply import ReloadFailed, apply, observe, systemctl_of
from netemu.cli.resolver_machine import FOLDERS, Way, detect
from netemu.cli.resolver_plan import (
    Action,
    MakeFolder,
    Reload,
    RemoveFile,
    Server,
    WriteFile,
    install,
    remove,
)

SERVER = Server("default", "127.0.0.1", 53, "cluster.local")


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below `root`: mode, and content of files."""
    return {
        str(path.relative_to(root)): (
            stat.S_IMODE(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in root.rglob("*")
    }


def fake_systemctl(root: Path, script: str = 'echo "$@" >> "$0.log"') -> Path:
    program = root / "usr/bin/systemctl"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_the_machine_is_observed(tmp_path: Path) -> None:
    (tmp_path / "etc/NetworkManager/conf.d").mkdir(parents=True)
    (tmp_path / "etc/NetworkManager/NetworkManager.conf").write_text("[main]\ndns=none\n")
    (tmp_path / "etc/NetworkManager/conf.d/dns.conf").write_text("[main]\ndns=dnsmasq\n")
    (tmp_path / "etc/NetworkManager/conf.d/dns.txt").write_text("[main]\ndns=other\n")
    (tmp_path / "etc/resolv.conf").write_text("nameserver 127.0.1.1\n")
    machine = observe(tmp_path)
    assert machine.resolv_conf == b"nameserver 127.0.1.1\n"
    assert machine.folders == {"/etc", "/etc/NetworkManager"}
    assert detect(machine) is Way.DNSMASQ


def test_a_link_is_observed_even_if_it_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    link = tmp_path / "etc/resolv.conf"
    link.symlink_to("../run/systemd/resolve/stub-resolv.conf")
    machine = observe(tmp_path)
    assert machine.resolv_conf is None
    assert machine.link == "../run/systemd/resolve/stub-resolv.conf"


def test_a_replaced_file_keeps_its_mode_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    apply([WriteFile("/file", b"new")], tmp_path, None)
    assert tree(tmp_path) == {"file": (0o640, b"new")}


def test_what_was_begun_is_undone_when_something_fails(tmp_path: Path) -> None:
    (tmp_path / "gone").write_text("was here")
    (tmp_path / "old").write_text("old")
    before = tree(tmp_path)
    actions: list[Action] = [
        MakeFolder("/made"),
        WriteFile("/made/file", b"x"),
        WriteFile("/old", b"new"),
        RemoveFile("/gone"),
        WriteFile("/nowhere/file", b"x"),
    ]
    with pytest.raises(FileNotFoundError):
        apply(actions, tmp_path, None)
    assert tree(tmp_path) == before


def test_the_service_is_reloaded(tmp_path: Path) -> None:
    program = fake_systemctl(tmp_path)
    assert systemctl_of(tmp_path) == str(program)
    apply([Reload("systemd-resolved")], tmp_path, str(program))
    assert Path(f"{program}.log").read_text() == "reload-or-restart systemd-resolved\n"


def test_a_service_that_does_not_reload_is_told(tmp_path: Path) -> None:
    program = fake_systemctl(tmp_path, "echo Unit not found >&2; exit 5")
    with pytest.raises(ReloadFailed, match="systemd-resolved: Unit not found"):
        apply([Reload("systemd-resolved")], tmp_path, str(program))


def test_another_root_never_uses_the_machines_systemctl(tmp_path: Path) -> None:
    assert systemctl_of(tmp_path) is None
    apply([Reload("systemd-resolved")], tmp_path, None)


FILES = st.sampled_from(
    [
        f"{FOLDERS[Way.RESOLVED]}/mine.conf",
        f"{FOLDERS[Way.DNSMASQ]}/mine.conf",
        f"{FOLDERS[Way.DNSMASQ]}/netemu-other.conf",
        "/etc/systemd/resolved.conf",
        "/etc/resolv.conf",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(FILES, st.binary(max_size=80)), st.sampled_from(Way), st.booleans())
def test_removing_what_was_installed_restores_the_machine(
    files: dict[str, bytes], way: Way, again: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "etc").mkdir()
        for path, content in files.items():
            place = root / path.removeprefix("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        before = tree(root)
        apply(install(observe(root), way, SERVER), root, None)
        assert tree(root) != before
        assert install(observe(root), way, SERVER) == []
        if again:  # a second time, with another port where that can be
            port = 53 if way is Way.RESOLV_CONF else 1053
            moved = Server("default", "127.0.0.2", port, "cluster.local")
            apply(install(observe(root), way, moved), root, None)
        apply(remove(observe(root), "default"), root, None)
        assert tree(root) == before
        assert remove(observe(root), "default") == []
