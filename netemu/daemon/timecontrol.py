"""What the control socket does with the instance's time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from netemu.clock import rfc3339
from netemu.daemon.asking import Refused
from netemu.daemon.home import Home
from netemu.daemon.movableclock import MovableClock
from netemu.model.client import Client
from netemu.model.meta import Object
from netemu.model.resources import JOBS, PODS

TURNS = 40
"""Turns of the loop in which the consequences of a timer are drawn."""
QUIET_SECONDS = 0.02
"""Real seconds without a change of any pod after which pods have come to rest."""
LONGEST_REST = 1.0
"""Real seconds that one moment may take at most: a pod may work for longer than that."""
ALL_REST = 12.0
"""Real seconds of rest in one question: its answer has a deadline."""
LONGEST_STEP = 600.0
"""Seconds that one question may advance time by; whoever wants more asks again."""


class TimeControl:
    """Pauses, resumes and advances one instance's clock, and remembers how far ahead it is."""

    def __init__(
        self, clock: MovableClock, client: Client, home: Home, busy: Callable[[], bool]
    ) -> None:
        """`busy` tells whether nodes are doing something in real time: a probe, a start."""
        self._busy = busy
        self._clock = clock
        self._client = client
        self._home = home
        self._turn = asyncio.Lock()
        self._rest = 0.0
        self._acts: dict[str, Callable[[], None]] = {
            "pause": clock.pause,
            "resume": clock.resume,
            "status": lambda: None,
        }

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked; how time stands then. Raises Refused."""
        what = str(question.get("do", "status"))
        async with self._turn:
            if what == "advance":
                await self._advance(question.get("seconds"))
            elif what in self._acts:
                self._acts[what]()
            else:
                raise Refused(f'"{what}" can\'t be done with time')
            self._home.write_ahead(self._clock.ahead)
        return {
            "now": rfc3339(self._clock.now()),
            "paused": self._clock.paused,
            "aheadSeconds": round(self._clock.ahead, 3),
        }

    async def _advance(self, seconds: Any) -> None:
        if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_STEP:
            raise Refused(f"one step of time has up to {LONGEST_STEP:g} s, not {seconds!r}")
        self._rest = ALL_REST
        await self._clock.advance(float(seconds), self._settled)

    async def _settled(self) -> None:
        """Let what was set off come to rest: at once, or when nodes and pods have followed."""
        before = self._pods()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        seen, left = self._pods(), min(LONGEST_REST, self._rest)
        while (seen != before or self._busy()) and left > 0:
            await asyncio.sleep(QUIET_SECONDS)
            left -= QUIET_SECONDS
            self._rest -= QUIET_SECONDS
            before, seen = seen, self._pods()

    def _pods(self) -> Sequence[str]:
        return [*map(_version, self._client.list(PODS)), *map(_version, self._client.list(JOBS))]


def _version(obj: Object) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))
