"""OpenAPI v2: the documents of version 3 together, said in the older version.

kubectl before 1.27, Helm 3 and ``kubectl explain --output=plaintext-openapiv2`` read nothing else,
and only as Protocol Buffers: the Document message of github.com/google/gnostic, whose field numbers
are below. Everybody else gets it as JSON.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from netemu.config.version import KUBERNETES

PROTOBUF: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""With dots: Go's parser refuses the form with an @ that clients send."""

_V3: Final = "#/components/schemas/"
_V2: Final = "#/definitions/"
_KEPT: Final = 4

Schema = dict[str, Any]


@lru_cache(_KEPT)
def document(parts: tuple[bytes, ...]) -> bytes:
    """The whole document as JSON; `parts` are the documents of version 3."""
    return msgspec.json.encode(_swagger(parts))


@lru_cache(_KEPT)
def packed(parts: tuple[bytes, ...]) -> bytes:
    """The whole document as Protocol Buffers."""
    return b"".join(_document(_swagger(parts)))


def _swagger(parts: Iterable[bytes]) -> Schema:
    paths: Schema = {}
    definitions: Schema = {}
    for part in parts:
        read = msgspec.json.decode(part)
        for path, item in read["paths"].items():
            paths[path] = _item(item)
        for name, schema in read["components"]["schemas"].items():
            if name not in definitions:
                definitions[name] = _schema(schema)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": KUBERNETES},
        "paths": paths,
        "definitions": {name: definitions[name] for name in sorted(definitions)},
    }


def _item(item: Schema) -> Schema:
    return {
        key: [_parameter(each) for each in value] if key == "parameters" else _operation(value)
        for key, value in item.items()
    }


def _parameter(parameter: Schema) -> Schema:
    kept = {key: value for key, value in parameter.items() if key != "schema"}
    return {**kept, "type": parameter["schema"]["type"]}


def _operation(operation: Schema) -> Schema:
    result = {key: value for key, value in operation.items() if key != "requestBody"}
    result["parameters"] = [_parameter(each) for each in operation.get("parameters", ())]
    result["responses"] = {code: _response(each) for code, each in operation["responses"].items()}
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        result["consumes"] = list(body)
        schema = _schema(next(iter(body.values()))["schema"])
        result["parameters"].append(
            {"name": "body", "in": "body", "required": True, "schema": schema}
        )
    return result


def _response(response: Schema) -> Schema:
    result = {key: value for key, value in response.items() if key != "content"}
    for each in response.get("content", {}).values():
        result["schema"] = _schema(each["schema"])
    return result


def _schema(schema: Schema) -> Schema:
    """A schema: references stand beside what is said of them, and there is no oneOf."""
    result: Schema = {}
    for key, value in schema.items():
        if key == "$ref":
            result["$ref"] = _referred(value)
        elif key == "allOf" and len(value) == 1 and "$ref" in value[0]:
            result["$ref"] = _referred(value[0]["$ref"])
        elif key == "oneOf":
            result.setdefault("type", "string")  # custom kinds have a type beside it
        elif key == "properties":
            result[key] = {name: _schema(field) for name, field in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            result[key] = _schema(value)
        elif key in _KEPT_KEYS or key.startswith("x-"):
            result[key] = value
    return result


_KEPT_KEYS: Final = frozenset(
    ("additionalProperties", "default", "description", "enum", "format", "pattern", "required",
     "title", "type")
)  # fmt: skip


def _referred(reference: str) -> str:
    return _V2 + reference.removeprefix(_V3)


# Protocol Buffers


def _field(number: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _flag(number: int) -> bytes:
    return _varint(number << 3) + b"\x01"


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _message(number: int, parts: Iterable[bytes]) -> bytes:
    return _field(number, b"".join(parts))


def _named(number: int, name: str, parts: Iterable[bytes]) -> bytes:
    """NamedSchema, NamedPathItem, …: a name and a value."""
    return _message(number, (_field(1, name), _message(2, parts)))


def _texts(number: int, value: Mapping[str, Any], key: str) -> Iterator[bytes]:
    if key in value:
        yield _field(number, str(value[key]))


def _any(value: Any) -> Iterator[bytes]:
    """Any: YAML, of which JSON is a part."""
    yield _field(2, msgspec.json.encode(value))


def _extensions(number: int, value: Mapping[str, Any]) -> Iterator[bytes]:
    for key, item in value.items():
        if key.startswith("x-"):
            yield _named(number, key, _any(item))


def _document(swagger: Schema) -> Iterator[bytes]:
    yield _field(1, swagger["swagger"])
    yield _message(2, (_field(1, swagger["info"]["title"]), _field(2, swagger["info"]["version"])))
    paths = swagger["paths"].items()
    yield _message(8, (_named(2, path, _packed_item(item)) for path, item in paths))
    definitions = swagger["definitions"].items()
    yield _message(9, (_named(1, name, _packed_schema(schema)) for name, schema in definitions))


_METHODS: Final = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}


def _packed_item(item: Schema) -> Iterator[bytes]:
    for method, number in _METHODS.items():
        if method in item:
            yield _message(number, _packed_operation(item[method]))
    yield from _parameters(9, item)


def _packed_operation(operation: Schema) -> Iterator[bytes]:
    yield from _texts(3, operation, "description")
    for media in operation.get("consumes", ()):
        yield _field(7, media)
    yield from _parameters(8, operation)
    responses = operation["responses"].items()
    yield _message(9, (_named(1, code, _packed_response(each)) for code, each in responses))
    yield from _extensions(13, operation)


def _packed_response(response: Schema) -> Iterator[bytes]:
    each = [*_texts(1, response, "description")]
    if "schema" in response:
        each.append(_message(2, (_message(1, _packed_schema(response["schema"])),)))
    yield _message(1, each)


def _parameters(number: int, value: Schema) -> Iterator[bytes]:
    for parameter in value.get("parameters", ()):
        yield _message(number, (_message(1, (_packed_parameter(parameter),)),))


def _packed_parameter(parameter: Schema) -> bytes:
    if parameter["in"] == "body":
        body = [_field(2, parameter["name"]), _field(3, "body"), _flag(4)]
        return _message(1, [*body, _message(5, _packed_schema(parameter["schema"]))])
    parts = [_flag(1)] if parameter.get("required") else []
    parts += [_field(2, parameter["in"]), *_texts(3, parameter, "description")]
    parts.append(_field(4, parameter["name"]))
    if parameter["in"] == "path":
        return _message(2, (_message(4, [*parts, _field(5, parameter["type"])]),))
    return _message(2, (_message(3, [*parts, _field(6, parameter["type"])]),))


def _packed_schema(schema: Schema) -> Iterator[bytes]:
    for number, key in ((1, "$ref"), (2, "format"), (3, "title"), (4, "description")):
        yield from _texts(number, schema, key)
    if "default" in schema:
        yield _message(5, _any(schema["default"]))
    yield from _texts(13, schema, "pattern")
    for name in schema.get("required", ()):
        yield _field(19, name)
    for value in schema.get("enum", ()):
        yield _message(20, _any(value))
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        yield _message(21, (_message(1, _packed_schema(more)),))
    elif more:
        yield _message(21, (_flag(2),))
    if "type" in schema:
        yield _message(22, (_field(1, schema["type"]),))
    if "items" in schema:
        yield _message(23, (_message(1, _packed_schema(schema["items"])),))
    if "properties" in schema:
        fields = schema["properties"].items()
        yield _message(25, (_named(1, name, _packed_schema(field)) for name, field in fields))
    yield from _extensions(31, schema)
