import asyncio

import pytest

from netemu.clock import SystemClock, parse_rfc3339, rfc3339, rfc3339_micro
from tests.support.clock import FakeClock


def test_times_are_written_as_kubernetes_does() -> None:
    assert rfc3339(1.9) == "1970-01-01T00:00:01Z"
    assert rfc3339_micro(1.25) == "1970-01-01T00:00:01.250000Z"


@pytest.mark.parametrize("text", ["1970-01-01T00:00:01Z", "1970-01-01T01:00:01+01:00"])
def test_times_are_read_in_any_zone(text: str) -> None:
    assert parse_rfc3339(text) == 1.0


async def test_the_system_clock_calls_later_and_can_be_told_not_to() -> None:
    clock, called = SystemClock(), asyncio.Event()
    clock.call_later(0.0, called.set)
    await asyncio.wait_for(called.wait(), 5)
    called.clear()
    clock.call_later(0.0, called.set).cancel()
    await clock.sleep(0.01)
    assert not called.is_set()


async def test_the_fake_clock_fires_in_order_of_time() -> None:
    clock, fired = FakeClock(), []
    for seconds in (3, 1, 2):
        clock.call_later(seconds, lambda s=seconds: fired.append(s))  # type: ignore[misc]  # bound
    await clock.advance(2.5)
    assert fired == [1, 2]
    assert clock.monotonic() == 2.5
