"""The replicaset controller: carries out the plans of ReplicaSets.

Reads are immediate, so the index is told of each new pod at once and nothing is ever created twice.
"""

from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final

from netemu.controllers.actions import namespace_ends
from netemu.controllers.claims import touched_by
from netemu.controllers.index import Index, ownership
from netemu.controllers.pods import available_in, is_active
from netemu.controllers.replicasetplan import (
    REPLICA_SET,
    Flavour,
    Observed,
    Plan,
    failed,
    new_pod,
    plan,
    status_of,
)
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change, DeleteOptions
from netemu.model.conditions import condition
from netemu.model.errors import ApiError, NotFound
from netemu.model.meta import (
    Key,
    Object,
    controller_of,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)
from netemu.tasks import task_group

MANY: Final = 50
SECONDS_PER_POD: Final = 0.0002
"""Between two looks at a ReplicaSet with many pods, for each of them; a look costs a twentieth."""


class ReplicaSetController:
    """Brings ReplicaSets in line, or another kind that works like them."""

    def __init__(self, context: Context, flavour: Flavour = REPLICA_SET) -> None:
        self.resources = (flavour.resource, resources.PODS)
        self._flavour = flavour
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._pods = Index(context.client, ownership)
        self._looked: dict[Key, float] = {}
        """When each was last looked at, by the monotonic clock."""

    def observe(self, change: Change) -> Iterable[Key]:
        """A ReplicaSet's own change, its pods', and pods that it might adopt."""
        if change.resource == self._flavour.resource:
            yield key_of(change.object)
            return
        self._pods.observe(change)
        if change.old is not None and change.new is not None and _alike(change.old, change.new):
            return
        yield from touched_by(
            self._client,
            self._flavour.resource,
            self._flavour.kind,
            change,
            self._flavour.selector,
        )

    async def sync(self, key: Key) -> float | None:
        """Create or delete pods, then say how many there are."""
        obj = self._client.get(self._flavour.resource, *key)
        if obj is None:
            self._looked.pop(key, None)
            return None
        mine, orphans = ("owner", uid_of(obj)), ("orphan", namespace_of(obj))
        pause = self._pause(key, self._pods.size(mine))
        if pause > 0:
            return pause
        now = self._clock.now()
        pods = self._pods.objects(mine)
        seen = Observed(
            flavour=self._flavour,
            replica_set=obj,
            pods=[*pods, *self._pods.objects(orphans)],
            related=lambda: self._related(obj),
            now=now,
        )
        what = plan(seen)
        error = await self._execute(obj, what)
        if isinstance(error, ApiError) and namespace_ends(error):
            return None  # everything here is about to go, this ReplicaSet too
        failure = failed(what, error, now) if error is not None else None
        if what != Plan():
            pods = self._pods.objects(mine)
        await self._write(obj, status_of(obj, pods, failure, now))
        if error is not None:
            raise error
        return _next_available(obj, pods, now)

    def _pause(self, key: Key, pods: int) -> float:
        """Seconds to wait before a ReplicaSet is looked at again, so that many changes to many pods
        cost one look at all of them rather than one each.
        """
        if pods < MANY:
            return 0.0
        now = self._clock.monotonic()
        left = self._looked.get(key, -1.0) + pods * SECONDS_PER_POD - now
        if left <= 0:
            self._looked[key] = now
        return left

    def _related(self, obj: Object) -> Iterable[Object]:
        owner = controller_of(obj)
        sets = [obj]
        if owner is not None:
            everything = self._client.list(self._flavour.resource, namespace_of(obj))
            sets = [item for item in everything if _owned_by(item, owner["uid"])]
        for item in sets:
            yield from self._pods.objects(("owner", uid_of(item)))

    async def _execute(self, obj: Object, what: Plan) -> Exception | None:
        """Do what the plan says; the first refusal to create or delete a pod, if any."""
        for pod in (*what.adopt, *what.release):
            self._pods.put(resources.PODS, await self._client.update(resources.PODS, pod))
        if what.create:
            return await self._create(obj, what.create)
        return await _first_error([self._delete(obj, pod) for pod in what.delete])

    async def _create(self, obj: Object, count: int) -> Exception | None:
        """Slow start: 1, 2, 4, … at a time, so that a refusal is met once and not `count` times."""
        batch = 1
        while count > 0:
            batch = min(batch, count)
            error = await _first_error([self._create_one(obj) for _ in range(batch)])
            if error is not None:
                return error
            count, batch = count - batch, batch * 2
        return None

    async def _create_one(self, obj: Object) -> Exception | None:
        try:
            pod = await self._client.create(resources.PODS, new_pod(obj, self._flavour))
        except ApiError as error:
            if not namespace_ends(error):
                self._recorder.event(obj, "Warning", "FailedCreate", f"Error creating: {error}")
            return error
        self._pods.put(resources.PODS, pod)
        self._recorder.event(obj, "Normal", "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        return None

    async def _delete(self, obj: Object, pod: Object) -> Exception | None:
        try:
            options = DeleteOptions(uid=uid_of(pod))
            await self._client.delete(resources.PODS, *key_of(pod), options)
        except NotFound:
            return None
        except ApiError as error:
            self._recorder.event(obj, "Warning", "FailedDelete", f"Error deleting: {error}")
            return error
        self._recorder.event(obj, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        return None

    async def _write(self, obj: Object, status: Object) -> None:
        current = self._client.get(self._flavour.resource, *key_of(obj))
        if current is None or uid_of(current) != uid_of(obj) or current.get("status") == status:
            return
        await self._client.update_status(self._flavour.resource, {**current, "status": status})


async def _first_error(
    steps: Sequence[Coroutine[Any, Any, Exception | None]],
) -> Exception | None:
    """Run the steps side by side to their ends; the first error that one of them gives."""
    if len(steps) == 1:
        return await steps[0]
    running = []
    async with task_group() as tasks:
        for number, step in enumerate(steps):
            running.append(tasks.start(step, name=f"pod {number}"))
        errors = [await task for task in running]
    return next((error for error in errors if error is not None), None)


def _alike(old: Object, new: Object) -> bool:
    """Whether a pod's change makes no difference to its ReplicaSet; being bound makes none."""
    return _seen(old) == _seen(new)


def _seen(pod: Object) -> tuple[object, ...]:
    metadata = pod["metadata"]
    ready = condition(pod, "Ready")
    return (
        is_active(pod),
        ready and (ready["status"], ready.get("lastTransitionTime")),
        metadata.get("labels"),
        metadata.get("ownerReferences"),
    )


def _owned_by(obj: Object, uid: str) -> bool:
    owner = controller_of(obj)
    return owner is not None and owner["uid"] == uid


def _next_available(obj: Object, pods: Iterable[Object], now: float) -> float | None:
    """When the next ready pod will have been ready long enough; time alone brings it."""
    pause = int(obj["spec"].get("minReadySeconds") or 0)
    if not pause:
        return None
    waits = (available_in(pod, pause, now) for pod in pods if is_active(pod))
    return min((wait for wait in waits if wait), default=None)
