"""Reading containers' logs: tail, since, limits, timestamps, and following a life to its end."""

import os
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from netemu.clock import parse_rfc3339
from netemu.model.streams import LogOptions
from netemu.node.logs import LifeLog, record, rotated_path

PIECE = 64 * 1024
"""Bytes read, and about the bytes given on, at once."""


class Extract:
    """Turns lines of the file into what the client asked for."""

    def __init__(self, options: LogOptions) -> None:
        self._since = options.since
        self._timestamps = options.timestamps
        self._left = options.limit_bytes

    @property
    def full(self) -> bool:
        """Whether the limit of bytes is reached."""
        return self._left is not None and self._left <= 0

    def take(self, data: bytes) -> bytes:
        """The content of whole lines, cut at the limit."""
        # Not splitlines: a carriage return within a line (a progress bar's) ends none.
        result = b"".join(map(self._line, BytesIO(data)))
        if self._left is not None:
            result = result[: max(0, self._left)]
            self._left -= len(result)
        return result

    def _line(self, line: bytes) -> bytes:
        try:
            time, _, text = record(line)
            if self._since is not None and parse_rfc3339(time.decode()) < self._since:
                return b""
        except ValueError:  # not ours, or cut short by a full disk
            return b""
        return b"%b %b" % (time, text) if self._timestamps else text


async def read_log(path: Path, live: LifeLog | None, options: LogOptions) -> AsyncIterator[bytes]:
    """The log of one life; `live` is given while it may still grow."""
    extract = Extract(options)
    seen = live.rotations if live else 0
    files = [name for name in (rotated_path(path), path) if name.exists()]
    start = _tail_start(files, options.tail_lines)
    for name, offset in start[:-1]:
        with name.open("rb") as file:
            file.seek(offset)
            for piece in _pieces(file, extract):
                yield piece
    if not start:
        return
    file = start[-1][0].open("rb")
    file.seek(start[-1][1])
    try:
        while True:
            for piece in _pieces(file, extract):
                yield piece
            if not options.follow or live is None or extract.full:
                return
            if live.rotations != seen:  # this file is complete; its successor has the old name
                seen = live.rotations
                file.close()
                file = path.open("rb")
            elif live.closed:
                return
            else:
                await live.changed()
    finally:
        file.close()


def _pieces(file: BinaryIO, extract: Extract) -> Iterator[bytes]:
    """What the file has from here on."""
    while not extract.full:
        data = file.read(PIECE)
        if not data:
            return
        if not data.endswith(b"\n"):
            data += file.readline()
        piece = extract.take(data)
        if piece:
            yield piece


def _tail_start(files: list[Path], lines: int | None) -> list[tuple[Path, int]]:
    """Where to begin in each file for the last `lines` lines (None: all)."""
    if lines is None:
        return [(path, 0) for path in files]
    start: list[tuple[Path, int]] = []
    for path in reversed(files):
        with path.open("rb") as file:
            offset, lines = _back(file, lines)
        start.insert(0, (path, offset))
        if lines <= 0:
            break
    return start


def _back(file: BinaryIO, lines: int) -> tuple[int, int]:
    """Go back `lines` lines from the end: the offset there and how many are still missing."""
    position = file.seek(0, os.SEEK_END)
    if lines <= 0:
        return position, 0
    # The line break at the very end ends the last line, so one more has to be found.
    wanted = lines + 1
    while position > 0:
        size = min(PIECE, position)
        position -= size
        file.seek(position)
        block = file.read(size)
        at = len(block)
        while wanted and (at := block.rfind(b"\n", 0, at)) >= 0:
            wanted -= 1
        if not wanted:
            return position + at + 1, 0
    return 0, wanted - 1
