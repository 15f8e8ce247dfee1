"""ControllerRevisions: which template a StatefulSet or DaemonSet had when (pkg/controller/history).

A revision's data is the patch that brings its template back, so ``kubectl rollout undo`` only has
to send it. A template that returns gets its old revision back, under the old name and with the
newest number.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec import Struct

from netemu.controllers.actions import Action, Create, Delete, Update
from netemu.controllers.pods import created_at
from netemu.controllers.podtemplate import normal, template_hash
from netemu.model import resources
from netemu.model.meta import (
    Object,
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)

HASH_LABEL = "controller-revision-hash"
"""On pods, and on a DaemonSet's revisions: which revision they are of."""

LONGEST_PARENT = 223
"""Characters of the owner's name in a revision's."""

_NOT_COPIED = "kubectl.kubernetes.io/last-applied-configuration"


class Revised(Struct, frozen=True, kw_only=True):
    """The revision of the current template."""

    update: Object | None
    """None: its name is taken by another template's."""
    number: str
    """The hash in its name."""
    ordered: tuple[Object, ...]
    """All revisions, the oldest first; with `update`."""
    actions: tuple[Action, ...] = ()
    """What stores it, if that is to be done."""


def template_of(revision: Object) -> Object:
    """The pod template that a revision keeps."""
    found: Object = (revision.get("data") or {}).get("spec", {}).get("template", {})
    return {key: value for key, value in found.items() if key != "$patch"}


def in_order(revisions: Iterable[Object]) -> list[Object]:
    """The oldest first."""
    return sorted(revisions, key=lambda item: (number_of(item), created_at(item), name_of(item)))


def number_of(revision: Object) -> int:
    """The number by which ``kubectl rollout history`` shows it."""
    return int(revision.get("revision") or 0)


def revise(
    owner: Object,
    kind: str,
    owned: Sequence[Object],
    taken: Collection[str],
    hash_label: str = "controller.kubernetes.io/hash",
) -> Revised:
    """Find, renumber or make the revision of an owner's template.

    `taken`: names of all revisions in the namespace; `hash_label`: the one that bears the hash.
    """
    template, ordered = owner["spec"]["template"], in_order(owned)
    collisions = (owner.get("status") or {}).get("collisionCount")
    wanted = normal(template)
    equal = [item for item in ordered if normal(template_of(item)) == wanted]
    newest = number_of(ordered[-1]) if ordered else 0
    if equal:
        return _known(equal[-1], ordered, newest)
    number = template_hash(template, collisions)
    name = f"{name_of(owner)[:LONGEST_PARENT]}-{number}"
    if name in taken:
        return Revised(update=None, number=number, ordered=tuple(ordered))
    made = _new(owner, kind, name, newest + 1, {hash_label: number})
    create = Create(resources.CONTROLLER_REVISIONS, made)
    return Revised(update=made, number=number, ordered=(*ordered, made), actions=(create,))


def _known(found: Object, ordered: Sequence[Object], newest: int) -> Revised:
    number = name_of(found).rpartition("-")[2]
    if found is ordered[-1]:
        return Revised(update=found, number=number, ordered=tuple(ordered))
    renumbered = {**found, "revision": newest + 1}
    others = [item for item in ordered if item is not found]
    return Revised(
        update=renumbered,
        number=number,
        ordered=(*others, renumbered),
        actions=(Update(resources.CONTROLLER_REVISIONS, renumbered),),
    )


def _new(owner: Object, kind: str, name: str, number: int, labels: dict[str, str]) -> Object:
    template = owner["spec"]["template"]
    own = (template.get("metadata") or {}).get("labels") or {}
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace_of(owner),
        "labels": {**own, **labels},
        "ownerReferences": [owner_reference(owner, "apps/v1", kind)],
    }
    annotations = {k: v for k, v in annotations_of(owner).items() if k != _NOT_COPIED}
    if annotations:
        metadata["annotations"] = annotations
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": metadata,
        "data": {"spec": {"template": {"$patch": "replace", **template}}},
        "revision": number,
    }


def superfluous(
    revised: Revised, pods: Iterable[Object], limit: int, live: Collection[str]
) -> list[Action]:
    """Delete the oldest revisions past the history limit that no pod is of.

    `live`: names of revisions that are never history.
    """
    used = {labels_of(pod).get(HASH_LABEL, "") for pod in pods}
    history = [
        item
        for item in revised.ordered
        if name_of(item) not in live
        and name_of(item) not in used
        and labels_of(item).get(HASH_LABEL, name_of(item)) not in used
    ]
    return [
        Delete(resources.CONTROLLER_REVISIONS, item)
        for item in history[: max(0, len(history) - limit)]
    ]
