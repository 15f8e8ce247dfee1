"""A user at a terminal: types, reads, changes the window's size."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

PATIENCE = 30.0
"""Seconds after which what should have been shown isn't."""


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self._pid = pid
        self._descriptor = descriptor
        self.shown = ""

    def resize(self, width: int, height: int) -> None:
        size = struct.pack("HHHH", height, width, 0, 0)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, size)

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def until(self, pattern: str) -> str:
        """Read until something is shown; what was, up to there. It is not found again."""
        end = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self.shown)) is None:
            assert time.monotonic() < end, f"{pattern!r} is not in {self.shown!r}"
            assert self._read(), f"it ended; {pattern!r} is not in {self.shown!r}"
        before, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return before

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], 1.0)
        if not ready:
            return True
        try:
            data = os.read(self._descriptor, 4096)
        except OSError:  # nobody has it open any more
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)

    def wait(self) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < end, f"it doesn't end: {self.shown!r}"
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        os.close(self._descriptor)
        if self._pid:
            os.waitpid(self._pid, 0)


@contextmanager
def at_terminal(argv: Sequence[str], env: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a program at a terminal; it is hung up afterwards."""
    pid, descriptor = pty.fork()
    if pid == 0:
        try:
            os.execvpe(argv[0], list(argv), dict(env))
        finally:
            os._exit(127)
    terminal = Terminal(pid, descriptor)
    try:
        terminal.resize(80, 24)
        yield terminal
    finally:
        terminal.close()
