"""The TTL controller: a finished Job that says how long it may be seen goes after that time."""

from collections.abc import Iterable

from netemu.clock import parse_rfc3339
from netemu.controllers.actions import Delete, execute
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.conditions import condition
from netemu.model.meta import Key, Object, is_deleting, key_of


def due_in(job: Object, now: float) -> float | None:
    """Seconds until the Job goes; None when time alone doesn't make it go."""
    seconds = job["spec"].get("ttlSecondsAfterFinished")
    if seconds is None or is_deleting(job):
        return None
    for kind in ("Complete", "Failed"):
        found = condition(job, kind)
        if found is not None and found["status"] == "True" and found.get("lastTransitionTime"):
            return max(0.0, parse_rfc3339(found["lastTransitionTime"]) + float(seconds) - now)
    return None


class TtlAfterFinishedController:
    """Deletes Jobs that have been finished for long enough."""

    resources = (resources.JOBS,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock

    def observe(self, change: Change) -> Iterable[Key]:
        """A Job that may go some day."""
        if change.new is not None and due_in(change.new, 0.0) is not None:
            yield key_of(change.new)

    async def sync(self, key: Key) -> float | None:
        """Delete one Job, if it is time."""
        job = self._client.get(resources.JOBS, *key)
        if job is None:
            return None
        wait = due_in(job, self._clock.now())
        if wait == 0.0:
            going = Delete(resources.JOBS, job, propagation="Foreground")
            await execute(self._client, self._recorder, [going])
            return None
        return wait
