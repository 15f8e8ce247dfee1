import asyncio

from netemu.node.taps import TAP_LIMIT, Tap
from netemu.tasks import task_group


class Source:
    def __init__(self) -> None:
        self.resumed = 0
        self.left: list[Tap] = []
        self.tap = Tap(self._resume, self.left.append)

    def _resume(self) -> None:
        self.resumed += 1


async def test_what_is_fed_is_read_in_order() -> None:
    tap = Source().tap
    async with task_group() as tasks:
        task = tasks.start(tap.read(), name="read")
        await asyncio.sleep(0)
        tap.feed(b"one")
        assert await task == b"one"
    tap.feed(b"two")
    tap.end()
    assert [await tap.read(), await tap.read()] == [b"two", b""]


async def test_a_full_tap_says_when_there_is_room() -> None:
    source = Source()
    source.tap.feed(b"x" * (TAP_LIMIT - 1))
    before = source.tap.full
    source.tap.feed(b"x")
    assert (before, source.tap.full) == (False, True)
    await source.tap.read()
    assert (source.tap.full, source.resumed) == (False, 1)
    await source.tap.read()
    assert source.resumed == 1


async def test_who_closes_it_leaves() -> None:
    source = Source()
    source.tap.feed(b"x" * TAP_LIMIT)
    source.tap.close()
    assert (source.left, source.tap.full) == ([source.tap], False)
    assert await source.tap.read() == b""
