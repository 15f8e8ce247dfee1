"""Lists whose items differ: sets, and maps by keys (upstream's schema/listtype). Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from netemu.api.custom.structural import Schema
from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path
from netemu.api.validation.goformat import Literal, body, literal, quoted


def causes(schema: Schema, value: Any, path: Path) -> Causes:
    """Every item that is there twice."""
    if isinstance(value, list):
        yield from _list(schema, value, path)
    elif isinstance(value, dict):
        fields, others = schema.get("properties") or {}, schema.get("additionalProperties")
        for name, item in value.items():
            if name in fields:
                yield from causes(fields[name], item, path.child(name))
            elif isinstance(others, dict):
                yield from causes(others, item, path.key(name))


def _list(schema: Schema, value: list[Any], path: Path) -> Causes:
    match schema.get("x-kubernetes-list-type"):
        case "set":
            yield from _repeated(value, path)
        case "map":
            yield from _keyed(schema.get("x-kubernetes-list-map-keys") or (), value, path)
        case _:
            pass
    items = schema.get("items")
    if isinstance(items, dict):
        for number, item in enumerate(value):
            yield from causes(items, item, path.index(number))


def _keyed(keys: Sequence[str], value: list[Any], path: Path) -> Causes:
    for number, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            rule = "must be an object for an array of list-type map"
            yield field.invalid(path.index(number), shown(item), rule)
            return
    found = ((item or {}) for item in value)
    yield from _repeated([{key: one[key] for key in keys if key in one} for one in found], path)


def _repeated(values: list[Any], path: Path) -> Causes:
    """Each second appearance; a third one is not told again."""
    seen: dict[str, int] = {}
    for number, value in enumerate(values):
        identity = repr(value)
        seen[identity] = seen.get(identity, 0) + 1
        if seen[identity] == 2:
            yield field.duplicate(path.index(number), shown(value))


def shown(value: Any) -> Any:
    """A value as messages show it: objects and lists as Go prints them."""
    return Literal(_go(value)) if isinstance(value, dict | list) else Literal(body(value))


def _go(value: Any) -> str:
    match value:
        case dict():
            items = ", ".join(f"{quoted(key)}:{_go(value[key])}" for key in sorted(value))
            return f"map[string]interface {{}}{{{items}}}"
        case list():
            return f"[]interface {{}}{{{', '.join(map(_go, value))}}}"
        case None:
            return "interface {}(nil)"
        case _:
            return literal(value)


def earlier_items(schema: Schema, old: Any) -> Any:
    """Finds what an item of a list was: by its keys, where the list has keys."""
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list):
        return lambda item: None
    known = {_identity(item, keys): item for item in old if isinstance(item, dict)}
    return lambda item: known.get(_identity(item, keys)) if isinstance(item, dict) else None


def _identity(item: Mapping[str, Any], keys: Any) -> tuple[str, ...]:
    return tuple(repr(item.get(key)) for key in keys)
