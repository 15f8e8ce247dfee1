"""Time that can be paused and advanced."""

import asyncio
import time
from functools import partial

import pytest

from netemu.daemon.movableclock import FEW_TIMERS, MovableClock
from netemu.tasks import task_group


async def test_it_goes_as_the_machines_own() -> None:
    clock = MovableClock()
    assert abs(clock.now() - time.time()) < 0.1
    rung = asyncio.Event()
    clock.call_later(0.12, rung.set)
    async with asyncio.timeout(2):
        await rung.wait()


async def test_paused_it_stands_still() -> None:
    clock = MovableClock()
    clock.pause()
    before = clock.now(), clock.monotonic()
    rung: list[int] = []
    clock.call_later(0.11, lambda: rung.append(1))
    clock.call_later(0.01, lambda: rung.append(0))
    await asyncio.sleep(0.15)
    assert (clock.now(), clock.monotonic()) == before
    assert rung == [0], "only what is too short to be a wait"
    clock.resume()
    await asyncio.sleep(0.15)
    assert rung == [0, 1]
    assert clock.ahead < 0


async def test_advancing_calls_in_order_each_at_its_time() -> None:
    clock = MovableClock()
    start, said = clock.monotonic(), list[tuple[str, int]]()

    def note(name: str) -> None:
        said.append((name, round(clock.monotonic() - start)))

    def again() -> None:
        note("b")
        clock.call_later(50, lambda: note("c"))

    clock.call_later(3600, lambda: note("d"))
    clock.call_later(100, again)
    clock.call_later(20, lambda: note("a"))
    clock.call_later(4000, lambda: note("never"))
    await clock.advance(3600)
    assert said == [("a", 20), ("b", 100), ("c", 150), ("d", 3600)]
    assert round(clock.ahead) == 3600


async def test_between_two_moments_everything_comes_to_rest() -> None:
    clock = MovableClock()
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            await clock.sleep(60)
            ticks.append(len(ticks))

    async def settled() -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    async with task_group() as tasks:
        tasks.start(tick(), name="tick")
        await asyncio.sleep(0)
        await clock.advance(600, settled)
        assert len(ticks) == 10


async def test_advanced_while_paused_it_stays_paused() -> None:
    clock = MovableClock()
    clock.pause()
    await clock.advance(10)
    assert clock.paused


async def test_a_call_that_fails_keeps_no_other_waiting() -> None:
    clock, told, rung = MovableClock(), list[str](), list[int]()
    asyncio.get_running_loop().set_exception_handler(lambda _, said: told.append(said["message"]))

    def fail() -> None:
        raise ValueError("no")

    clock.call_later(1, fail)
    clock.call_later(1, lambda: rung.append(1))
    await clock.advance(2)
    assert rung == [1]
    assert len(told) == 1


async def test_a_cancelled_timer_does_not_ring() -> None:
    clock = MovableClock()
    rung: list[int] = []
    clock.call_later(1, lambda: rung.append(1)).cancel()
    await clock.advance(5)
    assert rung == []


async def test_cancelled_timers_do_not_pile_up_and_the_others_ring_in_order() -> None:
    clock = MovableClock()
    rung: list[int] = []
    for number in range(20):
        clock.call_later(3600 - number, partial(rung.append, number))
        for _ in range(1000):
            clock.call_later(3000, lambda: rung.append(-1)).cancel()
    assert len(clock._timers) <= 2 * FEW_TIMERS
    await clock.advance(3600)
    assert rung == list(reversed(range(20)))


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), 1e12])
async def test_what_is_no_span_of_time(seconds: float) -> None:
    with pytest.raises(ValueError, match="up to a year"):
        await MovableClock().advance(seconds)
