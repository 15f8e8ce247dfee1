"""Time, passed in: whatever waits asks a `Clock`, so tests and ``netemu clock`` can move it."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Timer(Protocol):
    """A call that lies in the future."""

    def cancel(self) -> None:
        """Let it not happen."""


class Clock(Protocol):
    """What time it is and what happens later."""

    def now(self) -> float:
        """Seconds since the epoch; what objects' timestamps show."""

    def monotonic(self) -> float:
        """Seconds that never go back; what deadlines and periods count."""

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call once, `seconds` from now, from the event loop."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call once, `seconds` from now."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), call)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def rfc3339(seconds: float) -> str:
    """Write a time as Kubernetes' ``Time``: UTC, whole seconds."""
    return _written(int(seconds))


@lru_cache(maxsize=64)
def _written(second: int) -> str:
    """Most stamps are of the same few seconds, and strftime is slow."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(seconds: float) -> str:
    """Write a time as Kubernetes' ``MicroTime``: UTC, six digits."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> float:
    """Read a ``Time`` or ``MicroTime``. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()
