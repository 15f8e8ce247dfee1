import asyncio

from netemu.api.duplex import Backlog
from netemu.tasks import task_group


async def test_what_is_added_is_taken_in_order() -> None:
    backlog: Backlog[int] = Backlog(10)
    for number in range(3):
        await backlog.add(number)
    backlog.end()
    assert [await backlog.take() for _ in range(4)] == [0, 1, 2, None]


async def test_who_adds_too_much_waits_until_something_is_taken() -> None:
    backlog: Backlog[bytes] = Backlog(4)
    await backlog.add(b"12345", 5)
    async with task_group() as tasks:
        adding = tasks.start(backlog.add(b"6", 1), name="add")
        await asyncio.sleep(0)
        assert not adding.done()
        assert await backlog.take() == b"12345"
        await adding
    assert await backlog.take() == b"6"


async def test_who_takes_waits_until_something_is_added() -> None:
    backlog: Backlog[int] = Backlog(4)
    async with task_group() as tasks:
        taking = tasks.start(backlog.take(), name="take")
        await asyncio.sleep(0)
        await backlog.add(1)
        assert await taking == 1


async def test_after_the_end_nobody_waits() -> None:
    backlog: Backlog[int] = Backlog(1)
    await backlog.add(1)
    async with task_group() as tasks:
        adding = tasks.start(backlog.add(2), name="add")
        await asyncio.sleep(0)
        backlog.end(discard=True)
        await adding
    assert await backlog.take() is None
