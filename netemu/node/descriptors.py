"""Pipes and terminals between the agent and processes, read and written without blocking the loop.

Nothing is kept here: a reader asks for the next piece, a writer waits until its piece is taken, so
whoever is slow holds up the other side and nobody else.
"""

import asyncio
import errno
import fcntl
import os
import struct
import termios

CHUNK = 32 * 1024
"""Bytes read or written at once."""


class Descriptor:
    """One end of a pipe, or a terminal's; it owns its descriptor."""

    def __init__(self, number: int) -> None:
        os.set_blocking(number, False)
        self._number = number
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False

    async def read(self) -> bytes:
        """The next piece, b"" at the end."""
        while not self._closed:
            try:
                return os.read(self._number, CHUNK)
            except BlockingIOError:
                await self._ready(reading=True)
            except OSError as error:
                if error.errno == errno.EIO:  # nobody has the terminal open any more
                    return b""
                raise
        return b""

    async def write(self, data: bytes) -> None:
        """Write it all. Raises BrokenPipeError."""
        rest = memoryview(data)
        while rest:
            if self._closed:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            try:
                rest = rest[os.write(self._number, rest[:CHUNK]) :]
            except BlockingIOError:
                await self._ready(reading=False)
            except OSError as error:
                if error.errno == errno.EIO:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
                raise

    async def _ready(self, *, reading: bool) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        self._waiting.add(ready)
        if reading:
            loop.add_reader(self._number, _set, ready)
        else:
            loop.add_writer(self._number, _set, ready)
        try:
            await ready
        finally:
            self._waiting.discard(ready)
            if not self._closed:
                remove = loop.remove_reader if reading else loop.remove_writer
                remove(self._number)

    def close(self) -> None:
        """Close it; who waits is woken."""
        if self._closed:
            return
        self._closed = True
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._number)
        loop.remove_writer(self._number)
        os.close(self._number)
        for ready in self._waiting:
            _set(ready)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def pipe() -> tuple[int, int]:
    """A pipe: the end to read from, the end to write to."""
    return os.pipe2(os.O_CLOEXEC)


def resize(number: int, width: int, height: int) -> None:
    """Tell a terminal, and through it its processes, of its window's size."""
    size = struct.pack("HHHH", min(height, 0xFFFF), min(width, 0xFFFF), 0, 0)
    fcntl.ioctl(number, termios.TIOCSWINSZ, size)
