"""Containers' logs on disk: one file per life, in the CRI's line format.

A line is ``TIME STREAM TAG TEXT``; tag P is a part of a line that goes on, F is its end. What a
container writes is in the file before anybody can see that the container has ended. At most two
files of `limit` bytes exist per life, at most two lives per container.
"""

import asyncio
import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

from netemu.clock import Clock
from netemu.node.taps import Tap

CHUNK = 64 * 1024
"""Bytes read from a pipe at once."""
LONGEST_LINE = 16 * 1024
"""Bytes after which a line is cut in parts (containerd's bound)."""
KEPT_LIVES = 2
EARLY_SECONDS = 5.0
"""The first who attaches this soon after the start sees a container's output from its beginning.
`kubectl run -i` and `kubectl debug -i` attach when they see that it runs, and what was said until
then would be lost (on a cluster that takes so long that it mostly is read from the log instead)."""


def log_time(seconds: float) -> str:
    """A time with nine digits, as the CRI writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def log_path(folder: Path, life: int) -> Path:
    """The file of a container's n-th life."""
    return folder / f"{life}.log"


def rotated_path(path: Path) -> Path:
    """Where a full file goes."""
    return path.with_suffix(".log.1")


def record(line: bytes) -> tuple[bytes, bytes, bytes]:
    """Time, stream and text of a file's line; the text has its line end if it is a line's end.

    Raises ValueError for what is none.
    """
    time, stream, tag, text = line.split(b" ", 3)
    return time, stream, text[:-1] if tag == b"P" else text


def forget_lives(folder: Path, newest: int) -> None:
    """Remove the logs of all but the newest lives."""
    for path in folder.glob("*.log*"):
        number = path.name.partition(".")[0]
        if number.isdecimal() and int(number) <= newest - KEPT_LIVES:
            path.unlink(missing_ok=True)


class LifeLog:
    """The log of one life while it is written."""

    def __init__(self, path: Path, limit: int, clock: Clock) -> None:
        self.path = path
        self.rotations = 0
        self.closed = False
        self._limit = limit
        self._clock = clock
        self._begun = clock.now()
        self._size = 0
        self._changed = asyncio.Event()
        self._pipes: dict[str, Pipe] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)

    def pipe(self, stream: str) -> int:
        """A descriptor for a process to write to; the caller closes it after the start."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        self.read_from(reading, stream)
        return writing

    def read_from(self, descriptor: int, stream: str) -> None:
        """Keep what comes from a descriptor, which is the log's from now on."""
        os.set_blocking(descriptor, False)
        self._pipes[stream] = Pipe(descriptor, stream, self)

    def tap(self, stream: str) -> Tap:
        """Let somebody see what is written to a stream from now on; who is first and soon, all."""
        pipe = self._pipes.get(stream)
        if pipe is not None:
            return pipe.tap()
        ended = Tap(lambda: None, lambda _: None)
        ended.end()
        return ended

    def early(self, stream: str) -> bytes:
        """Whole lines of a stream, and parts of long ones, if it is soon after the start."""
        if self._clock.now() - self._begun > EARLY_SECONDS or self.rotations:
            return b""
        with contextlib.suppress(ValueError), self.path.open("rb") as file:
            records = [record(line) for line in file]
            return b"".join(text for _, name, text in records if name == stream.encode())
        return b""  # cut short by a full disk

    def write(self, stream: str, parts: list[tuple[bytes, bool]]) -> None:
        """Add parts of lines; True: the part ends its line."""
        if self.closed or not parts:
            return
        head = f"{log_time(self._clock.now())} {stream} ".encode()
        data = b"".join(b"%b%b %b\n" % (head, b"F" if full else b"P", text) for text, full in parts)
        if self._size and self._size + len(data) > self._limit:
            self._rotate()
        with contextlib.suppress(OSError):  # a full disk must not end the container
            self._size += os.write(self._file, data)
        self._wake()

    def _rotate(self) -> None:
        os.close(self._file)
        self.path.replace(rotated_path(self.path))
        self._file = self._open()
        self._size = 0
        self.rotations += 1

    def close(self) -> None:
        """Take what is still in the pipes, and end."""
        if self.closed:
            return
        for pipe in self._pipes.values():
            pipe.drain()
        self.closed = True
        os.close(self._file)
        self._wake()

    def _wake(self) -> None:
        stale, self._changed = self._changed, asyncio.Event()
        stale.set()

    async def changed(self) -> None:
        """Wait until something is added or the log is closed."""
        await self._changed.wait()


class Pipe:
    """One of a container's outputs, read by the event loop."""

    def __init__(self, descriptor: int, stream: str, log: LifeLog) -> None:
        self._descriptor = descriptor
        self._stream = stream
        self._log = log
        self._begun = b""
        self._open = True
        self._seen = False
        self._taps: list[Tap] = []
        self._resume()

    def tap(self) -> Tap:
        """Let somebody read along."""
        tap = Tap(self._resume, self._leave)
        if not self._seen and (said := self._log.early(self._stream) + self._begun):
            tap.feed(said)
        self._seen = True
        if self._open:
            self._taps.append(tap)
        else:
            tap.end()
        return tap

    def _leave(self, tap: Tap) -> None:
        if tap in self._taps:
            self._taps.remove(tap)
            self._resume()

    def _resume(self) -> None:
        """Read on, unless somebody who reads along has enough for now."""
        if self._open and not any(tap.full for tap in self._taps):
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def _read(self) -> bool:
        """Read once; False when there is nothing more for now."""
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._finish()
            return False
        parts, self._begun = split_lines(self._begun + data)
        self._log.write(self._stream, parts)
        for tap in self._taps:
            tap.feed(data)
        if any(tap.full for tap in self._taps):
            asyncio.get_running_loop().remove_reader(self._descriptor)
        return True

    def drain(self) -> None:
        """Read what is there, and close; whoever still holds the other end writes to nobody."""
        bound = 64  # chunks: a process left behind could write for ever
        while self._open and bound and self._read():
            bound -= 1
        self._finish()

    def _finish(self) -> None:
        if not self._open:
            return
        self._open = False
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)
        if self._begun:
            # As containerd does: a line without its end is a part, so nobody adds one.
            self._log.write(self._stream, [(self._begun, False)])
            self._begun = b""
        for tap in self._taps:
            tap.end()


def split_lines(data: bytes) -> tuple[list[tuple[bytes, bool]], bytes]:
    """Whole lines (and parts of over-long ones), and the rest that has no end yet."""
    parts: list[tuple[bytes, bool]] = []
    *lines, rest = data.split(b"\n")
    for line in lines:
        while len(line) > LONGEST_LINE:
            parts.append((line[:LONGEST_LINE], False))
            line = line[LONGEST_LINE:]
        parts.append((line, True))
    while len(rest) > LONGEST_LINE:
        parts.append((rest[:LONGEST_LINE], False))
        rest = rest[LONGEST_LINE:]
    return parts, rest
