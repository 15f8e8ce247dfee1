"""Starts the process that announces addresses, and tells it what to announce."""

import asyncio
import logging
import sys
from typing import Final

import msgspec

from netemu.fabric.announcer import NO_SCAPY, Announced

END_SECONDS: Final = 2.0
"""The process has to end, once its input does, before it is killed."""
UNAVAILABLE: Final = "scapy isn't installed (pip install 'netemu[capture]')"

log = logging.getLogger(__name__)


class Speaker:
    """That process, seen from the daemon; it is started in the network of the calling thread."""

    def __init__(self) -> None:
        self.problem = ""
        """Why nothing is announced."""
        self._process: asyncio.subprocess.Process | None = None
        self._started = asyncio.Event()
        self._closing = False

    async def tell(self, now: Announced) -> None:
        """Have exactly this announced from now on. Never raises; a failure is the `problem`."""
        if self.problem:
            return
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "netemu.fabric.announcer"), stdin=asyncio.subprocess.PIPE
            )
            self._started.set()
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(now) + b"\n")
            await self._process.stdin.drain()
        except ConnectionError:
            await self._note_end()

    async def watch(self) -> None:
        """Wait until the process ends, and note it if that is before its time."""
        await self._started.wait()
        assert self._process is not None
        await self._process.wait()
        if not self._closing:
            await self._note_end()

    async def _note_end(self) -> None:
        assert self._process is not None
        code = await self._process.wait()
        if self.problem:
            return
        self.problem = UNAVAILABLE if code == NO_SCAPY else f"their announcer ended with {code}"
        log.warning("load balancers' addresses are not announced: %s", self.problem)

    async def close(self) -> None:
        """Announce nothing any more."""
        self._closing = True
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
