"""One value that is replaced whole, and those who must know at once or in time."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """The newest version of an immutable value.

    Readers that cannot miss a change compare with what they last saw (`newer_than`); readers that
    must agree within one turn of the loop listen (`subscribe`) and are called inside `replace`.
    """

    def __init__(self, value: T) -> None:
        self.value = value
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[T], None]] = []

    def replace(self, value: T) -> None:
        """Make `value` the newest and tell everybody."""
        self.value, stale, self._changed = value, self._changed, asyncio.Event()
        stale.set()
        for listener in tuple(self._listeners):
            listener(value)

    async def newer_than(self, seen: T) -> T:
        """Wait until the value is another than `seen`."""
        while self.value is seen:
            await self._changed.wait()
        return self.value

    def subscribe(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Call `listener` at each change, before `replace` returns; the result ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
