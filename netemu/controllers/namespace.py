"""The namespace controller: empties a namespace that is being deleted, then lets it go."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from netemu.clock import rfc3339
from netemu.controllers.actions import Action, Delete, WriteStatus, execute
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import EVERYTHING, Change
from netemu.model.errors import NotFound
from netemu.model.meta import Object, is_deleting, name_of, namespace_of
from netemu.model.resources import Resource


def contents(kinds: Iterable[Resource]) -> list[str]:
    """The resources that live in namespaces, in the order in which they are deleted."""
    return sorted(
        (kind.key for kind in kinds if kind.namespaced),
        # Owners first, so that nobody replaces what is being deleted.
        key=lambda key: ("." not in key, key),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a plan is made from."""

    namespace: Object
    contents: Mapping[str, Sequence[Object]]
    """Objects by resource, without the resources that have none."""
    now: float


def plan(seen: Observed) -> list[Action]:
    """What to delete, and what to say about that which doesn't go at once.

    Nothing to do and no contents means that the namespace can go.
    """
    actions: list[Action] = [
        Delete(resource, obj, propagation="Background")
        for resource, objects in seen.contents.items()
        for obj in objects
        if not is_deleting(obj)
    ]
    if actions or not seen.contents:
        return actions
    before = seen.namespace.get("status") or {}
    status = {**before, "conditions": _conditions(seen)}
    return [] if status == before else [WriteStatus(resources.NAMESPACES, seen.namespace, status)]


def _conditions(seen: Observed) -> list[Object]:
    """Upstream's five, in its words (pkg/controller/namespace/deletion/status_condition_utils.go).

    The first three tell of failures that cannot happen here.
    """
    finalizers: dict[str, int] = {}
    for obj in (obj for objects in seen.contents.values() for obj in objects):
        for finalizer in obj["metadata"].get("finalizers") or ():
            finalizers[finalizer] = finalizers.get(finalizer, 0) + 1
    remaining = ", ".join(
        f"{key if '.' in key else f'{key}.'} has {len(objects)} resource instances"
        for key, objects in seen.contents.items()
    )
    held = ", ".join(
        f"{finalizer} in {count} resource instances" for finalizer, count in finalizers.items()
    )
    said = [
        ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered",
         "All resources successfully discovered"),
        ("NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions",
         "All legacy kube types successfully parsed"),
        ("NamespaceDeletionContentFailure", "False", "ContentDeleted",
         "All content successfully deleted, may be waiting on finalization"),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain",
         f"Some resources are remaining: {remaining}"),
        ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
         f"Some content in the namespace has finalizers remaining: {held}")
        if held
        else ("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers",
              "All content-preserving finalizers finished"),
    ]  # fmt: skip
    return [_condition(seen, *words) for words in said]


def _condition(seen: Observed, kind: str, status: str, reason: str, message: str) -> Object:
    since = rfc3339(seen.now)
    for item in (seen.namespace.get("status") or {}).get("conditions") or ():
        if item["type"] == kind and item["status"] == status:
            since = item.get("lastTransitionTime", since)
    return {
        "type": kind,
        "status": status,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }


class NamespaceController:
    """Empties namespaces."""

    resources = (EVERYTHING,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._clock = context.clock
        self._ending: set[str] = set()

    def observe(self, change: Change) -> Iterable[str]:
        """A namespace's own change, and whatever changes in one that ends."""
        if change.resource != resources.NAMESPACES:
            namespace = namespace_of(change.object)
            return (namespace,) if namespace in self._ending else ()
        name = name_of(change.object)
        if change.new is None or not is_deleting(change.new):
            self._ending.discard(name)
            return ()
        self._ending.add(name)
        return (name,)

    async def sync(self, key: str) -> float | None:
        """Delete what is in an ending namespace; when nothing is left, the namespace."""
        # The second look says what did not go at once, or that all is gone.
        for _ in range(2):
            seen = self._look(key)
            if seen is None:
                return None
            if not seen.contents:
                with suppress(NotFound):
                    await self._client.finalize(key)
                return None
            await execute(self._client, self._recorder, plan(seen))
        return None

    def _look(self, name: str) -> Observed | None:
        namespace = self._client.get(resources.NAMESPACES, "", name)
        if namespace is None or not is_deleting(namespace):
            return None
        listed = {key: self._client.list(key, name) for key in contents(self._client.kinds())}
        return Observed(
            namespace=namespace,
            contents={key: objects for key, objects in listed.items() if objects},
            now=self._clock.now(),
        )
