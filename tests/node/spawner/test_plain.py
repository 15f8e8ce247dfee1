"""Loopback mode: pods share everything, and still end completely."""

import os
import time
from pathlib import Path

from netemu.config.settings import NetMode
from netemu.node.spawner import plain
from netemu.node.spawner.launch import Launched
from tests.support import instance

FAMILY = {2: 1, 3: 2, 4: 3, 5: 1, 6: 9}


def test_a_tree_is_all_descendants() -> None:
    assert plain._tree(FAMILY, 2) == {3, 4}
    assert plain._tree(FAMILY, 1) == {2, 3, 4, 5}
    assert plain._tree(FAMILY, 4) == set()


def sleepers() -> int:
    """How many processes sleep for a time nobody else chose."""
    commands = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            commands.append(Path(f"/proc/{pid}/cmdline").read_bytes())
        except OSError:
            continue
    return commands.count(b"sleep\x00316.27\x00")


def test_what_slipped_away_from_its_parents_ends_with_its_pod_and_no_other() -> None:
    async def body(launched: Launched) -> tuple[int, int]:
        for name in ("one", "two"):
            await instance.add_pod(launched, name)
            script = "(setsid sh -c 'sleep 316.27 & wait' &) ; exit 0"
            await (await instance.start(launched, name, "/bin/sh", "-c", script)).wait()
        deadline = time.monotonic() + 5
        while (before := sleepers()) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        await launched.runtime.remove_sandbox("one")
        return before, sleepers()

    assert instance.in_instance(NetMode.LOOPBACK, body) == (2, 1)
    assert sleepers() == 0


def test_pods_are_told_apart_by_their_environment() -> None:
    async def body(launched: Launched) -> str:
        await instance.add_pod(launched, "one")
        return await instance.shell(launched, "one", f"echo ${plain.MARK}")

    assert instance.in_instance(NetMode.LOOPBACK, body) == "one\n"
