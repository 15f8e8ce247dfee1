"""What is asked of each version of a definition: its schema, subresources and columns. Pure.

Source: apiextensions/validation. Expressions (``x-kubernetes-validations``) are kept, not judged.
"""

from typing import Any, Final

from netemu.api.custom import conformance
from netemu.api.custom.structural import INT_OR_STRING, PRESERVE, Schema, parts, pruned
from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path
from netemu.model.meta import Object

_TYPES: Final = ("boolean", "date", "integer", "number", "string")
_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_WORDS: Final = {
    "items": "specified array items",
    "additionalProperties": "specified object fields",
}
_FORBIDDEN: Final = {
    "definitions": "definitions is not supported",
    "dependencies": "dependencies is not supported",
    "id": "id is not supported",
    "additionalItems": "additionalItems is not supported",
    "patternProperties": "patternProperties is not supported",
    "$ref": "$ref is not supported",
}


def version_rules(version: Object, path: Path) -> Causes:
    """One version of a definition."""
    yield from _schema(version, path.child("schema", "openAPIV3Schema"))
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        yield from _scale(scale, path.child("subresources"))
    for number, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(column, path.child("additionalPrinterColumns").index(number))


def _schema(version: Object, path: Path) -> Causes:
    given = (version.get("schema") or {}).get("openAPIV3Schema")
    if given is None:
        yield field.required(path, "schemas are required")
        return
    if given.get("type") != "object":
        if given.get("type"):
            yield field.invalid(path.child("type"), given["type"], "must be object at the root")
        else:
            yield field.required(path.child("type"), "must not be empty at the root")
        return
    if given.get("nullable"):
        yield field.forbidden(path.child("nullable"), "nullable cannot be true at the root")
    for below, one in parts(given):
        at = Path(f"{path}{below}")
        yield from _typed(one, below, at)
        yield from _whole(one, at)
        yield from _list(one, at)
        yield from _default(one, at)


def _typed(one: Schema, below: str, path: Path) -> Causes:
    if not one.get("type") and not one.get(INT_OR_STRING) and not one.get(PRESERVE):
        what = _WORDS.get(below.rpartition(".")[2].partition("[")[0], "specified object fields")
        yield field.required(path.child("type"), f"must not be empty for {what}")
    if one.get("type") == "null":
        rule = "type cannot be set to null, use nullable as an alternative"
        yield field.forbidden(path.child("type"), rule)
    if one.get("type") == "array" and not isinstance(one.get("items"), dict):
        yield field.required(path.child("items"), "must be specified")


def _whole(one: Schema, path: Path) -> Causes:
    for key, rule in _FORBIDDEN.items():
        if one.get(key):
            yield field.forbidden(path.child(key), rule)
    if one.get("uniqueItems"):
        rule = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield field.forbidden(path.child("uniqueItems"), rule)
    others = one.get("additionalProperties")
    if others is False:
        rule = "additionalProperties cannot be set to false"
        yield field.forbidden(path.child("additionalProperties"), rule)
    if others not in (None, False) and one.get("properties"):
        rule = "additionalProperties and properties are mutual exclusive"
        yield field.forbidden(path.child("additionalProperties"), rule)


def _list(one: Schema, path: Path) -> Causes:
    kind, keys = one.get("x-kubernetes-list-type"), one.get("x-kubernetes-list-map-keys")
    below = path.child("x-kubernetes-list-type")
    if kind is not None and one.get("type") != "array":
        rule = "must be array if x-kubernetes-list-type is specified"
        yield field.invalid(path.child("type"), one.get("type", ""), rule)
    if kind not in (None, "atomic", "set", "map"):
        yield field.not_supported(below, kind, ("atomic", "set", "map"))
    at = path.child("x-kubernetes-list-map-keys")
    if kind == "map":
        if not keys:
            yield field.required(at, "must not be empty if x-kubernetes-list-type is map")
        items = one.get("items")
        fields = (items.get("properties") or {}) if isinstance(items, dict) else {}
        for number, key in enumerate(keys or ()):
            if key not in fields:
                rule = "must name a property of the items"
                yield field.invalid(at.index(number), key, rule)
    elif keys:
        rule = "must be map if x-kubernetes-list-map-keys is non-empty"
        yield field.invalid(below, kind, rule)


def _default(one: Schema, path: Path) -> Causes:
    """A default is what the schema lets pass."""
    if "default" not in one:
        return
    value: Any = one["default"]
    unknown: list[str] = []
    pruned(one, value, unknown)
    for name in unknown:
        yield field.invalid(path.child("default"), value, f"must not have unknown field {name}")
    yield from conformance.causes(one, value, path.child("default"))


def _scale(scale: Object, path: Path) -> Causes:
    for key, parent in (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")):
        given, at = scale.get(key, ""), path.child(f"scale.{key}")
        if not given:
            yield field.required(at)
            continue
        yield from _simple_path(given, at)
        if not given.startswith(f"{parent}."):
            yield field.invalid(at, given, f"should be a json path under {parent}")
    selector, at = scale.get("labelSelectorPath") or "", path.child("scale.labelSelectorPath")
    if selector:
        yield from _simple_path(selector, at)
        if not selector.startswith((".spec.", ".status.")):
            yield field.invalid(at, selector, "should be a json path under either .spec or .status")


def _simple_path(text: str, path: Path) -> Causes:
    if not text:
        yield field.invalid(path, text, "must not be empty")
    elif not text.startswith("."):
        yield field.invalid(path, text, "must be a simple json path starting with .")


def _column(column: Object, path: Path) -> Causes:
    if not column.get("name"):
        yield field.required(path.child("name"))
    kind, form = column.get("type", ""), column.get("format", "")
    if not kind:
        yield field.required(path.child("type"), f"must be one of {','.join(_TYPES)}")
    elif kind not in _TYPES:
        yield field.invalid(path.child("type"), kind, f"must be one of {','.join(_TYPES)}")
    if form and form not in _FORMATS:
        yield field.invalid(path.child("format"), form, f"must be one of {','.join(_FORMATS)}")
    where = column.get("jsonPath", "")
    if not where:
        yield field.required(path.child("jsonPath"))
    else:
        yield from _simple_path(where, path.child("jsonPath"))
