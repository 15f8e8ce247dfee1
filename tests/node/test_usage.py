"""What containers use, from /proc."""

from pathlib import Path

from netemu.model.meta import uid_of
from tests.support.node import shell, world

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
