"""A deadline that counts by the `Clock`, where asyncio.timeout alone counts by the loop's time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from netemu.clock import Clock


@asynccontextmanager
async def deadline(clock: Clock, seconds: float) -> AsyncIterator[None]:
    """End the block with TimeoutError once `seconds` have passed."""
    async with asyncio.timeout(None) as timeout:
        timer = clock.call_later(seconds, lambda: timeout.reschedule(0))
        try:
            yield
        finally:
            timer.cancel()
