"""The garbage collector: what is owned goes with its owners.

An owner counts as there only if an object of that kind, name *and* uid exists: a recreated owner is
another one. Owners that are deleted in the foreground wait for the dependents that block them;
orphaned dependents lose the reference instead of their life (upstream: pkg/controller/
garbagecollector).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from netemu.controllers.actions import Action, Delete, Update, execute
from netemu.controllers.claims import without_owner
from netemu.controllers.index import Entry, Index
from netemu.controllers.runner import Context
from netemu.model import resources
from netemu.model.client import EVERYTHING, Change, Client
from netemu.model.meta import Object, is_deleting, key_of, namespace_of, uid_of

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
"""Finalizers that the API sets for propagationPolicy Foreground and Orphan."""


class Owner(StrEnum):
    """How it stands with one owner of an object."""

    SOLID = "there"
    ABSENT = "gone"
    WAITING = "being deleted in the foreground, waiting for its dependents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a plan is made from."""

    resource: str
    obj: Object
    owners: Sequence[tuple[Object, Owner]]
    """The object's owner references, each with what is known of the owner."""
    dependents: Sequence[tuple[str, Object]]
    """(resource, object) of all that this object owns."""


def plan(seen: Observed) -> list[Action]:
    """Delete the object, drop references, or finish its own deletion."""
    if is_deleting(seen.obj):
        finalizers = seen.obj["metadata"].get("finalizers") or ()
        if ORPHAN in finalizers:
            return _orphan(seen)
        return _foreground(seen) if FOREGROUND in finalizers else []
    if not seen.owners:
        return []
    solid = [reference for reference, owner in seen.owners if owner is Owner.SOLID]
    others = [reference["uid"] for reference, owner in seen.owners if owner is not Owner.SOLID]
    if solid:
        return [Update(seen.resource, without_owner(seen.obj, *others))] if others else []
    waited_for = any(owner is Owner.WAITING for _, owner in seen.owners)
    if waited_for and seen.dependents:
        # The owner waits for all below it, so this object waits for its own dependents, too.
        return [Delete(seen.resource, seen.obj, propagation="Foreground")]
    return [Delete(seen.resource, seen.obj, propagation=_policy(seen.obj))]


def _policy(obj: Object) -> str:
    finalizers = obj["metadata"].get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def _orphan(seen: Observed) -> list[Action]:
    """Set the dependents free, then let the object go."""
    uid = uid_of(seen.obj)
    freed = [Update(resource, without_owner(obj, uid)) for resource, obj in seen.dependents]
    return [*freed, Update(seen.resource, _without_finalizer(seen.obj, ORPHAN))]


def _foreground(seen: Observed) -> list[Action]:
    """Let the object go when nothing blocks it; its dependents are looked at for themselves."""
    if any(_blocks(obj, seen.obj) for _, obj in seen.dependents):
        return []
    return [Update(seen.resource, _without_finalizer(seen.obj, FOREGROUND))]


def _blocks(dependent: Object, owner: Object) -> bool:
    return any(
        reference.get("blockOwnerDeletion") and reference["uid"] == uid_of(owner)
        for reference in dependent["metadata"].get("ownerReferences") or ()
    )


def _without_finalizer(obj: Object, finalizer: str) -> Object:
    left = [item for item in obj["metadata"]["finalizers"] if item != finalizer]
    return {**obj, "metadata": {**obj["metadata"], "finalizers": left}}


def owned(obj: Object) -> Iterable[str]:
    """The uids of the owners; the groups of the collector's index."""
    return (owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ())


def standing(client: Client, reference: Object, namespace: str) -> Owner:
    """How it stands with an owner of an object in `namespace`.

    An owner of a kind that isn't served cannot be judged, so it counts as there.
    """
    resource = kind_of(client, reference)
    if resource is None:
        return Owner.SOLID
    owner = client.get(resource.key, namespace if resource.namespaced else "", reference["name"])
    if owner is None or uid_of(owner) != reference["uid"]:
        return Owner.ABSENT
    finalizers = owner["metadata"].get("finalizers") or ()
    if is_deleting(owner) and FOREGROUND in finalizers:
        return Owner.WAITING
    return Owner.SOLID


def kind_of(client: Client, reference: Object) -> resources.Resource | None:
    """The kind that a reference names, in whichever version; None when it isn't served."""
    found = resources.BY_KIND.get((reference["apiVersion"], reference["kind"]))
    if found is not None:
        return found
    what = reference["apiVersion"].rpartition("/")[0], reference["kind"]
    return next((kind for kind in client.kinds() if (kind.group, kind.kind) == what), None)


class GarbageCollector:
    """Follows all objects and deletes the ownerless."""

    resources = (EVERYTHING,)

    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._recorder = context.recorder
        self._dependents = Index(context.client, owned)

    def observe(self, change: Change) -> Iterable[Entry]:
        """An object with owners, what a gone or going owner had, and owners that wait for it."""
        if change.resource == resources.EVENTS:  # nobody owns them, and they are many
            return
        obj, new = change.object, change.new
        uids = set(owned(obj)) | (set(owned(change.old)) if change.old is not None else set())
        if uids:
            self._dependents.observe(change)
        if new is not None and _newly_due(change.old, new):
            yield (change.resource, *key_of(new))
        if new is None or _finishes(new):
            for entry, _ in self._dependents.entries(uid_of(obj)):
                yield entry
        if uids and (new is None or is_deleting(new) or change.old is not None):
            yield from self._waiting_owners(obj)

    def _waiting_owners(self, obj: Object) -> Iterable[Entry]:
        namespace = namespace_of(obj)
        for reference in obj["metadata"].get("ownerReferences") or ():
            if standing(self._client, reference, namespace) is Owner.WAITING:
                resource = kind_of(self._client, reference)
                assert resource is not None  # else nobody would wait
                where = namespace if resource.namespaced else ""
                yield resource.key, where, reference["name"]

    async def sync(self, key: Entry) -> float | None:
        """Judge one object."""
        obj = self._client.get(*key)
        if obj is None:
            return None
        references = obj["metadata"].get("ownerReferences") or ()
        seen = Observed(
            resource=key[0],
            obj=obj,
            owners=[(item, standing(self._client, item, key[1])) for item in references],
            dependents=[(entry[0], item) for entry, item in self._dependents.entries(uid_of(obj))],
        )
        await execute(self._client, self._recorder, plan(seen))
        return None


def _newly_due(old: Object | None, new: Object) -> bool:
    """Whether the object itself must be judged: its owners are news, or its deletion is."""
    references = new["metadata"].get("ownerReferences")
    if old is None:
        return bool(references) or _finishes(new)
    changed = references != old["metadata"].get("ownerReferences")
    return bool(references and changed) or (_finishes(new) and not _finishes(old))


def _finishes(obj: Object) -> bool:
    """Whether it is being deleted in a way that the collector has to finish."""
    finalizers = obj["metadata"].get("finalizers") or ()
    return is_deleting(obj) and (FOREGROUND in finalizers or ORPHAN in finalizers)
