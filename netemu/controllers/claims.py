"""Adoption and release: which of the objects in a namespace an owner controls.

As upstream's controller_ref_manager: what an owner controls but no longer selects is released,
what it selects and nobody controls is adopted; an owner or an object that is being deleted is left
as it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from msgspec import Struct

from netemu.model.client import Change, Client
from netemu.model.meta import (
    Key,
    Object,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    namespace_of,
    owner_reference,
    uid_of,
)
from netemu.model.selector import Operator, Selector, from_object, matches


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


def spec_selector(obj: Object) -> Selector:
    """What an owner's ``spec.selector`` selects; without one nothing, so it is never empty."""
    return from_object(obj["spec"].get("selector")) or ()


def touched_by(
    client: Client,
    resource: str,
    kind: str,
    change: Change,
    selector_of: Callable[[Object], Selector] = spec_selector,
) -> Iterator[Key]:
    """The owners of a kind that another object's change concerns: who controls or controlled it,
    and, of an orphan, who might adopt it.
    """
    for obj in (change.old, change.new):
        if obj is None:
            continue
        owner = controller_of(obj)
        if owner is not None and owner["kind"] == kind:
            yield namespace_of(obj), owner["name"]
        elif owner is None and obj is change.new:
            labels = labels_of(obj)
            for candidate in client.list(resource, namespace_of(obj)):
                wanted = selector_of(candidate)
                if wanted and matches(wanted, labels):
                    yield key_of(candidate)


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
