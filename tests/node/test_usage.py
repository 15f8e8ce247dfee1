"""What containers use, from /proc."""

import os
from pathlib import Path

import pytest

from netemu.model.meta import uid_of
from netemu.node.usage import Stat, parse_stat, processes
from tests.support.node import shell, world


@pytest.mark.parametrize(
    ("text", "stat"),
    [
        ("7 (sh) S 3 " + "0 " * 9 + "10 5 2 1 20", Stat(3, 18)),
        ("7 (a) b) (c) S 3 " + "0 " * 9 + "1 1 1 1 20", Stat(3, 4)),
        ("", None),
    ],
)
def test_one_line_of_stat(text: str, stat: Stat | None) -> None:
    assert parse_stat(text) == stat


def test_this_process_is_seen() -> None:
    assert processes()[os.getpid()].parent == os.getppid()


BUSY = "sh -c 'i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done; sleep 100' & wait"


async def test_a_container_is_its_processes_with_all_below_them(tmp_path: Path) -> None:
    async with world(tmp_path) as it:
        await it.run(shell(BUSY))
        await it.run(shell("exec sleep 100"), name="idle")
        await it.ready()
        await it.ready(name="idle")
        usage = await it.agent.usage.pods()
        busy, idle = (usage[uid_of(it.pod(name))].containers["main"] for name in ("web", "idle"))
        assert busy.cpu > 0.05 > idle.cpu
        assert busy.memory > 0
        assert usage[uid_of(it.pod())].window >= 1.0
        again = await it.agent.usage.pods()
        assert again[uid_of(it.pod())].containers == usage[uid_of(it.pod())].containers
