"""What the path of a write needs around a stored object: as a kind has it, as it would be. Pure."""

from collections.abc import Callable

import msgspec

from netemu.api import views
from netemu.model.meta import Key, Object
from netemu.model.resources import Resource
from netemu.store.base import Record

_encode = msgspec.json.Encoder().encode


def seen(resource: Resource, record: Record) -> Object:
    """A stored object as its kind has it now."""
    return views.shown(resource, record.obj) if resource.custom else record.obj


def warned(new: Object, old: Object | None, warnings: list[str]) -> None:
    """Tell the writer of a custom object what might be better."""
    if new["metadata"].get("finalizers"):
        from netemu.api.custom import objects  # late: few objects have finalizers

        said = objects.warnings(new, old)
        warnings.extend(text for text in said if text not in warnings)


def converting(view: Resource, change: Callable[[Object], Object]) -> Callable[[Object], Object]:
    """A change of the stored object that does what `change` does to a view of it."""
    return lambda obj: views.stored(view, change(views.shown(view, obj)))


def unstored(resource: Resource, key: Key, obj: Object, revision: int) -> Record:
    """An object as it would have been stored."""
    stamped = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}
    if not revision:
        del stamped["metadata"]["resourceVersion"]
    return Record(resource.key, key, revision, stamped, _encode(stamped))
