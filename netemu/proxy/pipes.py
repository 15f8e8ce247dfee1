"""Kernel pipes through which bulk data is spliced from socket to socket, kept for reuse.

A connection holds a pipe only while bytes move or wait in it; an idle one holds none.
"""

import fcntl
import os
from contextlib import suppress
from typing import Final

from netemu.proxy.limits import IDLE_PIPES, PIPES

PIPE_SIZE: Final = 512 * 1024
"""Bytes a pipe should hold; more gained nothing."""


class Pipe:
    """One pipe and how much waits in it."""

    __slots__ = ("filled", "sink", "source")

    def __init__(self) -> None:
        self.source, self.sink = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.filled = 0
        with suppress(OSError):  # past the user's soft limit it stays at the system's default
            fcntl.fcntl(self.sink, fcntl.F_SETPIPE_SZ, PIPE_SIZE)

    def close(self) -> None:
        """Give both descriptors back."""
        os.close(self.source)
        os.close(self.sink)


class PipePool:
    """Hands out pipes, as many as `limit` at a time."""

    def __init__(self, limit: int = PIPES, idle: int = IDLE_PIPES) -> None:
        self._limit = limit
        self._most_idle = idle
        self._idle: list[Pipe] = []
        self._taken = 0

    def take(self) -> Pipe | None:
        """An empty pipe; None when there are enough or descriptors have run out."""
        if self._taken >= self._limit:
            return None
        try:
            pipe = self._idle.pop() if self._idle else Pipe()
        except OSError:
            return None
        self._taken += 1
        return pipe

    def give(self, pipe: Pipe) -> None:
        """Take a pipe back; one with something in it is closed."""
        self._taken -= 1
        if pipe.filled or len(self._idle) >= self._most_idle:
            pipe.close()
        else:
            self._idle.append(pipe)

    def close(self) -> None:
        """Close the idle ones."""
        for pipe in self._idle:
            pipe.close()
        self._idle.clear()
