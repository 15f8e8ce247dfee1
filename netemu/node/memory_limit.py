"""Memory limits: a container that has more than its limit is killed, as OOMKilled.

A cluster's kernel does it by cgroups. Those need rights that an ordinary user rarely has, so what a
container's processes have is looked at instead, the more often the closer it comes to the limit.
It therefore ends a moment late: a program may have more than its limit for a tenth of a second, or
for a second if it asks for all of it at once.
"""

import os
import signal
from collections.abc import Callable, Iterator

from netemu.clock import Clock, SystemClock
from netemu.model.meta import Object
from netemu.model.quantity import parse_quantity
from netemu.node.context import Cluster
from netemu.node.pod import ContainerSpec
from netemu.node.procfs import own_memory
from netemu.node.run import Run

CALM_SECONDS, CLOSE_SECONDS = 1.0, 0.1
"""Between looks while a container has less than half of what it may have, and then."""


def limit_of(container: Object) -> int | None:
    """Bytes that a container may have; None: as many as there are."""
    limits = (container.get("resources") or {}).get("limits") or {}
    return int(parse_quantity(limits["memory"])) if limits.get("memory") else None


def guard(cluster: Cluster, spec: ContainerSpec, run: Run) -> None:
    """Kill a container that gets too large, for as long as it runs."""
    limit = limit_of(spec.raw)
    if limit is None or run.process.pid <= 0:
        return

    def over() -> None:
        run.over_limit = True
        run.process.signal(signal.SIGKILL)

    task = watch(run.process.pid, limit, over, SystemClock())
    run.hooks.append(cluster.tasks.start(task, name=f"memory of {spec.name}"))


async def watch(first: int, limit: int, over: Callable[[], None], clock: Clock) -> None:
    """Call `over` once the processes from `first` on have more than `limit` bytes."""
    while (used := memory_of(first)) <= limit:
        await clock.sleep(CLOSE_SECONDS if used > limit // 2 else CALM_SECONDS)
    over()


def memory_of(first: int) -> int:
    """Bytes that a process and all below it have of their own."""
    return sum(map(own_memory, family(first)))


def family(first: int) -> Iterator[int]:
    """A process and its descendants, as far as they can be seen."""
    waiting = [first]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += _children(pid)


def _children(pid: int) -> Iterator[int]:
    folder = f"/proc/{pid}/task"
    try:
        for thread in os.listdir(folder):
            with open(f"{folder}/{thread}/children", encoding="ascii") as file:
                yield from map(int, file.read().split())
    except OSError:
        return  # it has ended, or this kernel doesn't tell
