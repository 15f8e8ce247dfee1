"""OpenAPI v3, as far as clients read it: an index, and one document for each group and version.

kubectl looks into a document for three things: whether a kind's PATCH knows ``fieldValidation``
and ``dryRun``, by which keys lists merge, and what fields mean (``kubectl explain``). Documents are
built when first asked for and kept as bytes. Their hashes need no document: they follow from the
schema file, the table of kinds and this module, so the index is there at once.
"""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from netemu.api import patch, schema
from netemu.api.custom import publishing
from netemu.api.custom.resource import META, CustomResource
from netemu.api.schema import Schema
from netemu.config.version import KUBERNETES
from netemu.model.catalog import BUILT_IN, Catalog
from netemu.model.resources import MEASURED, Resource

_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_REFERENCE: Final = "#/components/schemas/"
_JSON: Final = "application/json"
_KEPT: Final = 64
"""Documents kept; an older catalog's aren't asked for again."""


@lru_cache(_KEPT)
def index(catalog: Catalog = BUILT_IN) -> bytes:
    """``/openapi/v3``: where each document is. Paths are as `document` takes them."""
    paths = {
        path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={_hash(resources)}"}
        for path, resources in _groups(catalog).items()
    }
    return msgspec.json.encode({"paths": paths})


def document(path: str, catalog: Catalog = BUILT_IN) -> tuple[bytes, str] | None:
    """The document and its hash for "api/v1" or "apis/apps/v1"; None when there is none."""
    resources = _groups(catalog).get(path)
    return None if resources is None else _document(path, resources)


@lru_cache(_KEPT)
def _document(path: str, resources: tuple[Resource, ...]) -> tuple[bytes, str]:
    """The document of some kinds; a definition of others doesn't make it anew."""
    content = {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": KUBERNETES},
        "paths": {
            f"/{path}{where}": item
            for resource in resources
            for where, item in _paths(resource).items()
        },
        "components": {"schemas": _schemas(resources)},
    }
    return msgspec.json.encode(content), _hash(resources)


@lru_cache(_KEPT)
def _groups(catalog: Catalog) -> Mapping[str, tuple[Resource, ...]]:
    found: dict[str, tuple[Resource, ...]] = {}
    for resource in catalog.kinds:
        if resource in MEASURED:  # nobody writes them, and metrics-server says no more of them
            continue
        prefix = "apis" if resource.group else "api"
        path = f"{prefix}/{resource.api_version}"
        found[path] = (*found.get(path, ()), resource)
    return found


@cache
def _source() -> bytes:
    here = Path(__file__)
    return (
        here.read_bytes()
        + (here.parent / "data" / "schema.json.gz").read_bytes()
        + schema.EXTRA.read_bytes()
    )


@lru_cache(_KEPT)
def _hash(resources: tuple[Resource, ...]) -> str:
    text = repr(resources).encode()
    return sha256(_source() + text).hexdigest().upper()


def _definition(resource: Resource, suffix: str = "") -> str:
    if isinstance(resource, CustomResource):
        return publishing.name(resource, suffix)
    return schema.definitions().kinds[f"{resource.api_version}/{resource.kind}{suffix}"]


def _lists(resource: Resource) -> tuple[str, ...]:
    return ("", "List") if resource.is_kept else ("",)


def _schemas(resources: tuple[Resource, ...]) -> dict[str, Schema]:
    """The kinds, their lists and all they refer to, each with its descriptions."""
    every = schema.definitions().definitions
    texts = schema.descriptions()
    found: dict[str, Schema] = {}
    waiting = [publishing.LIST_META, META]
    for kind in resources:
        if isinstance(kind, CustomResource):
            found |= publishing.schemas(kind, _REFERENCE)
        else:
            waiting += [_definition(kind, suffix) for suffix in _lists(kind)]
    waiting += [_META + name for name in ("DeleteOptions", "Patch", "Status", "WatchEvent")]
    while waiting:
        name = waiting.pop()
        if name not in found:
            raw: Schema = msgspec.json.decode(every[name])
            waiting.extend(_references(raw))
            found[name] = _described(raw, texts.get(name, {}))
    return {name: found[name] for name in sorted(found)}


def _references(raw: Schema) -> Iterator[str]:
    if "$ref" in raw:
        yield raw["$ref"]
    for field in raw.get("properties", {}).values():
        yield from _references(field)
    for key in ("items", "additionalProperties"):
        if key in raw:
            yield from _references(raw[key])


def _described(raw: Schema, texts: Mapping[str, str]) -> Schema:
    """A definition with its descriptions and with references as a document writes them."""
    result = _referring(raw)
    if raw.get("format") in _ONE_OF:
        result = dict(_ONE_OF[raw["format"]])
    if "" in texts:
        result["description"] = texts[""]
    for name, field in result.get("properties", {}).items():
        if name in texts:
            field["description"] = texts[name]
    return result


_ONE_OF: Final[Mapping[str, Schema]] = {
    "int-or-string": {
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    "quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
}
"""What version 3 can say and version 2, as which the schema file is kept, can't."""


def _referring(raw: Schema) -> Schema:
    """OpenAPI allows nothing beside a ``$ref``, but descriptions and extensions stand beside it."""
    result = {key: value for key, value in raw.items() if key != "$ref"}
    if "$ref" in raw:
        result["allOf"] = [{"$ref": _REFERENCE + raw["$ref"]}]
    for key in ("items", "additionalProperties"):
        if key in raw:
            result[key] = _referring(raw[key])
    if "properties" in raw:
        fields = raw["properties"].items()
        result["properties"] = {name: _referring(field) for name, field in fields}
    return result


def _paths(resource: Resource) -> dict[str, Any]:
    """The operations on a kind's objects and, where there are any, on their status."""
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    if not resource.is_kept:
        item = _reference(_definition(resource))
        post = {
            "post": _operation(resource, "post", item, {_JSON: item}),
            "parameters": _in_path(resource, named=False),
        }
        return {f"{scope}/{resource.plural}": post}
    one = f"{scope}/{resource.plural}/{{name}}"
    paths = {
        f"{scope}/{resource.plural}": _collection(resource),
        one: _object(resource),
    }
    if resource.has_status:
        paths[f"{one}/status"] = _object(resource, ("get", "put", "patch"))
    return paths


def _collection(resource: Resource) -> dict[str, Any]:
    item = _reference(_definition(resource))
    listed = _reference(_definition(resource, "List"))
    return {
        "get": _operation(resource, "list", listed),
        "post": _operation(resource, "post", item, {_JSON: item}),
        "delete": _operation(resource, "deletecollection", _reference(_META + "Status")),
        "parameters": _in_path(resource, named=False),
    }


def _object(
    resource: Resource, methods: tuple[str, ...] = ("get", "put", "patch", "delete")
) -> dict[str, Any]:
    item = _reference(_definition(resource))
    change = _reference(_META + "Patch")
    bodies: dict[str, dict[str, Schema]] = {
        "get": {},
        "put": {_JSON: item},
        "patch": dict.fromkeys(patch.types(resource), change),
        "delete": {_JSON: _reference(_META + "DeleteOptions")},
    }
    answers = {"delete": _reference(_META + "Status")}
    operations = {
        method: _operation(resource, method, answers.get(method, item), bodies[method])
        for method in methods
    }
    return {**operations, "parameters": _in_path(resource, named=True)}


def _reference(name: str) -> Schema:
    return {"$ref": _REFERENCE + name}


def _in_path(resource: Resource, *, named: bool) -> list[dict[str, Any]]:
    names = ["namespace"] * resource.namespaced + ["name"] * named
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


_WRITES: Final = ("post", "put", "patch")
_PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "dryRun": (*_WRITES, "delete", "deletecollection"),
    "fieldManager": _WRITES,
    "fieldValidation": _WRITES,
    "force": ("patch",),
    "labelSelector": ("list", "deletecollection"),
    "fieldSelector": ("list", "deletecollection"),
    "limit": ("list",),
    "continue": ("list",),
    "resourceVersion": ("list",),
    "watch": ("list",),
}
"""Query parameters and the actions that take them."""
_PARAMETER_TYPES: Final = {"force": "boolean", "watch": "boolean", "limit": "integer"}


def _operation(
    resource: Resource, action: str, answer: Schema, bodies: Mapping[str, Schema] | None = None
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "responses": {
            "200": {"description": "OK", "content": {_JSON: {"schema": answer}}},
        },
        "parameters": [
            {
                "name": name,
                "in": "query",
                "schema": {"type": _PARAMETER_TYPES.get(name, "string")},
            }
            for name, actions in _PARAMETERS.items()
            if action in actions
        ],
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {
            "group": resource.group,
            "version": resource.version,
            "kind": resource.kind,
        },
    }
    if bodies:
        content = {media: {"schema": body} for media, body in bodies.items()}
        operation["requestBody"] = {"content": content}
    return operation
