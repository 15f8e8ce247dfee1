"""Adoption and release: which of the objects in a namespace an owner controls.

As upstream's controller_ref_manager: what an owner controls but no longer selects is released,
what it selects and nobody controls is adopted; an owner or an object that is being deleted is left
as it is.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from msgspec import Struct

from netemu.model.meta import Object, controller_of, is_deleting, labels_of, owner_reference, uid_of
from netemu.model.selector import Operator, Selector, matches


class Claims(Struct, frozen=True):
    """The outcome for one owner."""

    mine: tuple[Object, ...]
    """Controlled already, and selected."""
    adopt: tuple[Object, ...]
    release: tuple[Object, ...]


def claim(owner: Object, selector: Selector, candidates: Iterable[Object]) -> Claims:
    """Sort `candidates` (of the owner's namespace) into what to keep, adopt and release."""
    mine, adopt, release = [], [], []
    uid, leaving = uid_of(owner), is_deleting(owner)
    selects = _compiled(selector)
    for obj in candidates:
        holder = controller_of(obj)
        selected = selects(labels_of(obj))
        if holder is None:
            if selected and not leaving and not is_deleting(obj):
                adopt.append(obj)
        elif holder["uid"] == uid:
            if selected:
                mine.append(obj)
            elif not leaving:
                release.append(obj)
    return Claims(tuple(mine), tuple(adopt), tuple(release))


def _compiled(selector: Selector) -> Callable[[Mapping[str, str]], bool]:
    """`matches` with the selector given; the usual kind, equalities, in one comparison of sets."""
    if all(item.operator is Operator.IN and len(item.values) == 1 for item in selector):
        equal = {item.key: item.values[0] for item in selector}.items()
        return lambda labels: equal <= labels.items()
    return partial(matches, selector)


def adopted(obj: Object, owner: Object, api_version: str, kind: str) -> Object:
    """`obj`, controlled by `owner`."""
    others = without_owner(obj, uid_of(owner))["metadata"].get("ownerReferences") or ()
    owners = [*others, owner_reference(owner, api_version, kind)]
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": owners}}


def without_owner(obj: Object, *uids: str) -> Object:
    """`obj` without its references to these owners."""
    owners = [
        owner
        for owner in obj["metadata"].get("ownerReferences") or ()
        if owner.get("uid") not in uids
    ]
    metadata = {key: value for key, value in obj["metadata"].items() if key != "ownerReferences"}
    if owners:
        metadata["ownerReferences"] = owners
    return {**obj, "metadata": metadata}
