"""What a definition's schema may say: OpenAPI as far as Kubernetes takes it, and structural.

Source: apiextensions' validation.go (ValidateCustomResourceDefinitionOpenAPISchema) and
apiserver/schema/validation.go (ValidateStructural). Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from netemu.api.custom import conformance, listrules, rulechecks
from netemu.api.custom.structural import EMBEDDED, INT_OR_STRING, PRESERVE, RULES, Schema, pruned
from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path
from netemu.cel.errors import EvaluationError
from netemu.cel.regexes import compiled

_META: Final = ("apiVersion", "kind", "metadata")
_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_INT_OR_STRING: Final = [{"type": "integer"}, {"type": "string"}]
_FORBIDDEN: Final = (
    "id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref",
)  # fmt: skip
_COMBINED: Final = ("anyOf", "allOf", "oneOf")
_ROOT: Final = frozenset(
    {
        "description", "type", "format", "title", "maximum", "exclusiveMaximum", "minimum",
        "exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems", "minItems",
        "uniqueItems", "multipleOf", "required", "items", "properties", "externalDocs", "example",
        PRESERVE, RULES,
    }
)  # fmt: skip
_ROOT_WORDS: Final = (
    "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum "
    "MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items "
    "Properties ExternalDocs Example XPreserveUnknownFields XValidations] fields are allowed at "
    "the root of the schema if the status subresource is enabled"
)


def schema_rules(schema: Schema, path: Path, *, status: bool) -> Causes:
    """The schema of one version; `status`: it has that subresource."""
    found = [*_whole(schema, path, status=status)]
    yield from found
    if not found and any(RULES in part for part in _nodes(schema)):
        yield from rulechecks.compiling(schema, path)


def _nodes(schema: Schema) -> Iterator[Schema]:
    yield schema
    for _, part, _ in _spine(schema, Path()):
        yield from _nodes(part)


def _whole(schema: Schema, path: Path, *, status: bool) -> Causes:
    if status and schema.get("type") not in (None, "", "object"):
        rule = (
            'only "object" is allowed as the type at the root of the schema if the status '
            "subresource is enabled"
        )
        yield field.invalid(path.child("type"), schema["type"], rule)
    elif status:
        unknown = [name for name, value in schema.items() if name not in _ROOT and value]
        if unknown:
            yield field.invalid(path, _shown(schema), _ROOT_WORDS)
    if schema.get("nullable"):
        yield field.forbidden(path.child("nullable"), "nullable cannot be true at the root")
    structure = [*_structure(schema, path, "root")]
    yield from structure
    if not structure:
        yield from _defaults(schema, path)
    yield from _openapi(schema, path, _Place(root=True))


def _shown(schema: Schema) -> Any:
    import msgspec

    from netemu.api.validation.goformat import Literal

    return Literal(msgspec.json.encode(schema).decode())


def _spine(schema: Schema, path: Path) -> Iterator[tuple[str, Schema, Path]]:
    """The schemas of parts: the kind of part, the schema, where it is."""
    items, others = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, dict):
        yield "items", items, path.child("items")
    for name, part in (schema.get("properties") or {}).items():
        yield name, part, path.child("properties").key(name)
    if isinstance(others, dict):
        yield "additionalProperties", others, path.child("additionalProperties")


_LEVELS: Final = {
    "root": "at the root",
    "items": "for specified array items",
    "field": "for specified object fields",
}


def _structure(schema: Schema, path: Path, level: str) -> Causes:
    """ValidateStructural: the shape of a value must be clear without its alternatives."""
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        yield field.required(path.child("items"), "must be specified")
    for name, part, below in _spine(schema, path):
        yield from _structure(part, below, "items" if name == "items" else "field")
    if level == "root" and schema.get("additionalProperties") is not None:
        yield field.forbidden(path.child("additionalProperties"), "must not be used at the root")
    yield from _extensions(schema, path)
    yield from _alternatives(schema, path)
    yield from _typed(schema, path, level)
    yield from _heads(schema, path, level)


def _extensions(schema: Schema, path: Path) -> Causes:
    if not schema.get(INT_OR_STRING):
        return
    for key in (PRESERVE, EMBEDDED):
        if schema.get(key):
            rule = "must be false if x-kubernetes-int-or-string is true"
            yield field.invalid(path.child(key), value=True, detail=rule)


def _typed(schema: Schema, path: Path, level: str) -> Causes:
    kind, below = schema.get("type") or "", path.child("type")
    if schema.get(EMBEDDED) and kind != "object":
        rule = "must be object if x-kubernetes-embedded-resource is true"
        yield field.invalid(below, kind, rule) if kind else field.required(below, rule)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield field.required(below, f"must not be empty {_LEVELS[level]}")
    if schema.get(EMBEDDED) and schema.get("additionalProperties") is not None:
        rule = "must not be used if x-kubernetes-embedded-resource is set"
        yield field.forbidden(path.child("additionalProperties"), rule)
    if level == "root" and kind and kind != "object":
        yield field.invalid(below, kind, "must be object at the root")


def _heads(schema: Schema, path: Path, level: str) -> Causes:
    """What every object has may only be named."""
    fields = schema.get("properties") or {}
    if level == "root" or schema.get(EMBEDDED):
        for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
            kind = fields.get(name, {}).get("type", "")
            if name in fields and kind != wanted:
                at = path.child("properties").key(name).child("type")
                yield field.invalid(at, kind, f"must be {wanted}")
    if level == "root" and _restricts(fields.get("metadata")):
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
    for _, part, below in _spine(schema, path):
        yield from _nested(part, below)
    for key, words in _NESTED:
        if schema.get(key) not in (None, "", False, [], {}):
            yield field.forbidden(path.child(key), words)
    if "metadata" in (schema.get("properties") or {}):
        words = "must not be specified in a nested context"
        yield field.forbidden(path.child("properties").key("metadata"), words)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a schema we are."""

    root: bool = False
    meta: bool = False
    no_defaults: str = ""
    """Why no default may be set here."""


def _openapi(schema: Schema, path: Path, place: _Place) -> Causes:
    yield from _standard(schema, path, place)
    if schema.get("uniqueItems"):
        rule = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield field.forbidden(path.child("uniqueItems"), rule)
    others = schema.get("additionalProperties")
    if others is not None and others is not True and schema.get("properties"):
        rule = "additionalProperties and properties are mutual exclusive"
        yield field.forbidden(path.child("additionalProperties"), rule)
    for name, part, below in _spine(schema, path):
        yield from _openapi(part, below, _inside(schema, name, place))
    for key in _COMBINED:
        for number, part in enumerate(schema.get(key) or ()):
            yield from _openapi(part, path.child(key).index(number), replace(place, root=False))
    if schema.get(PRESERVE) is False:
        yield field.invalid(path.child(PRESERVE), value=False, detail="must be true or undefined")
    yield from listrules.rules(schema, path)
    yield from rulechecks.wording(schema, path)


def _inside(schema: Schema, name: str, place: _Place) -> _Place:
    inside = replace(place, root=False)
    if name == "additionalProperties" and place.meta:
        return replace(
            inside, no_defaults="inside additionalProperties applying to object metadata"
        )
    if name in _META and (place.root or schema.get(EMBEDDED)):
        why = f"in top-level {name}" if place.root else inside.no_defaults
        return replace(inside, meta=True, no_defaults=why)
    return inside


def _standard(schema: Schema, path: Path, place: _Place) -> Causes:
    kind = schema.get("type")
    if kind and kind not in _TYPES and kind != "null":
        yield field.not_supported(path.child("type"), kind, _TYPES)
    if schema.get("default") is not None and place.no_defaults:
        yield field.forbidden(path.child("default"), f"must not be set {place.no_defaults}")
    for key in _FORBIDDEN:
        if schema.get(key):
            yield field.forbidden(path.child(key), f"{key} is not supported")
    if kind == "null":
        rule = "type cannot be set to null, use nullable as an alternative"
        yield field.forbidden(path.child("type"), rule)
    if isinstance(schema.get("items"), list):
        rule = "items must be a schema object and not an array"
        yield field.forbidden(path.child("items"), rule)
    if place.meta and schema.get(EMBEDDED):
        yield field.forbidden(path.child(EMBEDDED), "must not be used inside of resource meta")


def _defaults(schema: Schema, path: Path) -> Causes:
    """A default is what the schema lets pass."""
    for _, part, below in _spine(schema, path):
        yield from _defaults(part, below)
    if schema.get("default") is None:
        return
    value, unknown = schema["default"], list[str]()
    pruned(schema, value, unknown)
    if unknown:
        yield field.invalid(path.child("default"), _json(value), _UNPRUNED)
    yield from conformance.causes(schema, value, path.child("default"))
    yield from _rules_of_default(schema, value, path.child("default"))


_UNPRUNED: Final = "must not have unknown fields"


def _json(value: Any) -> Any:
    from netemu.api.custom.listtypes import shown

    return shown(value)


def _rules_of_default(schema: Schema, value: Any, path: Path) -> Causes:
    if not any(RULES in part for part in _nodes(schema)):
        return
    from netemu.api.custom.rules import Judge, compile_schema

    node = compile_schema(schema, root=bool(schema.get(EMBEDDED)))
    if node is not None:
        yield from Judge().causes(node, value, None, path)
