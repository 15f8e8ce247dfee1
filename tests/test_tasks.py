import asyncio

import pytest

from netemu.tasks import run_all, task_group


async def test_leaving_the_group_ends_its_tasks() -> None:
    ended = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with task_group() as tasks:
        tasks.start(forever(), name="forever")
        await asyncio.sleep(0)
    assert ended.is_set()


async def test_the_first_to_fail_brings_the_others_down() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await run_all({"one": forever(), "two": fail()})
    assert [str(error) for error in caught.value.exceptions] == ["broken"]
