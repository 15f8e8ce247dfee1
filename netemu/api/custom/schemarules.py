"""What a definition's schema may say: OpenAPI as far as Kubernetes takes it, and structural.

Source: apiextensions' validation.go (ValidateCustomResourceDefinitionOpenAPISchema). Pure.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from netemu.api.custom import conformance, listrules, listtypes, structuralrules
from netemu.api.custom.schemanodes import Node, nodes_of
from netemu.api.custom.structural import EMBEDDED, PRESERVE, RULES, Schema, pruned
from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path
from netemu.api.validation.goformat import Literal
from netemu.late import late

if TYPE_CHECKING:
    from netemu.api.custom import rulechecks, rules
else:
    rulechecks = late("netemu.api.custom.rulechecks")
    rules = late("netemu.api.custom.rules")

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
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
    nodes = nodes_of(schema, path)
    found = [*_whole(schema, path, nodes, status=status)]
    yield from found
    if not found and any(RULES in node.schema for node in nodes):
        yield from rulechecks.compiling(schema, path)


def _whole(schema: Schema, path: Path, nodes: Sequence[Node], *, status: bool) -> Causes:
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
    structure = [
        cause
        for node in nodes
        for cause in structuralrules.node_rules(node.schema, node.path, node.level)
    ]
    yield from structure
    if not structure:
        for node in nodes:
            if node.schema.get("default") is not None:
                yield from _default(node.schema, node.path)
    for node in nodes:
        yield from _openapi(node)


def _shown(schema: Schema) -> Any:
    return Literal(msgspec.json.encode(schema).decode())


def _openapi(node: Node) -> Causes:
    schema, path = node.schema, node.path
    yield from _standard(node)
    if schema.get("uniqueItems"):
        rule = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield field.forbidden(path.child("uniqueItems"), rule)
    others = schema.get("additionalProperties")
    if others is not None and others is not True and schema.get("properties"):
        rule = "additionalProperties and properties are mutual exclusive"
        yield field.forbidden(path.child("additionalProperties"), rule)
    for key in _COMBINED:
        for number, part in enumerate(schema.get(key) or ()):
            for inner in nodes_of(part, path.child(key).index(number)):
                yield from _openapi(inner)
    if schema.get(PRESERVE) is False:
        yield field.invalid(path.child(PRESERVE), value=False, detail="must be true or undefined")
    yield from listrules.rules(schema, path)
    if RULES in schema:
        yield from rulechecks.wording(schema, path)


def _standard(node: Node) -> Causes:
    schema, path = node.schema, node.path
    kind = schema.get("type")
    if kind and kind not in _TYPES and kind != "null":
        yield field.not_supported(path.child("type"), kind, _TYPES)
    if schema.get("default") is not None and node.no_defaults:
        yield field.forbidden(path.child("default"), f"must not be set {node.no_defaults}")
    for key in _FORBIDDEN:
        if schema.get(key):
            yield field.forbidden(path.child(key), f"{key} is not supported")
    if kind == "null":
        rule = "type cannot be set to null, use nullable as an alternative"
        yield field.forbidden(path.child("type"), rule)
    if isinstance(schema.get("items"), list):
        rule = "items must be a schema object and not an array"
        yield field.forbidden(path.child("items"), rule)
    if node.meta and schema.get(EMBEDDED):
        yield field.forbidden(path.child(EMBEDDED), "must not be used inside of resource meta")


def _default(schema: Schema, path: Path) -> Causes:
    """A default is what the schema lets pass."""
    value, unknown = schema["default"], list[str]()
    pruned(schema, value, unknown)
    if unknown:
        yield field.invalid(path.child("default"), listtypes.shown(value), _UNPRUNED)
    yield from conformance.causes(schema, value, path.child("default"))
    yield from _rules_of_default(schema, value, path.child("default"))


_UNPRUNED: Final = "must not have unknown fields"


def _rules_of_default(schema: Schema, value: Any, path: Path) -> Causes:
    if not any(RULES in node.schema for node in nodes_of(schema, path)):
        return
    node = rules.compile_schema(schema, root=bool(schema.get(EMBEDDED)))
    if node is not None:
        yield from rules.Judge().causes(node, value, None, path)
