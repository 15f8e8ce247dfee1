from netemu.workqueue import WorkQueue
from tests.support.clock import FakeClock


async def test_a_key_waits_at_most_once_and_in_order() -> None:
    queue: WorkQueue[str] = WorkQueue(FakeClock())
    for key in ("a", "b", "a"):
        queue.add(key)
    assert len(queue) == 2
    assert [await queue.get(), await queue.get()] == ["a", "b"]


async def test_a_key_added_during_its_work_comes_round_again_afterwards() -> None:
    queue: WorkQueue[str] = WorkQueue(FakeClock())
    queue.add("a")
    await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert len(queue) == 0


async def test_a_failing_key_comes_back_later_each_time_until_it_succeeds() -> None:
    clock = FakeClock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add("a")
    for delay in (0.005, 0.01, 0.02):
        await queue.get()
        queue.retry("a")
        await clock.advance(delay * 0.9)
        assert len(queue) == 0
        await clock.advance(delay * 0.1)
        assert len(queue) == 1
    await queue.get()
    queue.done("a")
    queue.add("a")
    await queue.get()
    queue.retry("a")
    await clock.advance(0.005)
    assert len(queue) == 1


async def test_the_earliest_of_several_wishes_counts() -> None:
    clock = FakeClock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    await clock.advance(5)
    assert await queue.get() == "a"
    queue.done("a")
    await clock.advance(30)
    assert len(queue) == 0


async def test_closing_drops_what_was_to_come() -> None:
    clock = FakeClock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add_after("a", 1)
    queue.close()
    await clock.advance(2)
    assert len(queue) == 0
