"""What a pod finds in /dev."""

import os

from netemu.config.settings import NetMode
from netemu.node.spawner.launch import Launched
from tests.support import instance


def run(mode: NetMode, script: str) -> str:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "web")
        return await instance.shell(launched, "web", script)

    return instance.in_instance(mode, body)


def test_there_is_what_any_container_has(isolated: NetMode) -> None:
    told = run(
        isolated,
        "echo x > /dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c;"
        "echo out > /dev/stdout; echo shared > /dev/shm/x; cat /dev/shm/x; ls /dev",
    )
    first, second, *lines = told.split()
    assert (first, second, lines[:2]) == ("4", "4", ["out", "shared"])
    assert {"null", "shm", "pts", "termination-log"} <= set(lines[2:])
    assert not [name for name in lines[2:] if name.startswith(("sd", "vd", "loop", "kvm"))]


def test_what_is_left_there_never_reaches_the_machine(isolated: NetMode) -> None:
    name = f"netemu-test-{os.getpid()}"
    run(isolated, f"echo x > /dev/{name}; echo x > /dev/shm/{name}; echo x > /dev/termination-log")
    assert not os.path.exists(f"/dev/{name}")
    assert not os.path.exists(f"/dev/shm/{name}")
    assert not os.path.exists("/dev/termination-log")
