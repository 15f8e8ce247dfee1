import asyncio

from netemu.node.deadline import deadline
from netemu.tasks import task_group
from tests.support.clock import FakeClock


async def test_a_deadline_counts_by_the_clock() -> None:
    clock, ends = FakeClock(), list[str]()

    async def wait() -> None:
        try:
            async with deadline(clock, 5.0):
                await asyncio.Event().wait()
        except TimeoutError:
            ends.append("timed out")

    async with task_group() as tasks:
        tasks.start(wait(), name="waits")
        await clock.advance(4.9)
        assert ends == []
        await clock.advance(0.1)
        assert ends == ["timed out"]


async def test_a_block_that_ends_in_time_ends_well() -> None:
    clock = FakeClock()
    async with deadline(clock, 5.0):
        await asyncio.sleep(0)
    await clock.advance(10.0)
