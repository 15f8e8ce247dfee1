"""The statefulset controller: looks, plans a step (`statefulsetplan`), takes it."""

from collections.abc import Iterable

from netemu.controllers import statefulpods
from netemu.controllers.actions import Action, Create, WriteStatus, execute, namespace_ends
from netemu.controllers.claims import touched_by
from netemu.controllers.index import Index, ownership
from netemu.controllers.pods import available_in
from netemu.controllers.runner import Context
from netemu.controllers.statefulsetplan import Observed, plan
from netemu.controllers.statefulspec import claims_needed
from netemu.model import resources
from netemu.model.client import Change
from netemu.model.errors import ApiError, Conflict
from netemu.model.meta import (
    Key,
    Object,
    key_of,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)

REST_SECONDS = 0.2
"""How long the name of a pod that went stays free. kubectl, waiting for a deletion, looks once at
the pod and then lists it: a new pod of that name in between would be waited for instead, for ever.
On a cluster of many machines nothing is ever that quick.
"""


class StatefulSetController:
    """Brings StatefulSets in line."""

    resources = (
        resources.STATEFUL_SETS,
        resources.CONTROLLER_REVISIONS,
        resources.PERSISTENT_VOLUME_CLAIMS,
        resources.PODS,
    )

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._owned = Index(context.client, ownership)
        self._went: dict[Key, float] = {}
        """When pods went (monotonic)."""

    def observe(self, change: Change) -> Iterable[Key]:
        """A set's own change, its pods' and revisions', and the end of a claim."""
        if change.resource == resources.STATEFUL_SETS:
            return (key_of(change.object),)
        if change.resource == resources.PERSISTENT_VOLUME_CLAIMS:
            return self._users(change)
        self._owned.observe(change)
        gone = change.resource == resources.PODS and change.new is None
        if gone and statefulpods.POD_NAME in labels_of(change.object):
            self._went[key_of(change.object)] = self._clock.monotonic()
        return touched_by(self._client, resources.STATEFUL_SETS, "StatefulSet", change)

    def _users(self, change: Change) -> Iterable[Key]:
        """A claim that has gone makes room for a new one."""
        if change.new is not None:
            return
        name = name_of(change.object)
        for obj in self._client.list(resources.STATEFUL_SETS, namespace_of(change.object)):
            ordinal = statefulpods.ordinal_of(change.object)
            if name in statefulpods.claim_names(obj, ordinal).values():
                yield key_of(obj)

    async def sync(self, key: Key) -> float | None:
        """Take one step for a StatefulSet."""
        obj = self._client.get(resources.STATEFUL_SETS, *key)
        if obj is None:
            return None
        seen = self._look(obj)
        await self._execute(obj, plan(seen))
        waits = [_next_available(obj, seen), REST_SECONDS if seen.resting else None]
        return min((wait for wait in waits if wait is not None), default=None)

    def _resting(self, namespace: str) -> frozenset[str]:
        """Names that rest; those that have rested are forgotten."""
        before = self._clock.monotonic() - REST_SECONDS
        self._went = {key: when for key, when in self._went.items() if when > before}
        return frozenset(name for where, name in self._went if where == namespace)

    def _look(self, obj: Object) -> Observed:
        namespace = namespace_of(obj)
        found: dict[str, list[Object]] = {
            resources.PODS: [],
            resources.CONTROLLER_REVISIONS: [],
        }
        for group in (("owner", uid_of(obj)), ("orphan", namespace)):
            for (resource, *_), item in self._owned.entries(group):
                found[resource].append(item)
        claims = {}
        for name in claims_needed(obj, found[resources.PODS]):
            claim = self._client.get(resources.PERSISTENT_VOLUME_CLAIMS, namespace, name)
            if claim is not None:
                claims[name] = claim
        every = self._client.list(resources.CONTROLLER_REVISIONS, namespace)
        return Observed(
            stateful_set=obj,
            pods=found[resources.PODS],
            revisions=found[resources.CONTROLLER_REVISIONS],
            claims=claims,
            taken=frozenset(map(name_of, every)),
            resting=self._resting(namespace),
            now=self._clock.now(),
        )

    async def _execute(self, obj: Object, actions: list[Action]) -> None:
        """Do what the plan says; of what is refused the user is told, and the status is written."""
        for action in actions:
            try:
                await execute(self._client, self._recorder, (action,), self._written)
            except Conflict:
                raise
            except ApiError as error:
                if namespace_ends(error):
                    return
                if isinstance(action, Create):
                    self._tell(obj, action, error)
                status = [item for item in actions if isinstance(item, WriteStatus)]
                await execute(self._client, self._recorder, status)
                raise

    def _written(self, resource: str, obj: Object) -> None:
        if resource in (resources.PODS, resources.CONTROLLER_REVISIONS):
            self._owned.put(resource, obj)

    def _tell(self, obj: Object, action: Create, error: ApiError) -> None:
        name, owner = name_of(action.obj), name_of(obj)
        if action.resource == resources.PODS:
            message = f"create Pod {name} in StatefulSet {owner} failed error: {error}"
        elif action.resource == resources.PERSISTENT_VOLUME_CLAIMS:
            pod = f"{owner}-{statefulpods.ordinal_of(action.obj)}"
            message = (
                f"create Claim {name} for Pod {pod} in StatefulSet {owner} failed error: {error}"
            )
        else:
            return
        self._recorder.event(obj, "Warning", "FailedCreate", message)


def _next_available(obj: Object, seen: Observed) -> float | None:
    """When the next ready pod will have been ready long enough; time alone brings it."""
    pause = int(obj["spec"].get("minReadySeconds") or 0)
    if not pause:
        return None
    waits = (available_in(pod, pause, seen.now) for pod in seen.pods)
    return min((wait for wait in waits if wait), default=None)
