"""Where an object keeps what a Scale shows: built-in kinds in one way, custom ones as they say."""

from typing import Any, Final

from msgspec import Struct

from netemu.model.meta import Object


class ScalePaths(Struct, frozen=True):
    """Simple JSONPaths, ``.spec.replicas``; "" for what there isn't."""

    replicas: str = ".spec.replicas"
    current: str = ".status.replicas"
    selector: str = ".spec.selector"


USUAL: Final = ScalePaths()
"""Where built-in kinds keep it."""


def at(obj: Object, path: str) -> Any:
    """What is under a path; None when nothing is."""
    found: Any = obj
    for step in path.split(".")[1:]:
        found = found.get(step) if isinstance(found, dict) else None
    return found


def with_value(obj: Object, path: str, value: Any) -> Object:
    """`obj` with another value under a path."""
    return _put(obj, path.split(".")[1:], value)


def _put(obj: Object, steps: list[str], value: Any) -> Object:
    first, *rest = steps
    inner = obj.get(first)
    if not rest:
        return {**obj, first: value}
    return {**obj, first: _put(inner if isinstance(inner, dict) else {}, rest, value)}
