"""A request's body becomes an object, or a refusal in the words of a real API server.

JSON is read as Go reads it, YAML as sigs.k8s.io/yaml does. Whatever comes in, nesting and numbers
of what comes out are bounded, so nobody behind this door meets a RecursionError or what JSON can't
write.
"""

from typing import Any, Final

from netemu.api.jsonbody import HEAD, Malformed, load_json
from netemu.api.strict import json_name
from netemu.model.errors import BadRequest, UnsupportedMediaType
from netemu.model.meta import Object

SHOWN: Final = 30
"""Bytes of a bad body that the refusal shows, as upstream's does."""

JSON_TYPES: Final = ("application/json", "")
YAML_TYPES: Final = ("application/yaml", "application/x-yaml", "text/yaml")
PROTOBUF_TYPE: Final = "application/vnd.kubernetes.protobuf"
ACCEPTED: Final = ("application/json", "application/yaml", PROTOBUF_TYPE)

HEAD_TYPE: Final = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
    'Kind string "json:\\"kind,omitempty\\"" }'
)
"""What Go first reads a body into."""


def parse(
    body: bytes, content_type: str, kind: str = "", api_version: str = ""
) -> tuple[Object, list[str]]:
    """The object in a body, and a ``duplicate field "spec.x"`` for each name said twice.

    `content_type` may have parameters; none means JSON. `kind` is what the object must be, for
    the message; with `api_version`, what it is if a protobuf body doesn't say. Raises BadRequest
    for what is no object, UnsupportedMediaType for other types.
    """
    media = content_type.partition(";")[0].strip().lower()
    try:
        if media in JSON_TYPES:
            value, problems = load_json(body)
        elif media in YAML_TYPES:
            from netemu.api import yamlbody  # late: yaml takes 10 ms, and few bodies are YAML

            value, problems = yamlbody.load(body)
        elif media == PROTOBUF_TYPE:
            value, problems = _load_protobuf(body, kind, api_version), []
        else:
            raise UnsupportedMediaType(unknown_format(ACCEPTED))
        value = {} if value is None else value  # as Go: null leaves the object empty
        _check_head(value)
    except Malformed as malformed:
        must = f" (must be of type {kind})" if kind else ""
        raise BadRequest(
            f"the object provided is unrecognized{must}: {malformed} ({_shown(body)})"
        ) from None
    return value, problems


def _load_protobuf(body: bytes, kind: str, api_version: str) -> Object:
    """The object of a protobuf body. Raises Malformed, BadRequest."""
    from netemu.api import protobuf  # late: most clients send JSON

    try:
        return protobuf.decode(body, _only_json, api_version=api_version, kind=kind)
    except protobuf.Unrecognised as error:
        raise Malformed(str(error)) from None
    except protobuf.Undecodable as error:
        raise BadRequest(
            f'{error.kind} in version "{error.version}" cannot be handled as a '
            f"{kind or error.kind}: {error}"
        ) from None


def unknown_format(accepted: tuple[str, ...]) -> str:
    """What a client is told whose body is of another type."""
    return (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )


def _only_json(body: bytes) -> Any:
    return load_json(body)[0]


def _check_head(value: Any) -> None:
    """Refuse what has no readable apiVersion and kind: everything but an object."""
    if not isinstance(value, dict):
        raise Malformed(f"{_cannot(value)} Go value of type {HEAD_TYPE}", HEAD)
    for name in ("apiVersion", "kind"):
        if not isinstance(value.get(name, ""), str | None):
            raise Malformed(f"{_cannot(value[name])} Go struct field .{name} of type string", HEAD)


def _cannot(value: Any) -> str:
    return f"json: cannot unmarshal {json_name(value)} into"


def _shown(body: bytes) -> str:
    """The start of a body: as text if it looks like JSON, else in hexadecimal."""
    if not body:
        return "<empty>"
    more = " ..." if len(body) > SHOWN else ""
    if body[:1] == b"{":
        return body[:SHOWN].decode("utf-8", "replace") + more
    return body[:SHOWN].hex() + more
