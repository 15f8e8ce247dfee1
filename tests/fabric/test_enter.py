"""A process outside gets into an instance's namespaces, as `netemu exec` does."""

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from netemu.config.settings import NetMode
from netemu.fabric.enter import Entrance, enter
from netemu.node.spawner.launch import Launched
from tests.support import instance

SHELL = "/bin/sh"


@pytest.fixture(params=[NetMode.ROOT, NetMode.ROOTLESS])
def mode(request: pytest.FixtureRequest) -> NetMode:
    mode: NetMode = request.param
    if not instance.possible(mode):
        pytest.skip(f"{mode} isn't possible here")
    return mode


async def tell(launched: Launched) -> dict[str, Any]:
    """Two pods, one with a container; the ways into them and into the cluster's network."""
    for name in ("busy", "idle"):
        await instance.add_pod(launched, name, files={"/etc/resolv.conf": f"search {name}\n"})
    process = await instance.start(launched, "busy", "sleep", "300")
    runtime = launched.runtime
    own = await runtime.entrance(None, {"/etc/resolv.conf": "search cluster\n"})
    again = await runtime.entrance(None, {"/etc/resolv.conf": "search cluster\n"})
    return {
        "busy": asdict(await runtime.entrance("busy")),
        "idle": asdict(await runtime.entrance("idle")),
        "cluster": asdict(own),
        "same": own == again,
        "network": os.readlink("/proc/thread-self/ns/net"),
        "pid": process.pid,
    }


def execute(entrance: dict[str, Any], script: str) -> tuple[str, int]:
    """What a command prints that a process entered for, and that process' exit status."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(writer, 1)
            enter(Entrance(**entrance))
            os.execv(SHELL, [SHELL, "-c", script])
        finally:
            os._exit(125)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode()
    return text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def with_daemon(mode: NetMode, look: Callable[[dict[str, Any]], Any]) -> Any:
    def on_host() -> Any:
        daemon = instance.start_daemon(instance.settings(mode), tell)
        try:
            return look(daemon.told)
        finally:
            daemon.stop()

    return instance.on_host(mode, on_host)


def test_into_a_container(mode: NetMode) -> None:
    """With its network, name, files and processes."""
    script = "hostname; cat /etc/resolv.conf; grep -c : /proc/net/dev; cat /proc/1/cmdline; exit 7"
    text, code = with_daemon(mode, lambda told: execute(told["busy"], script))
    assert text == "busy\nsearch busy\n2\nsleep\x00300\x00"
    assert code == 7


def test_into_a_pod_without_a_container(mode: NetMode) -> None:
    script = "hostname; cat /etc/resolv.conf; grep -c : /proc/net/dev; exit 3"
    assert with_daemon(mode, lambda told: execute(told["idle"], script)) == (
        "idle\nsearch idle\n2\n",
        3,
    )


def test_into_the_clusters_own_network(mode: NetMode) -> None:
    def look(told: dict[str, Any]) -> tuple[str, str]:
        script = "cat /etc/resolv.conf; readlink /proc/self/ns/net"
        return execute(told["cluster"], script)[0], f"search cluster\n{told['network']}\n"

    seen, expected = with_daemon(mode, look)
    assert seen == expected


def test_the_way_into_the_cluster_is_made_once(mode: NetMode) -> None:
    assert with_daemon(mode, lambda told: told["same"])


def test_the_working_directory_stays(mode: NetMode) -> None:
    def look(told: dict[str, Any]) -> str:
        os.chdir("/usr/lib")
        return execute(told["idle"], "pwd")[0]

    assert with_daemon(mode, look) == "/usr/lib\n"


def test_a_command_ended_by_a_signal_gives_a_shells_exit_code(mode: NetMode) -> None:
    assert with_daemon(mode, lambda told: execute(told["busy"], "kill -KILL $$")[1]) == 137


def test_signals_are_passed_on(mode: NetMode) -> None:
    def look(told: dict[str, Any]) -> int:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.dup2(writer, 1)
                enter(Entrance(**told["busy"]))
                script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"
                os.execv(SHELL, [SHELL, "-c", script])
            finally:
                os._exit(125)
        os.read(reader, 10)
        os.kill(pid, signal.SIGTERM)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert with_daemon(mode, look) == 9


def test_a_command_ends_with_the_container_it_is_beside(mode: NetMode) -> None:
    def look(told: dict[str, Any]) -> int:
        # Out here nobody but the user itself may kill the container, which a child then does, once
        # the command says by a file that it runs.
        with tempfile.TemporaryDirectory() as folder:
            runs = Path(folder, "runs")
            killer = os.fork()
            if killer == 0:
                while not runs.exists():
                    time.sleep(0.01)
                os.kill(told["pid"], signal.SIGKILL)
                os._exit(0)
            _, code = execute(told["busy"], f": > {runs}; sleep 30")
            os.waitpid(killer, 0)
        return code

    assert with_daemon(mode, look) == 137


def test_a_pod_that_has_gone_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        enter(Entrance(namespaces={"net": "/proc/0/ns/net"}))


def test_in_loopback_mode_it_is_the_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body(launched: Launched) -> Entrance:
        await instance.add_pod(launched, "web")
        assert await launched.runtime.entrance(None) == Entrance()
        return await launched.runtime.entrance("web")

    entrance = instance.in_instance(NetMode.LOOPBACK, body)
    monkeypatch.setenv("POD_IP", "")
    monkeypatch.setenv("HOST", "")
    enter(entrance)
    assert os.environ["POD_IP"] == os.environ["HOST"]
    assert os.environ["POD_IP"].startswith("127.")


def test_asking_for_a_sandbox_that_does_not_exist_is_refused(mode: NetMode) -> None:
    async def body(launched: Launched) -> bool:
        with pytest.raises(FileNotFoundError):
            await launched.runtime.entrance("nope")
        return True

    assert instance.in_instance(mode, body)
