"""What a definition's schema may say of lists and maps: sets, keys, merging. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from netemu.api.custom.structural import Schema
from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path
from netemu.api.validation.goformat import strings

LIST: Final = "x-kubernetes-list-type"
KEYS: Final = "x-kubernetes-list-map-keys"
MAP: Final = "x-kubernetes-map-type"


def rules(schema: Schema, path: Path) -> Causes:
    """One schema, without its parts."""
    yield from _kind(schema, path, MAP, "object", ("atomic", "granular"))
    yield from _kind(schema, path, LIST, "array", ("atomic", "set", "map"))
    kind, keys = schema.get(LIST), schema.get(KEYS) or ()
    if keys and kind != "map":
        rule = "must be map if x-kubernetes-list-map-keys is non-empty"
        at = path.child(LIST)
        yield field.required(at, rule) if kind is None else field.invalid(at, kind, rule)
    items = schema.get("items")
    if kind == "set" and isinstance(items, dict):
        yield from _set_items(items, path.child("items"))
    if kind == "map":
        yield from _keyed(schema, keys, path)
    if kind in ("set", "map") and isinstance(items, dict) and items.get("nullable"):
        rule = f"cannot be nullable when x-kubernetes-list-type is {kind}"
        yield field.forbidden(path.child("items", "nullable"), rule)


def _kind(schema: Schema, path: Path, key: str, wanted: str, known: Sequence[str]) -> Causes:
    said, kind = schema.get(key), schema.get("type") or ""
    if said is None:
        return
    if kind != wanted:
        rule, at = f"must be {wanted} if {key} is specified", path.child("type")
        yield field.invalid(at, kind, rule) if kind else field.required(at, rule)
    if said not in known:
        yield field.not_supported(path.child(key), said, known)


def _set_items(items: Schema, path: Path) -> Causes:
    rule = "must be atomic as item of a list with x-kubernetes-list-type=set"
    match items.get("type"):
        case "array" if items.get(LIST) not in (None, "atomic"):
            yield field.invalid(path.child(LIST), items[LIST], rule)
        case "object" if items.get(MAP) != "atomic":
            yield field.invalid(path.child(MAP), items.get(MAP), rule)
        case _:
            pass


def _keyed(schema: Schema, keys: Sequence[str], path: Path) -> Causes:
    if not keys:
        rule = "must not be empty if x-kubernetes-list-type is map"
        yield field.required(path.child(KEYS), rule)
    items: Any = schema.get("items")
    if not isinstance(items, dict):
        rule = "must have a schema if x-kubernetes-list-type is map"
        yield field.required(path.child("items"), rule)
        return
    below = path.child("items")
    if items.get("type") != "object":
        rule = "must be object if parent array's x-kubernetes-list-type is map"
        yield field.invalid(below.child("type"), items.get("type") or "", rule)
        return
    for number, key in enumerate(keys):
        yield from _key(items, key, below, path.child(KEYS), keys)
        if key in keys[:number]:
            yield field.invalid(
                path.child(KEYS), _shown(keys), "must not contain duplicate entries"
            )


def _key(items: Schema, key: str, path: Path, said: Path, keys: Sequence[str]) -> Causes:
    part = (items.get("properties") or {}).get(key)
    if part is None:
        yield field.invalid(said, _shown(keys), "entries must all be names of item properties")
        return
    at = path.child("properties").key(key)
    if part.get("type") in ("array", "object"):
        rule = "must be a scalar type if parent array's x-kubernetes-list-type is map"
        yield field.invalid(at.child("type"), items["type"], rule)
    if key not in (items.get("required") or ()) and part.get("default") is None:
        rule = (
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
            "required property"
        )
        yield field.required(at.child("default"), rule)
    if part.get("nullable"):
        rule = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
        yield field.forbidden(at.child("nullable"), rule)


def _shown(keys: Sequence[str]) -> Any:
    from netemu.api.validation.goformat import Literal

    return Literal(strings(list(keys)))
