"""Small steps that defaults are made of."""

from typing import Any

from netemu.model.meta import Object


def child(parent: Object, key: str) -> Object:
    """The map under a key; made if it is absent or null."""
    found = parent.get(key)
    if found is None:
        found = parent[key] = {}
    return dict_of(found)


def dict_of(value: Any) -> Object:
    """`value`, known to be a map: the schema was checked before."""
    assert isinstance(value, dict)
    return value


def fill(target: Object, **defaults: Any) -> None:
    """Set what is absent, null, "" or 0: what Go cannot tell from absent."""
    for key, value in defaults.items():
        if target.get(key) in (None, "", 0):
            target[key] = value


def fill_absent(target: Object, **defaults: Any) -> None:
    """Set what is absent or null: a pointer in Go, so 0 and "" are values."""
    for key, value in defaults.items():
        if target.get(key) is None:
            target[key] = value


def drop_zero(target: Object, *keys: str) -> None:
    """Drop fields that hold Go's zero value."""
    for key in keys:
        if key in target and not target[key]:
            del target[key]
