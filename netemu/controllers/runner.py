"""The loop every controller runs in: changes make keys due, and due keys are brought in line.

Controllers are level-triggered: `observe` only says which keys a change touches, `sync` reads what
is and does the difference. A key that fails comes back after a growing delay and never ends the
loop; a lost race (Conflict) is normal and not worth a word.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct, field

from netemu.clock import Clock
from netemu.config.settings import ControllerSettings
from netemu.model.addressing import Addressing
from netemu.model.client import Change, Changes, Client, Recorder
from netemu.model.errors import ApiError, Conflict, InternalError
from netemu.model.usage import NoUsage, Usage
from netemu.tasks import task_group
from netemu.workqueue import WorkQueue

K = TypeVar("K", bound=Hashable)

logger = logging.getLogger(__name__)


Sign = Callable[[bytes, Sequence[str], int, float], bytes]
"""(request, usages, seconds, now) -> certificate, by the cluster's authority; PEM both."""


def no_authority(request: bytes, usages: Sequence[str], seconds: int, now: float) -> bytes:
    """For who has no key to sign with. Raises InternalError."""
    raise InternalError("there is no key to sign certificates with")


class Context(Struct, frozen=True, kw_only=True):
    """What a controller gets to work with."""

    client: Client
    recorder: Recorder
    clock: Clock
    addressing: Addressing
    settings: ControllerSettings
    ca: str
    """The cluster's certificate authority, PEM."""
    sign: Sign = no_authority
    """Signs certificates."""
    volumes: str = ""
    """The folder in which volumes are made."""
    usage: Usage = field(default_factory=NoUsage)
    """What pods use."""


class Controller(Protocol[K]):
    """One control loop's two halves."""

    @property
    def resources(self) -> Sequence[str]:
        """What it watches."""

    def observe(self, change: Change) -> Iterable[K]:
        """Take note of a change; the keys that it makes due. May not wait."""

    async def sync(self, key: K) -> float | None:
        """Bring one key in line; the seconds after which to look again, if time alone matters."""


async def run(name: str, controller: Controller[K], client: Client, clock: Clock) -> None:
    """Run `controller` until cancelled."""
    queue: WorkQueue[K] = WorkQueue(clock)
    changes = client.watch(*controller.resources)
    try:
        async with task_group() as tasks:
            tasks.start(_follow(name, controller, changes, queue), name=f"{name} watch")
            await _work(name, controller, queue)
    finally:
        changes.close()
        queue.close()


async def _follow(
    name: str, controller: Controller[K], changes: Changes, queue: WorkQueue[K]
) -> None:
    while True:
        for change in await changes.batch():
            try:
                for key in controller.observe(change):
                    queue.add(key)
            except Exception:
                logger.exception("%s could not take note of a change in %s", name, change.resource)


async def _work(name: str, controller: Controller[K], queue: WorkQueue[K]) -> None:
    complaints: dict[K, str] = {}
    while True:
        key = await queue.get()
        try:
            again = await controller.sync(key)
        except Conflict:
            queue.retry(key)
        except Exception as error:
            _complain(name, key, error, complaints)
            queue.retry(key)
        else:
            complaints.pop(key, None)
            queue.done(key)
            if again is not None:
                queue.add_after(key, again)
        # Work that never has to wait must still let others have their turn.
        await asyncio.sleep(0)


def _complain(name: str, key: K, error: Exception, complaints: dict[K, str]) -> None:
    """Log a key's error once; the retries that meet the same one are silent."""
    text = f"{type(error).__name__}: {error}"
    if complaints.get(key) == text:
        return
    complaints[key] = text
    if isinstance(error, ApiError):
        logger.warning("%s will retry %s: %s", name, key, error)
    else:
        logger.error("%s will retry %s", name, key, exc_info=error)
