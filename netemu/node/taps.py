"""What is attached to a container's output, beside its log.

A tap keeps at most TAP_LIMIT bytes that its client hasn't read; when one is full the container's
output is left alone until there is room, as a terminal would. Who attaches sees what is written
from then on.
"""

import asyncio
from collections import deque
from collections.abc import Callable

TAP_LIMIT = 256 * 1024
"""Bytes kept for one client that reads slowly."""


class Tap:
    """One client's view of an output."""

    def __init__(self, resume: Callable[[], None], leave: Callable[["Tap"], None]) -> None:
        """`resume`: there is room again; `leave`: nobody reads any more."""
        self._resume = resume
        self._leave = leave
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._changed = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the container has to wait."""
        return self._size >= TAP_LIMIT

    def feed(self, data: bytes) -> None:
        """Add what the container wrote."""
        self._pieces.append(data)
        self._size += len(data)
        self._changed.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._changed.set()

    async def read(self) -> bytes:
        """The next piece, b"" at the end."""
        while not self._pieces:
            if self._ended:
                return b""
            self._changed.clear()
            await self._changed.wait()
        data = self._pieces.popleft()
        was_full, self._size = self.full, self._size - len(data)
        if was_full and not self.full:
            self._resume()
        return data

    def close(self) -> None:
        """Stop reading."""
        self._leave(self)
        self._pieces.clear()
        self._size = 0
        self.end()
