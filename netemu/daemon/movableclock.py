"""The instance's own time: the machine's, until somebody pauses or advances it.

Everything in the daemon that waits, waits here; only sockets and processes live in real time.
Time that is advanced is gone through step by step: each timer is called at its own time, and what
it set off comes to rest before the next one is.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from itertools import count

from netemu.clock import Clock, SystemClock, Timer

MOMENT = 0.1
"""Seconds; shorter waits are technique (a write that lost a race is tried again), so they pass in
real time even while this one stands still."""
FEW_TIMERS = 1024
"""Up to so many, timers that were cancelled may lie about until they would have been due."""
LONGEST_ADVANCE = 366 * 86400.0
"""Seconds by which time may be advanced at once."""


class MovableTimer:
    """A call that lies in the future of a `MovableClock`."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Let it not happen."""
        self.call = None


async def at_once() -> None:
    """Nothing needs to come to rest."""


class MovableClock:
    """A `netemu.clock.Clock` that can be moved; time never goes back."""

    def __init__(self, ahead: float = 0.0, real: Clock | None = None) -> None:
        """`ahead`: seconds before the machine's own time at which it begins."""
        self._real: Clock = real or SystemClock()
        self._ahead = ahead
        self._stopped: tuple[float, float] | None = None
        """The machine's time (since the epoch, monotonic) at which this one was paused."""
        self._timers: list[tuple[float, int, MovableTimer]] = []
        self._sweep_at = FEW_TIMERS
        self._number = count()
        self._wake: asyncio.TimerHandle | None = None

    @property
    def paused(self) -> bool:
        """Whether time stands still."""
        return self._stopped is not None

    @property
    def ahead(self) -> float:
        """Seconds by which it differs from the machine's own time; negative after a pause."""
        return self._ahead - self._standing()

    def _standing(self) -> float:
        return 0.0 if self._stopped is None else self._real.monotonic() - self._stopped[1]

    def now(self) -> float:
        """Seconds since the epoch."""
        return (self._real.now() if self._stopped is None else self._stopped[0]) + self._ahead

    def monotonic(self) -> float:
        """Seconds that never go back."""
        real = self._real.monotonic() if self._stopped is None else self._stopped[1]
        return real + self._ahead

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call once, `seconds` from now."""
        if seconds < MOMENT:
            return self._real.call_later(seconds, call)
        timer = MovableTimer(call)
        due = self.monotonic() + max(0.0, seconds)
        if len(self._timers) >= self._sweep_at:
            self._sweep()
        heapq.heappush(self._timers, (due, next(self._number), timer))
        if self._timers[0][2] is timer:
            self._arm()
        return timer

    def _sweep(self) -> None:
        """Forget the timers that were cancelled; else those due in an hour would stay so long."""
        self._timers[:] = [each for each in self._timers if each[2].call is not None]
        heapq.heapify(self._timers)
        self._sweep_at = max(FEW_TIMERS, 2 * len(self._timers))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        woken = asyncio.Event()
        timer = self.call_later(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            timer.cancel()

    def pause(self) -> None:
        """Let time stand still."""
        if self._stopped is None:
            self._stopped = self._real.now(), self._real.monotonic()
            self._arm()

    def resume(self) -> None:
        """Let time go on from where it stands."""
        if self._stopped is not None:
            self._ahead -= self._standing()
            self._stopped = None
            self._arm()

    async def advance(
        self, seconds: float, settled: Callable[[], Awaitable[None]] = at_once
    ) -> None:
        """Let `seconds` pass at once; `settled` is awaited after each moment at which something
        was due. Raises ValueError for what is no span of time.
        """
        if not 0 <= seconds <= LONGEST_ADVANCE:
            raise ValueError(f"time can be advanced by up to a year, not by {seconds:g} s")
        was_paused = self.paused
        self.pause()  # what is real must not be counted in between
        end = self.monotonic() + seconds
        try:
            await settled()
            while self._timers and self._timers[0][0] <= end:
                self._move_to(self._timers[0][0])
                if self._fire():
                    await settled()
            self._move_to(end)
        finally:
            if not was_paused:
                self.resume()

    def _move_to(self, moment: float) -> None:
        self._ahead += max(0.0, moment - self.monotonic())

    def _arm(self) -> None:
        """Have the loop wake us for the first timer, unless time stands still."""
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        if self._timers and not self.paused:
            delay = max(0.0, self._timers[0][0] - self.monotonic())
            self._wake = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self._wake = None
        self._fire()
        self._arm()

    def _fire(self) -> bool:
        """Call every timer that is due; whether there was one."""
        fired = False
        now = self.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, timer = heapq.heappop(self._timers)
            call, timer.call = timer.call, None
            if call is not None:
                fired = True
                _carefully(call)
        return fired


def _carefully(call: Callable[[], None]) -> None:
    """One call that fails must not keep the others waiting: the loop tells of it, as of its own."""
    try:
        call()
    except Exception as error:
        told = {"message": f"a timer's call failed: {call}", "exception": error}
        asyncio.get_running_loop().call_exception_handler(told)
