"""A process that the spawner started, as the daemon holds it: by a pidfd, which can't be mistaken
for another process however soon its number is used again.
"""

import asyncio
import os
import signal
from pathlib import Path

from netemu.node.runtime import Exited


class SpawnerLostError(ConnectionError):
    """The spawner has ended, and every pod with it."""


class SpawnedProcess:
    """A process that was started."""

    def __init__(self, sandbox: str, *, first: bool) -> None:
        self.sandbox = sandbox
        self.first = first
        """Whether it is a container's first process, not one run beside it."""
        self._pid = 0
        self._pidfd = -1
        self._exited: asyncio.Future[Exited] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        """Its process id as the host sees it."""
        return self._pid

    async def wait(self) -> Exited:
        """Wait for its end; may be called more than once. Raises SpawnerLostError."""
        return await asyncio.shield(self._exited)

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens if it has ended."""
        if self._pidfd >= 0:
            try:
                signal.pidfd_send_signal(self._pidfd, number)
            except ProcessLookupError:
                return

    def started(self, pidfd: int) -> None:
        """It runs; the descriptor is ours from now on."""
        self._pidfd = pidfd
        self._pid = pid_of(pidfd)

    def ended(self, exited: Exited | None) -> None:
        """It has ended; None: nobody knows how."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        if self._exited.done():
            return
        if exited is not None:
            self._exited.set_result(exited)
            return
        self._exited.set_exception(SpawnerLostError("the spawner has ended"))
        self._exited.exception()  # asyncio need not complain if nobody waits


def pid_of(pidfd: int) -> int:
    """The process id, as seen here: the spawner sees another (pidfd_open(2), proc_pid_fdinfo(5)).

    -1 if it has been reaped.
    """
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pid":
            return int(value)
    return -1
