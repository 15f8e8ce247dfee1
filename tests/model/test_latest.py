import asyncio

from netemu.model.latest import Latest
from netemu.tasks import task_group


async def test_a_listener_knows_before_replace_returns() -> None:
    latest = Latest(1)
    seen: list[int] = []
    end = latest.subscribe(seen.append)
    latest.replace(2)
    assert seen == [2]
    end()
    latest.replace(3)
    assert seen == [2]


async def test_a_change_during_work_is_not_missed() -> None:
    latest = Latest("a")
    seen: list[str] = []

    async def follow() -> None:
        value = "a"
        while value != "c":
            value = await latest.newer_than(value)
            seen.append(value)
            await asyncio.sleep(0)

    async with task_group() as tasks:
        done = tasks.start(follow(), name="follower")
        await asyncio.sleep(0)
        latest.replace("b")
        latest.replace("c")
        await done
    assert seen[-1] == "c"
