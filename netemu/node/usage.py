"""Measuring what containers use: processor time and memory of their processes, from /proc.

Nothing runs while nobody asks. The processor's share is an average since the last time somebody
asked, if that is recent, else over a short look. A container's processes are its first one and all
below that: in a PID namespace orphans come to the first process, too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from netemu.clock import Clock, SystemClock
from netemu.model.usage import Amount, PodUsage
from netemu.node.procfs import own_memory, processes

if TYPE_CHECKING:
    from netemu.node.worker import PodWorker

SHORTEST = 1.0
"""Seconds that an average of the processor's share is taken over at least."""
LONGEST = 60.0
"""Seconds after which an earlier look is too old to compare with."""

_TICKS = os.sysconf("SC_CLK_TCK")

Key = tuple[str, str, int]
"""(pod's uid, container, its first process)."""


class Look(Struct, frozen=True):
    """One look at all containers."""

    at: float
    """Monotonic, real time: processes know no other."""
    cpu: Mapping[Key, float]
    """Seconds of processor time so far."""
    memory: Mapping[Key, int]


class Meter:
    """Implements `netemu.model.usage.Usage` for an agent's workers."""

    def __init__(self, workers: Mapping[str, PodWorker], clock: Clock) -> None:
        self._workers = workers
        self._clock = clock
        self._real = SystemClock()
        self._last: Look | None = None
        self._before: Look | None = None
        self._turn = asyncio.Lock()

    async def pods(self) -> Mapping[str, PodUsage]:
        """By uid: every pod that has a running container."""
        async with self._turn:
            first, second = await self._looks()
        now = self._clock.now()
        window = second.at - first.at
        found: dict[str, dict[str, Amount]] = {}
        for key, seconds in second.cpu.items():
            uid, name, _ = key
            used = max(0.0, seconds - first.cpu.get(key, 0.0))
            found.setdefault(uid, {})[name] = Amount(used / window, second.memory[key])
        return {
            uid: PodUsage(containers=containers, at=now, window=window)
            for uid, containers in found.items()
        }

    async def _looks(self) -> tuple[Look, Look]:
        """Two looks far enough apart, the second one recent."""
        now = self._real.monotonic()
        if self._last is None or now - self._last.at > LONGEST:
            self._last = self._look()
            self._before = None
            await self._real.sleep(SHORTEST)
        elif now - self._last.at < SHORTEST and self._before is not None:
            return self._before, self._last
        elif now - self._last.at < SHORTEST:
            await self._real.sleep(SHORTEST - (now - self._last.at))
        self._before, self._last = self._last, self._look()
        return self._before, self._last

    def _look(self) -> Look:
        stats = processes()
        children: dict[int, list[int]] = {}
        for pid, stat in stats.items():
            children.setdefault(stat.parent, []).append(pid)
        cpu: dict[Key, float] = {}
        memory: dict[Key, int] = {}
        for uid, worker in self._workers.items():
            for name, first in worker.containers.first_processes():
                family = [pid for pid in _below(first, children) if pid in stats]
                if family:
                    key = uid, name, first
                    cpu[key] = sum(stats[pid].ticks for pid in family) / _TICKS
                    memory[key] = sum(map(own_memory, family))
        return Look(self._real.monotonic(), cpu, memory)


def _below(first: int, children: Mapping[int, list[int]]) -> Iterable[int]:
    waiting = [first]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children.get(pid, ())
