"""A clock that moves only when told."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count


class FakeTimer:
    """A call that lies in the future of a `FakeClock`."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class FakeClock:
    """Starts at `start` seconds since the epoch; `advance` fires what becomes due, in order."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._start = start
        self._elapsed = 0.0
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._number = count()

    def now(self) -> float:
        return self._start + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    def call_later(self, seconds: float, call: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(call)
        heapq.heappush(self._timers, (self._elapsed + max(0.0, seconds), next(self._number), timer))
        return timer

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self.call_later(seconds, woken.set)
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        """Let `seconds` pass, and give tasks that were woken the loop after each timer."""
        end = self._elapsed + seconds
        await settle()
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self._elapsed = max(self._elapsed, due)
            if timer.call is not None:
                timer.call()
                await settle()
        self._elapsed = end
        await settle()


async def settle() -> None:
    """Let tasks that can run, run."""
    for _ in range(20):
        await asyncio.sleep(0)
