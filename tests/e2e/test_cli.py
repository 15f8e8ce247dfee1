"""The command line as a user meets it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import netemu
from netemu.cli import COMMANDS
from netemu.testing import Instance

pytestmark = pytest.mark.e2e

NETEMU = [sys.executable, "-m", "netemu"]


def run(*words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*NETEMU, *words], env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def test_help_lists_every_command() -> None:
    shown = run("--help").stdout
    for name, purpose in COMMANDS.items():
        assert name in shown
        assert purpose.split()[0] in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0
    assert f"netemu {name}" in done.stdout


def test_wrong_usage_ends_with_2() -> None:
    assert run("nope").returncode == 2
    assert run("up", "--nope").returncode == 2
    assert run("exec").returncode == 2
    done = run("status", "--name", "NOT/A/NAME")
    assert done.returncode == 2
    assert "is no name for an instance" in done.stderr


def test_version_tells_ours_and_kubernetes() -> None:
    facts = json.loads(run("version", "-o", "json").stdout)
    assert facts["netemu"] == netemu.__version__
    assert facts["kubernetes"].startswith("v1.32")
    assert run("--version").stdout.strip() == netemu.__version__


def test_version_tells_the_daemons_too(netemu_cluster: Instance) -> None:
    facts = json.loads(netemu_cluster.netemu("version", "-o", "json").stdout)
    assert facts["daemon"] == netemu.__version__


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_complete(shell: str) -> None:
    script = run("completion", shell)
    assert script.returncode == 0
    assert "_NETEMU_COMPLETE" in script.stdout


def test_completion_answers_with_commands() -> None:
    answered = run(_NETEMU_COMPLETE="bash_complete", COMP_WORDS="netemu st", COMP_CWORD="1")
    assert "plain,status" in answered.stdout


def test_ls_of_nothing_says_how_to_begin(tmp_path: Path) -> None:
    done = run("ls", "--state-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    assert "netemu up" in done.stderr
    assert json.loads(run("ls", "--state-dir", str(tmp_path), "-o", "json").stdout) == []


def test_ls_shows_a_row_for_each(netemu_cluster: Instance) -> None:
    shown = netemu_cluster.netemu("ls").stdout.splitlines()
    assert shown[0].split() == ["NAME", "STATUS", "PID", "NET", "API", "DNS"]
    assert shown[1].split()[:3] == ["shared", "ready", str(netemu_cluster.facts["pid"])]


def test_kubeconfig_is_what_kubectl_takes(netemu_cluster: Instance, tmp_path: Path) -> None:
    copy = tmp_path / "config"
    copy.write_text(netemu_cluster.netemu("kubeconfig").stdout)
    shown = netemu_cluster.kubectl("--kubeconfig", str(copy), "get", "nodes", "-o", "name")
    assert shown.split() == ["node/node-1", "node/node-2"]
    path = netemu_cluster.netemu("kubeconfig", "--path").stdout.strip()
    assert path == netemu_cluster.env["KUBECONFIG"]


def test_a_shell_is_inside_and_says_so(netemu_cluster: Instance) -> None:
    done = subprocess.run(
        [*NETEMU, "shell", "--from", "node:node-2"],
        env={**netemu_cluster.env, "SHELL": "/bin/sh"},
        input='echo "$NETEMU_INSIDE"; hostname; exit 3\n',
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["shared:node:node-2", "node-2"]
    assert done.returncode == 3


@pytest.mark.parametrize("bare", [False, True], ids=["with clients", "without any client"])
def test_the_demo_shows_itself_and_cleans_up(tmp_path: Path, bare: bool) -> None:
    env = {"TMPDIR": str(tmp_path)}
    if bare:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "sh").symlink_to("/bin/sh")
        env["PATH"] = str(tmp_path / "bin")
    done = run("demo", **env)
    assert done.returncode == 0, done.stderr
    for text in ("first answer after", "pod/counter-", "10.96.", "nothing left behind"):
        assert text in done.stdout
    counts = next(line for line in done.stdout.splitlines() if line.startswith("1 2 3"))
    assert counts == "1 2 3 4"
    assert [path.name for path in tmp_path.iterdir() if path.name != "bin"] == []
