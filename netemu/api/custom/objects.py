"""The rules of a custom object: its schema's, and those that every object has. Pure.

Source: apiextensions-apiserver's registry/customresource (strategy.go, validator.go).
"""

from collections.abc import Mapping
from typing import Any, Final

from netemu.api.custom import conformance, listtypes
from netemu.api.custom.resource import CustomResource
from netemu.api.custom.structural import EMBEDDED, Schema
from netemu.api.validation import field
from netemu.api.validation.field import NOWHERE, Causes, Path
from netemu.api.validation.meta import extension_meta, extension_meta_update
from netemu.model import names
from netemu.model.meta import Object
from netemu.model.scalepaths import at

_BLOCKING: Final = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
"""After these nobody can say what an expression would find."""
_UNCHECKED: Final = (
    "some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation"
)
_MOST: Final = 2**31 - 1


def rules(resource: CustomResource, new: Object, old: Object | None) -> Causes:
    """A custom object, new or changed."""
    found = [*_known(resource, new, old)]
    yield from found
    judged = resource.judged
    if judged is None:
        return
    if any(cause.reason in _BLOCKING for cause in found):
        yield field.invalid(NOWHERE, None, _UNCHECKED)
        return
    from netemu.api.custom.rules import Judge  # late: few kinds have expressions

    yield from Judge().causes(judged, new, old, Path())


def _known(resource: CustomResource, new: Object, old: Object | None) -> Causes:
    schema = {**resource.schema, "required": _without_metadata(resource)}
    if old is None:
        yield from extension_meta(new, resource.namespaced, names.dns_subdomain)
        yield from conformance.causes(schema, _body(new), Path())
    else:
        yield from extension_meta_update(new, old)
        yield from conformance.causes(schema, _body(new), Path(), _body(old))
    yield from _scaled(resource, new)
    yield from _embedded(schema, _body(new), Path())
    if old is None or next(listtypes.causes(schema, _body(old), Path()), None) is None:
        yield from listtypes.causes(schema, _body(new), Path())


def _body(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name != "metadata"}


def _without_metadata(resource: CustomResource) -> list[str]:
    return [name for name in resource.schema.get("required") or () if name != "metadata"]


def _scaled(resource: CustomResource, obj: Object) -> Causes:
    """The numbers of a Scale are counts."""
    if "scale" not in resource.subresources:
        return
    for path in (resource.scale.replicas, resource.scale.current):
        value = at(obj, path) if path else None
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        if value < 0:
            yield field.invalid(Path(path), value, "should be a non-negative integer")
        elif value > _MOST:
            yield field.invalid(Path(path), value, f"should be less than or equal to {_MOST}")


def _embedded(schema: Schema, value: Any, path: Path) -> Causes:
    """An object in an object says what it is."""
    if isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, dict):
            for number, item in enumerate(value):
                yield from _embedded(items, item, path.index(number))
    elif isinstance(value, dict):
        if schema.get(EMBEDDED):
            for name in ("apiVersion", "kind"):
                if not value.get(name):
                    yield field.required(path.child(name), "must not be empty")
        yield from _embedded_below(schema, value, path)


def _embedded_below(schema: Schema, value: Mapping[str, Any], path: Path) -> Causes:
    fields, others = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, item in value.items():
        if name in fields:
            yield from _embedded(fields[name], item, path.child(name))
        elif isinstance(others, dict):
            yield from _embedded(others, item, path.key(name))


_STANDARD: Final = frozenset({"orphan", "foregroundDeletion", "kubernetes"})
_PREFER: Final = "prefer a domain-qualified finalizer name"
_WRITERS: Final = "to avoid accidental conflicts with other finalizer writers"


def warnings(new: Object, old: Object | None) -> list[str]:
    """What is said of finalizers that are new, and that others might use, too."""
    before = set((old or {}).get("metadata", {}).get("finalizers") or ())
    added = sorted(set(new["metadata"].get("finalizers") or ()) - before)
    return [f'metadata.finalizers: "{name}": {said}' for name in added for said in _said_of(name)]


def _said_of(finalizer: str) -> list[str]:
    said = list(names.qualified_name(finalizer))
    if "/" not in finalizer and finalizer not in _STANDARD:
        how = " including a path (/)" if "." in finalizer else ""
        said.append(f"{_PREFER}{how} {_WRITERS}")
    return said
