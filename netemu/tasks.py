"""The one place where tasks are made.

Every long-lived coroutine runs in a named task of a group that cannot be left while it runs. The
first part to fail brings the others down; nothing is fired and forgotten (see ruff's ban on
``create_task``).
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any


class Tasks:
    """Named tasks that share one life; made by `task_group`."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, part: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run `part` until it ends or the group is left. An exception in it ends the group."""
        task = self._group.create_task(part, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        """Ask every task that still runs to end."""
        for task in tuple(self._running):
            task.cancel()


@asynccontextmanager
async def task_group() -> AsyncIterator[Tasks]:
    """Give a group of tasks; leaving the block cancels them and waits until the last has ended."""
    async with asyncio.TaskGroup() as group:
        tasks = Tasks(group)
        try:
            yield tasks
        finally:
            tasks.cancel()


async def run_all(parts: Mapping[str, Coroutine[Any, Any, None]]) -> None:
    """Run named parts side by side until all have ended or one fails."""
    async with asyncio.TaskGroup() as group:
        for name, part in parts.items():
            group.create_task(part, name=name)
