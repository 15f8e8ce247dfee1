"""A queue of keys for level-triggered loops.

A key waits at most once and is never worked on twice at a time; a key added during its own work
comes round again afterwards. Failed keys come back after a growing delay (client-go: 5 ms
doubling to 1000 s; here to one minute, because a local cluster has nobody to protect from load).
"""

import asyncio
from collections import deque
from collections.abc import Hashable
from functools import partial
from typing import Generic, TypeVar

from netemu.clock import Clock, SystemClock, Timer

K = TypeVar("K", bound=Hashable)

FIRST_DELAY = 0.005
"""Seconds before the first retry of a key."""
LONGEST_DELAY = 60.0
"""Seconds that a retry waits at most."""


class WorkQueue(Generic[K]):
    """Keys in the order they became dirty."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._order: deque[K] = deque()
        self._dirty: set[K] = set()
        self._busy: set[K] = set()
        self._failures: dict[K, int] = {}
        self._wake = asyncio.Event()
        self._timers: dict[K, tuple[float, Timer]] = {}

    def add(self, key: K) -> None:
        """Make `key` due now."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._busy:  # done() queues it again if it is still dirty
            self._order.append(key)
            self._wake.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Make `key` due in `seconds`; the earliest of several wishes counts."""
        due = self._clock.monotonic() + seconds
        earlier = self._timers.get(key)
        if earlier is not None:
            if earlier[0] <= due:
                return
            earlier[1].cancel()
        self._timers[key] = due, self._clock.call_later(seconds, partial(self._fire, key))

    def _fire(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def get(self) -> K:
        """Take the next key; call `done` or `retry` when its work has ended."""
        while not self._order:
            self._wake.clear()
            await self._wake.wait()
        key = self._order.popleft()
        self._dirty.discard(key)
        self._busy.add(key)
        return key

    def done(self, key: K) -> None:
        """The work on `key` succeeded."""
        self._failures.pop(key, None)
        self._release(key)

    def retry(self, key: K) -> None:
        """The work on `key` failed: it comes back after a delay that doubles with each failure."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self._release(key)
        self.add_after(key, min(FIRST_DELAY * 2 ** min(failures, 20), LONGEST_DELAY))

    def _release(self, key: K) -> None:
        self._busy.discard(key)
        if key in self._dirty:
            self._order.append(key)
            self._wake.set()

    def close(self) -> None:
        """Drop the timers; the queue is not used afterwards."""
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def __len__(self) -> int:
        return len(self._order)
