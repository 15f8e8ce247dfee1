"""The replicaset controller: as many pods of its template as a ReplicaSet asks for.

Pods that have ended or are being deleted don't count. Reads are immediate, so the index is told of
each new pod at once and nothing is ever created twice.
"""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from netemu.clock import rfc3339
from netemu.controllers.actions import namespace_ends
from netemu.controllers.claims import (
    adopted,
    claim,
    spec_selector,
    touched_by,
    without_owner,
)
from netemu.controllers.index import Index, ownership
from netemu.controllers.podranking import first_to_go
from netemu.controllers.pods import available_in, is_active, is_ready
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import Change, DeleteOptions
from netemu.model.conditions import condition
from netemu.model.errors import ApiError, NotFound
from netemu.model.meta import (
    Key,
    Object,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from netemu.model.selector import Selector
from netemu.tasks import task_group

BURST = 500
"""Pods created or deleted in one turn at most (upstream: BurstReplicas)."""

REPLICA_FAILURE = "ReplicaFailure"


class Flavour(Struct, frozen=True):
    """A kind of which there are as many pods as it says."""

    resource: str
    api_version: str
    kind: str
    selector: Callable[[Object], Selector]
    """Of one object; nothing must select nothing, so it never is the empty selector."""


REPLICA_SET = Flavour(resources.REPLICA_SETS, "apps/v1", "ReplicaSet", spec_selector)


class Observed(Struct, frozen=True, kw_only=True):
    """What a plan is made from."""

    flavour: Flavour = REPLICA_SET
    replica_set: Object
    pods: Sequence[Object]
    """The namespace's pods that it owns or might adopt."""
    related: Callable[[], Iterable[Object]]
    """All pods of its kind (its own, and those of its Deployment's other ReplicaSets)."""
    now: float


class Plan(Struct, frozen=True, kw_only=True):
    """What to do about a ReplicaSet's pods; at most one of create and delete."""

    adopt: tuple[Object, ...] = ()
    """New states of pods that become its own."""
    release: tuple[Object, ...] = ()
    """New states of pods that are let go."""
    create: int = 0
    delete: tuple[Object, ...] = ()


def plan(seen: Observed) -> Plan:
    """The pods to claim, create and delete."""
    obj = seen.replica_set
    flavour = seen.flavour
    claims = claim(obj, flavour.selector(obj), (pod for pod in seen.pods if is_active(pod)))
    adopt = tuple(adopted(pod, obj, flavour.api_version, flavour.kind) for pod in claims.adopt)
    release = tuple(without_owner(pod, uid_of(obj)) for pod in claims.release)
    if is_deleting(obj):
        return Plan()
    pods = [*claims.mine, *claims.adopt]
    surplus = len(pods) - _replicas(obj)
    if surplus <= 0:
        return Plan(adopt=adopt, release=release, create=min(-surplus, BURST))
    leaving = first_to_go(pods, seen.related(), min(surplus, BURST), seen.now)
    return Plan(adopt=adopt, release=release, delete=tuple(leaving))


def _replicas(obj: Object) -> int:
    return int(obj["spec"].get("replicas", 1))


def status_of(obj: Object, pods: Iterable[Object], failure: Object | None, now: float) -> Object:
    """The status of a ReplicaSet with these active pods; `failure` as `failed` gives it."""
    mine = [pod for pod in pods if is_active(pod)]
    spec = obj["spec"]
    labels = ((spec["template"].get("metadata") or {}).get("labels") or {}).items()
    pause = int(spec.get("minReadySeconds") or 0)
    ready = [pod for pod in mine if is_ready(pod)]
    available = ready if not pause else [p for p in ready if not available_in(p, pause, now)]
    numbers = {
        "fullyLabeledReplicas": sum(labels <= labels_of(pod).items() for pod in mine),
        "readyReplicas": len(ready),
        "availableReplicas": len(available),
        "observedGeneration": int(obj["metadata"].get("generation") or 0),
    }
    status = {"replicas": len(mine), **{key: number for key, number in numbers.items() if number}}
    before = (obj.get("status") or {}).get("conditions") or ()
    conditions = [item for item in before if item["type"] != REPLICA_FAILURE]
    if failure is not None:
        conditions += [item for item in before if item["type"] == REPLICA_FAILURE] or [failure]
    return {**status, "conditions": conditions} if conditions else status


def failed(what: Plan, error: Exception, now: float) -> Object:
    """The condition that says why pods could not be created or deleted."""
    return {
        "type": REPLICA_FAILURE,
        "status": "True",
        "lastTransitionTime": rfc3339(now),
        "reason": "FailedCreate" if what.create else "FailedDelete",
        "message": str(error),
    }


def new_pod(obj: Object, flavour: Flavour = REPLICA_SET) -> Object:
    """A pod as a ReplicaSet's template describes it."""
    template = obj["spec"]["template"]
    said = template.get("metadata") or {}
    metadata = {
        "generateName": f"{name_of(obj)}-",
        "namespace": namespace_of(obj),
        **{key: said[key] for key in ("labels", "annotations", "finalizers") if said.get(key)},
        "ownerReferences": [owner_reference(obj, flavour.api_version, flavour.kind)],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


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
