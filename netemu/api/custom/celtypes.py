"""A structural schema as a type of expressions, and JSON values as theirs (pkg/cel/common)."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from netemu.api.custom.structural import EMBEDDED, INT_OR_STRING, Schema
from netemu.cel import times
from netemu.cel.errors import EvaluationError
from netemu.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Field,
    Type,
    list_of,
    map_of,
)

Convert: TypeAlias = Callable[[Any], Any]

_PLAIN: Final[Mapping[str, Type]] = {"boolean": BOOL, "number": DOUBLE, "integer": INT}
_FORMATS: Final[Mapping[str, Type]] = {
    "byte": BYTES,
    "duration": DURATION,
    "date": TIMESTAMP,
    "date-time": TIMESTAMP,
}
_RESERVED: Final = frozenset(
    {
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for",
        "function", "if", "import", "let", "loop", "package", "namespace", "return", "var",
        "void", "while",
    }
)  # fmt: skip
_ESCAPES: Final = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_ESCAPED: Final = re.compile(r"__|[.\-/]")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./\-]*\Z")
_META: Final[Schema] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}},
}


def escaped(name: str) -> str | None:
    """A field's name in expressions; None if it can't be said there."""
    if name in _RESERVED:
        return f"__{name}__"
    if not _IDENTIFIER.match(name):
        return None
    return _ESCAPED.sub(lambda part: _ESCAPES[part[0]], name)


def with_head(schema: Schema) -> Schema:
    """The schema of a whole object, which always has its name and kind."""
    fields = {**(schema.get("properties") or {})}
    fields |= {"kind": {"type": "string"}, "apiVersion": {"type": "string"}, "metadata": _META}
    return {**schema, "properties": fields}


def declared(schema: Schema, name: str = "selfType", *, root: bool = False) -> Type | None:
    """The type of values of a schema; None for what expressions can't see."""
    if schema.get(INT_OR_STRING):
        return DYN
    if root:
        schema = with_head(schema)
    match schema.get("type"):
        case "array":
            items = _part(schema.get("items"), f"{name}.@idx")
            return None if items is None else list_of(items)
        case "object":
            return _object(schema, name)
        case "string":
            return _FORMATS.get(str(schema.get("format")), STRING)
        case kind:
            return _PLAIN.get(str(kind))


def _part(schema: Any, name: str) -> Type | None:
    if not isinstance(schema, dict):
        return None
    return declared(schema, name, root=bool(schema.get(EMBEDDED)))


def _object(schema: Schema, name: str) -> Type | None:
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        values = _part(others, f"{name}.@elem")
        return None if values is None else map_of(STRING, values)
    fields = {}
    for field, part in (schema.get("properties") or {}).items():
        said, kind = escaped(field), _part(part, f"{name}.{field}")
        if said is not None and kind is not None:
            fields[said] = Field(kind, field)
    return Type(name, (), fields)


def converter(schema: Schema) -> Convert | None:
    """What makes a value of a schema one of expressions; None where it is that already."""
    if schema.get(INT_OR_STRING):
        return None
    match schema.get("type"):
        case "array" if isinstance(schema.get("items"), dict):
            return _each(converter(schema["items"]))
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return _values(converter(schema["additionalProperties"]))
        case "object":
            return _fields(schema)
        case "number":
            return _number
        case "integer":
            return _integer
        case "string":
            return _FORMATTED.get(str(schema.get("format")))
        case _:
            return None


def _each(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None
    return lambda value: [convert(one) for one in value] if isinstance(value, list) else value


def _values(convert: Convert | None) -> Convert | None:
    if convert is None:
        return None

    def run(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: convert(item) for key, item in value.items()}

    return run


def _fields(schema: Schema) -> Convert | None:
    parts = ((name, converter(part)) for name, part in (schema.get("properties") or {}).items())
    needed = {name: convert for name, convert in parts if convert is not None}
    if not needed:
        return None

    def run(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return value | {n: convert(value[n]) for n, convert in needed.items() if n in value}

    return run


def _number(value: Any) -> Any:
    return float(value) if type(value) is int else value


def _integer(value: Any) -> Any:
    return int(value) if type(value) is float else value


def _text(parse: Convert) -> Convert:
    """What can't be parsed stays a text: what is asked of it then fails."""

    def run(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except (EvaluationError, binascii.Error, ValueError):
            return value

    return run


_FORMATTED: Final[Mapping[str, Convert]] = {
    "byte": _text(lambda text: base64.b64decode(text, validate=True)),
    "duration": _text(times.duration),
    "date": _text(times.date),
    "date-time": _text(times.timestamp),
}
