"""The commands on made-up machines; the real one is never touched."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netemu.cli import main, resolver_command
from tests.cli.test_resolver_apply import fake_systemctl, tree
from tests.support.daemon import answering

PATH = "/etc/systemd/resolved.conf.d/netemu-default.conf"


@dataclass
class Machine:
    root: Path
    state_dir: Path

    def run(self, *args: str, stdin: str = "") -> Result:
        options = ["--root", str(self.root), "--state-dir", str(self.state_dir)]
        return CliRunner().invoke(main, ["resolver", args[0], *options, *args[1:]], input=stdin)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    root = tmp_path / "root"
    (root / "etc/systemd").mkdir(parents=True)
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.53\n")
    with answering(tmp_path / "state", {}):
        yield Machine(root, tmp_path / "state")


def test_the_lines_are_printed_with_their_place(machine: Machine) -> None:
    result = machine.run("print")
    assert result.stdout == "[Resolve]\nDNS=127.0.0.1:1053\nDomains=~cluster.local\n"
    assert result.stderr == f"for systemd-resolved, in {PATH}:\n"
    other = machine.run("print", "--using", "dnsmasq")
    assert other.stdout == "server=/cluster.local/127.0.0.1#1053\n"


def test_lines_that_cannot_work_are_not_printed(machine: Machine) -> None:
    result = machine.run("print", "--using", "resolv.conf")
    assert result.exit_code == 1
    assert "can only mean port 53" in result.stderr


def test_a_dry_run_says_everything_and_does_nothing(machine: Machine) -> None:
    before = tree(machine.root)
    result = machine.run("install", "--dry-run")
    assert result.stdout.splitlines() == [
        "make the folder /etc/systemd/resolved.conf.d",
        f"write {PATH}:",
        '    # Written by netemu for its instance "default"; folders made for it: 1.',
        "    # To undo: netemu resolver remove --name default",
        "    [Resolve]",
        "    DNS=127.0.0.1:1053",
        "    Domains=~cluster.local",
        "(there is no systemctl here: reload systemd-resolved yourself)",
    ]
    assert result.stderr.splitlines()[0].startswith("note: systemd-resolved will ask")
    assert result.stderr.splitlines()[1:] == ["nothing was changed"]
    assert tree(machine.root) == before


def test_installing_and_removing_leaves_the_machine_as_it_was(machine: Machine) -> None:
    program = fake_systemctl(machine.root)
    before = tree(machine.root)
    done = machine.run("install", "--yes")
    assert done.exit_code == 0
    assert "run systemctl reload-or-restart systemd-resolved" in done.stdout
    assert done.stderr.splitlines()[1:] == [
        "systemd-resolved asks 127.0.0.1:1053 for cluster.local now"
    ]
    assert machine.run("install", "--yes").stderr == (
        "systemd-resolved asks 127.0.0.1:1053 already; nothing to change\n"
    )
    assert machine.run("remove", "--yes").exit_code == 0
    assert machine.run("remove").stderr == 'nothing on this machine asks instance "default"\n'
    log = Path(f"{program}.log")
    assert log.read_text() == "reload-or-restart systemd-resolved\n" * 2
    log.unlink()
    assert tree(machine.root) == before


@pytest.mark.parametrize(("said", "done"), [("y\n", True), ("n\n", False), ("", False)])
def test_nothing_happens_without_a_yes(machine: Machine, said: str, done: bool) -> None:
    before = tree(machine.root)
    result = machine.run("install", stdin=said)
    assert "Do this? [y/N]:" in result.stderr
    assert (result.exit_code == 0) is done
    assert (tree(machine.root) != before) is done


def test_status_says_who_resolves_and_whom_he_asks(machine: Machine) -> None:
    assert machine.run("status").stdout.splitlines() == [
        "names on this machine are resolved by systemd-resolved",
        "nothing on this machine asks an instance",
    ]
    machine.run("install", "--yes")
    assert machine.run("status").stdout.splitlines()[1:] == [
        f'{PATH} leads cluster.local to instance "default" at 127.0.0.1:1053: it runs'
    ]
    (row,) = json.loads(machine.run("status", "-o", "json").stdout)["installed"]
    assert (row["resolver"], row["server"]) == ("systemd-resolved", "127.0.0.1:1053")


def test_status_notices_another_port_and_an_instance_that_is_down(
    machine: Machine, tmp_path: Path
) -> None:
    machine.run("install", "--yes")
    with answering(tmp_path / "other", {}, dns="127.0.0.1:40000"):
        moved = Machine(machine.root, tmp_path / "other")
        assert "it runs, but answers at 127.0.0.1:40000: install again" in (
            moved.run("status").stdout
        )
    assert "it doesn't run" in moved.run("status").stdout


def test_another_zone_is_taken_from_the_instance(machine: Machine, tmp_path: Path) -> None:
    with answering(tmp_path / "other", {}, zone="lab.internal"):
        other = Machine(machine.root, tmp_path / "other")
        assert "Domains=~lab.internal\n" in other.run("print").stdout


def test_a_failure_undoes_what_was_begun(machine: Machine) -> None:
    (machine.root / "etc/systemd/resolved.conf.d").mkdir()
    (machine.root / PATH[1:]).mkdir()
    result = machine.run("install", "--yes")
    assert result.exit_code == 1
    assert "cannot look at the resolver" in result.stderr


def test_a_service_that_does_not_reload_is_told(machine: Machine) -> None:
    fake_systemctl(machine.root, "exit 1")
    result = machine.run("install", "--yes")
    assert result.exit_code == 1
    assert "all is written, but not yet heeded" in result.stderr


def test_the_real_machine_takes_root(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As if the made-up root were the machine's own; the check comes before anything is done."""
    monkeypatch.setattr(resolver_command, "ROOT", machine.root.resolve())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("sys.argv", ["/opt/bin/netemu", "resolver", "install"])
    before = tree(machine.root)
    result = machine.run("install", "--yes")
    assert result.exit_code == 1
    assert result.stderr.endswith(
        "netemu: this takes root; run: sudo /opt/bin/netemu resolver install "
        f"--state-dir {machine.state_dir}\n"
    )
    assert tree(machine.root) == before
