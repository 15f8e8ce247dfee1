"""The daemonset controller: looks, plans a step (`daemonsetplan`), takes it."""

from collections.abc import Iterable

from msgspec import Struct

from netemu.controllers.actions import Action, Create, Delete, WriteStatus, execute, namespace_ends
from netemu.controllers.claims import touched_by
from netemu.controllers.daemonpods import node_of
from netemu.controllers.daemonsetplan import Observed, plan
from netemu.controllers.index import Index, ownership
from netemu.controllers.pods import available_in, phase_of
from netemu.controllers.runner import Context
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

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 900.0
"""Waits before another failed pod of the same node is replaced (upstream's)."""


class _Failures(Struct, frozen=True):
    """Failures of one DaemonSet on one node."""

    pause: float
    until: float
    """Monotonic."""


class DaemonSetController:
    """Brings DaemonSets in line."""

    resources = (
        resources.DAEMON_SETS,
        resources.CONTROLLER_REVISIONS,
        resources.PODS,
        resources.NODES,
    )

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._owned = Index(context.client, ownership)
        self._failures: dict[tuple[Key, str], _Failures] = {}

    def observe(self, change: Change) -> Iterable[Key]:
        """A set's own change, its pods' and revisions', and a node's that may matter to any."""
        if change.resource == resources.DAEMON_SETS:
            if change.new is None:
                self._forget(key_of(change.object))
            return (key_of(change.object),)
        if change.resource == resources.NODES:
            if change.old and change.new and _seen(change.old) == _seen(change.new):
                return ()
            return [key_of(obj) for obj in self._client.list(resources.DAEMON_SETS)]
        self._owned.observe(change)
        return touched_by(self._client, resources.DAEMON_SETS, "DaemonSet", change)

    def _forget(self, key: Key) -> None:
        for entry in [entry for entry in self._failures if entry[0] == key]:
            del self._failures[entry]

    async def sync(self, key: Key) -> float | None:
        """Take one step for a DaemonSet."""
        obj = self._client.get(resources.DAEMON_SETS, *key)
        if obj is None:
            return None
        seen = self._look(obj)
        await self._execute(obj, plan(seen))
        return self._again(key, seen)

    def _look(self, obj: Object) -> Observed:
        namespace, now = namespace_of(obj), self._clock.monotonic()
        found: dict[str, list[Object]] = {
            resources.PODS: [],
            resources.CONTROLLER_REVISIONS: [],
        }
        for group in (("owner", uid_of(obj)), ("orphan", namespace)):
            for (resource, *_), item in self._owned.entries(group):
                found[resource].append(item)
        every = self._client.list(resources.CONTROLLER_REVISIONS, namespace)
        held = (
            node
            for (key, node), failures in self._failures.items()
            if key == key_of(obj) and failures.until > now
        )
        return Observed(
            daemon_set=obj,
            pods=found[resources.PODS],
            nodes=self._client.list(resources.NODES),
            revisions=found[resources.CONTROLLER_REVISIONS],
            taken=frozenset(map(name_of, every)),
            held_back=frozenset(held),
            now=self._clock.now(),
        )

    async def _execute(self, obj: Object, actions: list[Action]) -> None:
        """Do what the plan says; of pods made, deleted and refused the user is told."""

        def written(resource: str, new: Object) -> None:
            self._owned.put(resource, new)
            if resource == resources.PODS and isinstance(action, Create):
                words = f"Created pod: {name_of(new)}"
                self._recorder.event(obj, "Normal", "SuccessfulCreate", words)

        for action in actions:
            try:
                await execute(self._client, self._recorder, (action,), written)
            except Conflict:
                raise
            except ApiError as error:
                if namespace_ends(error):
                    return
                self._tell_refused(obj, action, error)
                status = [item for item in actions if isinstance(item, WriteStatus)]
                await execute(self._client, self._recorder, status)
                raise
            if isinstance(action, Delete) and action.resource == resources.PODS:
                self._note_failure(obj, action.obj)
                words = f"Deleted pod: {name_of(action.obj)}"
                self._recorder.event(obj, "Normal", "SuccessfulDelete", words)

    def _tell_refused(self, obj: Object, action: Action, error: ApiError) -> None:
        if isinstance(action, Create) and action.resource == resources.PODS:
            self._recorder.event(obj, "Warning", "FailedCreate", f"Error creating: {error}")
        elif isinstance(action, Delete):
            self._recorder.event(obj, "Warning", "FailedDelete", f"Error deleting: {error}")

    def _note_failure(self, obj: Object, pod: Object) -> None:
        """The next failure on that node is left for a while, twice as long each time."""
        if phase_of(pod) != "Failed":
            return
        now, entry = self._clock.monotonic(), (key_of(obj), node_of(pod))
        before = self._failures.get(entry)
        pause = FIRST_SECONDS
        if before is not None and now < before.until + 2 * LONGEST_SECONDS:
            pause = min(2 * before.pause, LONGEST_SECONDS)
        self._failures[entry] = _Failures(pause, now + pause)

    def _again(self, key: Key, seen: Observed) -> float | None:
        """When time alone changes something: a pod becomes available, a back-off ends."""
        pause = int(seen.daemon_set["spec"].get("minReadySeconds") or 0)
        waits = [available_in(pod, pause, seen.now) for pod in seen.pods] if pause else []
        now = self._clock.monotonic()
        waits += [self._failures[key, node].until - now for node in seen.held_back]
        return min((wait for wait in waits if wait and wait > 0), default=None)


def _seen(node: Object) -> tuple[object, object]:
    """What of a node matters to any DaemonSet."""
    return labels_of(node), (node.get("spec") or {}).get("taints")
