"""A custom kind's schemas as OpenAPI v3 documents show them."""

from collections.abc import Mapping
from typing import Any, Final

from netemu.api.custom.resource import META, CustomResource
from netemu.model.meta import Object

LIST_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_TEXT: Final = {"type": "string"}
_API_VERSION: Final = {
    **_TEXT,
    "description": "APIVersion defines the versioned schema of this representation of an object.",
}
_KIND: Final = {
    **_TEXT,
    "description": "Kind is a string value representing the REST resource this object represents.",
}


def name(resource: CustomResource, suffix: str = "") -> str:
    """What the definition of a kind is called: the group backwards, version, kind."""
    group = ".".join(reversed(resource.group.split(".")))
    return f"{group}.{resource.version}.{resource.kind}{suffix}"


def schemas(resource: CustomResource, reference: str) -> Mapping[str, Object]:
    """The kind and its list; `reference` begins a reference to another definition."""
    fields = {**(resource.schema.get("properties") or {})}
    fields["apiVersion"], fields["kind"] = _API_VERSION, _KIND
    fields["metadata"] = {"allOf": [{"$ref": reference + META}]}
    one: dict[str, Any] = {"type": "object", **resource.schema, "properties": fields}
    items = {"allOf": [{"$ref": reference + name(resource)}]}
    many = {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": _API_VERSION,
            "kind": _KIND,
            "metadata": {"allOf": [{"$ref": reference + LIST_META}]},
            "items": {"type": "array", "items": items},
        },
    }
    return {
        name(resource): {**one, **_kind(resource, resource.kind)},
        name(resource, "List"): {**many, **_kind(resource, resource.list_kind)},
    }


def _kind(resource: CustomResource, kind: str) -> Object:
    what = {"group": resource.group, "version": resource.version, "kind": kind}
    return {"x-kubernetes-group-version-kind": [what]}
