"""A connection that has left HTTP: bytes to and fro, as messages or as they come."""

import asyncio
from collections import deque
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Duplex(Protocol):
    """Such a connection. It ends with whoever was given it."""

    async def receive(self) -> bytes | None:
        """The next message, or what has come since; None at the end."""

    async def send(self, data: bytes, *, text: bool = False) -> None:
        """Send a message; waits while the client doesn't read. Raises ConnectionError."""


class Backlog(Generic[T]):
    """What has come and wasn't taken yet; who adds waits while it is over its bound.

    One side adds, one side takes.
    """

    def __init__(self, limit: int) -> None:
        """`limit`: the size at which the adding side has to wait."""
        self._limit = limit
        self._items: deque[tuple[T, int]] = deque()
        self._size = 0
        self._ended = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def add(self, item: T, size: int = 1) -> None:
        """Add something, once there is room; after `end` it is thrown away."""
        await self._room.wait()
        if self._ended:
            return
        self._items.append((item, size))
        self._size += size
        self._changed.set()
        if self._size >= self._limit:
            self._room.clear()

    async def take(self) -> T | None:
        """The oldest item; None when there is none and will be none."""
        while not self._items:
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        item, size = self._items.popleft()
        self._size -= size
        if self._size < self._limit:
            self._room.set()
        return item

    def end(self, *, discard: bool = False) -> None:
        """Nothing more comes, or (`discard`) nobody takes any more."""
        self._ended = True
        if discard:
            self._items.clear()
            self._size = 0
        self._room.set()
        self._changed.set()
