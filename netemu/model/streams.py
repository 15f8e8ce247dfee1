"""What the API asks of the node a pod runs on: logs, commands beside containers, connections."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from enum import IntEnum
from typing import Protocol

from msgspec import Struct

from netemu.model.meta import Object


class LogOptions(Struct, frozen=True, kw_only=True):
    """Which part of a container's log."""

    container: str
    follow: bool = False
    previous: bool = False
    """The log of the container's last life before this one."""
    since: float | None = None
    """Only lines at or after this time, in seconds since the epoch."""
    tail_lines: int | None = None
    limit_bytes: int | None = None
    timestamps: bool = False


class Output(IntEnum):
    """What a process writes to; the values are those of its descriptors."""

    STDOUT = 1
    STDERR = 2


class ExecOptions(Struct, frozen=True, kw_only=True):
    """Which container's process, or a command beside it, and which of its streams."""

    container: str
    command: Sequence[str] = ()
    """Empty: the container's own process (attach)."""
    stdin: bool = False
    outputs: frozenset[Output] = frozenset(Output)
    tty: bool = False
    """The command gets a terminal; it writes to STDOUT only."""


class Session(Protocol):
    """Streams of a process, for as long as somebody is connected to them.

    Whoever doesn't read holds up the process; the process that doesn't read holds up `write`.
    """

    async def read(self, output: Output) -> bytes:
        """What the process has written since, b"" at the end."""

    async def write(self, data: bytes) -> None:
        """Give the process more to read. Raises BrokenPipeError when it no longer does."""

    def close_stdin(self) -> None:
        """There is nothing more to read."""

    def resize(self, width: int, height: int) -> None:
        """The window has another size, in characters; nothing happens without a terminal."""

    async def wait(self) -> int:
        """Wait for the end of the process; its exit code, 128 + signal when a signal ended it."""


class NotRunning(Exception):
    """There is no such container, or it doesn't run; the text is the kubelet's."""


class NotStarted(Exception):
    """The command could not be started; the text is what a container runtime says."""


class PodStreams(Protocol):
    """Streams from and to running pods."""

    def logs(self, pod: Object, options: LogOptions) -> AsyncIterator[bytes]:
        """The log in pieces of whole lines. Raises BadRequest before the first piece when there is
        none.
        """

    def require_running(self, pod: Object, container: str) -> None:
        """Raises NotRunning unless the container runs."""

    def exec(self, pod: Object, options: ExecOptions) -> AbstractAsyncContextManager[Session]:
        """Run a command beside a container; leaving the block ends it.

        Raises NotRunning, NotStarted.
        """

    def attach(self, pod: Object, options: ExecOptions) -> AbstractAsyncContextManager[Session]:
        """Share the streams of a container's own process, which outlives the block.

        Raises NotRunning.
        """

    async def connect(self, pod: Object, port: int) -> socket.socket:
        """A connection to a port of a pod, non-blocking. Raises NotRunning, OSError."""
