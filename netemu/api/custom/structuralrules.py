"""Whether a schema is structural: the shape of a value is clear without its alternatives.

Source: apiextensions-apiserver's schema/validation.go (ValidateStructural). Pure.
"""

from typing import Final

from netemu.api.custom.schemanodes import Level, parts_of
from netemu.api.custom.structural import EMBEDDED, INT_OR_STRING, PRESERVE, RULES, Schema
from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path
from netemu.cel.errors import EvaluationError
from netemu.cel.regexes import compiled

_INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]
_COMBINED: Final = ("anyOf", "allOf", "oneOf")
_LEVELS: Final = {
    Level.ROOT: "at the root",
    Level.ITEMS: "for specified array items",
    Level.FIELD: "for specified object fields",
}


def node_rules(schema: Schema, path: Path, level: Level) -> Causes:
    """One schema, without its parts."""
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        yield field.required(path.child("items"), "must be specified")
    if level is Level.ROOT and schema.get("additionalProperties") is not None:
        yield field.forbidden(path.child("additionalProperties"), "must not be used at the root")
    if schema.get(INT_OR_STRING):
        yield from _extensions(schema, path)
    yield from _alternatives(schema, path)
    yield from _typed(schema, path, level)
    if level is Level.ROOT or schema.get(EMBEDDED):
        yield from _heads(schema, path, level)


def _extensions(schema: Schema, path: Path) -> Causes:
    for key in (PRESERVE, EMBEDDED):
        if schema.get(key):
            rule = "must be false if x-kubernetes-int-or-string is true"
            yield field.invalid(path.child(key), value=True, detail=rule)


def _typed(schema: Schema, path: Path, level: Level) -> Causes:
    kind, below = schema.get("type") or "", path.child("type")
    if schema.get(EMBEDDED) and kind != "object":
        rule = "must be object if x-kubernetes-embedded-resource is true"
        yield field.invalid(below, kind, rule) if kind else field.required(below, rule)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield field.required(below, f"must not be empty {_LEVELS[level]}")
    if schema.get(EMBEDDED) and schema.get("additionalProperties") is not None:
        rule = "must not be used if x-kubernetes-embedded-resource is set"
        yield field.forbidden(path.child("additionalProperties"), rule)
    if level is Level.ROOT and kind and kind != "object":
        yield field.invalid(below, kind, "must be object at the root")


def _heads(schema: Schema, path: Path, level: Level) -> Causes:
    """What every object has may only be named."""
    fields = schema.get("properties") or {}
    if fields:
        for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
            kind = fields.get(name, {}).get("type", "")
            if name in fields and kind != wanted:
                at = path.child("properties").key(name).child("type")
                yield field.invalid(at, kind, f"must be {wanted}")
    if level is Level.ROOT and _restricts(fields.get("metadata")):
        rule = (
            "must not specify anything other than name and generateName, but metadata is "
            "implicitly specified"
        )
        yield field.forbidden(path.child("properties").key("metadata"), rule)
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not fields:
        rule = (
            "must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields"
        )
        yield field.required(path.child("properties"), rule)


def _restricts(metadata: Schema | None) -> bool:
    if not metadata:
        return False
    said = {key for key, value in metadata.items() if value} - {"type", "description"}
    if set(metadata.get("properties") or {}) <= {"name", "generateName"}:
        said.discard("properties")
    return bool(said - {"default"})


def _alternatives(schema: Schema, path: Path) -> Causes:
    known = _int_or_string(schema)
    for key in _COMBINED:
        for number, part in enumerate(schema.get(key) or ()):
            if (key, number) not in known:
                yield from _nested(part, path.child(key).index(number))
            elif key == "allOf":
                rest = {name: value for name, value in part.items() if name != "anyOf"}
                yield from _nested(rest, path.child(key).index(number))
    if isinstance(schema.get("not"), dict):
        yield from _nested(schema["not"], path.child("not"))
    pattern = schema.get("pattern")
    if pattern:
        yield from _pattern(pattern, path.child("pattern"))


def _int_or_string(schema: Schema) -> set[tuple[str, int]]:
    """The two ways to say that a value is a number or a text."""
    if not schema.get(INT_OR_STRING):
        return set()
    first = (schema.get("allOf") or [{}])[0]
    if schema.get("anyOf") == _INT_OR_STRING:
        return {("anyOf", 0), ("anyOf", 1)}
    return {("allOf", 0)} if first.get("anyOf") == _INT_OR_STRING else set()


def _pattern(pattern: str, path: Path) -> Causes:
    try:
        compiled(pattern)
    except EvaluationError as error:
        rule = f"must be a valid regular expression, but isn't: {error}"
        yield field.invalid(path, pattern, rule)


_NESTED: Final = (
    ("type", "must be empty to be structural"),
    ("additionalProperties", "must be undefined to be structural"),
    ("default", "must be undefined to be structural"),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    (PRESERVE, "must be false to be structural"),
    (EMBEDDED, "must be false to be structural"),
    (INT_OR_STRING, "must be false to be structural"),
    ("x-kubernetes-list-map-keys", "must be empty to be structural"),
    ("x-kubernetes-list-type", "must be undefined to be structural"),
    ("x-kubernetes-map-type", "must be undefined to be structural"),
    (RULES, "must be empty to be structural"),
)
"""What an alternative can't say."""


def _nested(schema: Schema, path: Path) -> Causes:
    yield from _alternatives(schema, path)
    for part, below, _ in parts_of(schema, path):
        yield from _nested(part, below)
    for key, words in _NESTED:
        if schema.get(key) not in (None, "", False, [], {}):
            yield field.forbidden(path.child(key), words)
    if "metadata" in (schema.get("properties") or {}):
        words = "must not be specified in a nested context"
        yield field.forbidden(path.child("properties").key("metadata"), words)
