"""Structural schemas (apiextensions' v1): what is pruned, filled in, and refused. Pure.

A schema says of each value its type and its parts; what it doesn't name is dropped, unless it says
that unknown fields are kept. Its expressions (``x-kubernetes-validations``) are `rules`'.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from netemu.api.schema import (
    ANYTHING,
    TEXT,
    Array,
    Boolean,
    Bytes,
    Integer,
    IntOrString,
    Map,
    Number,
    Struct,
    Type,
)
from netemu.model.meta import Object, copied

Schema = Mapping[str, Any]

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"
RULES: Final = "x-kubernetes-validations"
_HEAD: Final = frozenset({"apiVersion", "kind", "metadata"})


def pruned(schema: Schema, value: Any, unknown: list[str], path: str = "") -> Any:
    """`value` without what the schema doesn't know; the paths of that are added to `unknown`."""
    if isinstance(value, list):
        items = _part(schema.get("items"))
        return [pruned(items, one, unknown, f"{path}[{at}]") for at, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    fields, others = schema.get("properties") or {}, schema.get("additionalProperties")
    keeps = bool(schema.get(PRESERVE))
    found = {}
    for name, item in value.items():
        below = f"{path}.{name}" if path else name
        if name in fields:
            found[name] = pruned(fields[name], item, unknown, below)
        elif others not in (None, False):
            found[name] = pruned(_part(others), item, unknown, below)
        elif keeps or (schema.get(EMBEDDED) and name in _HEAD):
            found[name] = item
        else:
            unknown.append(below)
    return found


def _part(schema: Any) -> Schema:
    """A schema of parts; where nothing is said of them, they are kept as they are."""
    return schema if isinstance(schema, dict) else {PRESERVE: True}


def defaulted(schema: Schema, value: Any) -> Any:
    """`value` with the schema's defaults; a null that may not be one gives way to them."""
    if isinstance(value, list):
        items = _part(schema.get("items"))
        return [defaulted(items, one) for one in value]
    if not isinstance(value, dict):
        return value
    found = dict(value)
    fields = schema.get("properties") or {}
    for name, field in fields.items():
        if "default" in field and _is_missing(field, found, name):
            found[name] = copied(field["default"])
        if name in found:
            found[name] = defaulted(field, found[name])
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        found |= {n: defaulted(others, item) for n, item in found.items() if n not in fields}
    return found


def _is_missing(field: Schema, value: Object, name: str) -> bool:
    return name not in value or (value[name] is None and not field.get("nullable"))


def type_of(schema: Schema) -> Type:
    """The type by which fields are owned."""
    if schema.get(INT_OR_STRING):
        return IntOrString()
    match schema.get("type"):
        case "object":
            return _object(schema)
        case "array":
            return _array(schema)
        case kind:
            return _PLAIN.get(str(kind), ANYTHING)


_PLAIN: Final[Mapping[str, Type]] = {
    "string": TEXT,
    "boolean": Boolean(),
    "integer": Integer(64),
    "number": Number(),
    "byte": Bytes(),
}


def _object(schema: Schema) -> Type:
    atomic = schema.get("x-kubernetes-map-type") == "atomic"
    fields, others = schema.get("properties"), schema.get("additionalProperties")
    if isinstance(others, dict):
        return Map(type_of(others), atomic)
    if not fields:
        return Map(ANYTHING, atomic)
    types = {name: type_of(field) for name, field in fields.items()}
    return Struct("object", types, _key_defaults(fields), frozenset(), atomic)


def _key_defaults(fields: Mapping[str, Schema]) -> Mapping[str, Any]:
    return {name: field["default"] for name, field in fields.items() if "default" in field}


def _array(schema: Schema) -> Type:
    items = type_of(_part(schema.get("items")))
    kind = schema.get("x-kubernetes-list-type", "atomic")
    if kind == "map" and not isinstance(items, Struct):
        kind = "atomic"
    return Array(items, kind, tuple(schema.get("x-kubernetes-list-map-keys") or ()))


def parts(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Every schema in a schema, with its path."""
    yield "", schema
    for name, field in (schema.get("properties") or {}).items():
        yield from ((f".properties[{name}]{path}", one) for path, one in parts(field))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from ((f".{key}{path}", one) for path, one in parts(schema[key]))
