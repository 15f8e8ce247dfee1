"""What a status must have, so that whoever reads it can rely on it; pure.

Go's readers get an empty string where a list's item lacks its key; ours would trip. So the few
lists that components and tables look things up in are judged at the door.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from netemu.model.errors import Cause
from netemu.model.meta import Object

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "conditions": ("type", "status"),
    "addresses": ("type", "address"),
    "containerStatuses": ("name",),
    "initContainerStatuses": ("name",),
}
"""Lists in a status, and what each of their items must have."""


def broken_rules(obj: Object) -> Iterator[Cause]:
    """Every item without its key."""
    status = obj.get("status")
    if not isinstance(status, dict):  # of a kind whose schema says nothing
        return
    for field, keys in _KEYS.items():
        items = status.get(field)
        for index, item in enumerate(items if isinstance(items, list) else ()):
            for key in keys:
                if isinstance(item, dict) and not item.get(key):
                    place = f"status.{field}[{index}].{key}"
                    yield Cause("FieldValueRequired", "Required value", place)
