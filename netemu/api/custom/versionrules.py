"""What is asked of each version of a definition: its schema, subresources and columns. Pure.

Source: apiextensions/validation. What all versions have alike is one thing for upstream, and its
messages name it so: ``spec.validation`` for a schema, ``spec.subresources`` and so on.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from netemu.api.custom.fieldpaths import WrongPath, resolved
from netemu.api.custom.schemarules import schema_rules
from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path
from netemu.model.meta import Object

_TYPES: Final = ("boolean", "date", "integer", "number", "string")
_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_SELECTABLE: Final = ("string", "boolean", "integer")
SELECTABLE: Final = 8
"""How many fields of a version can be selected by (upstream's MaxSelectableFields)."""
_WARNING: Final = 256


def own_rules(versions: Sequence[Object]) -> Causes:
    """What the versions say, each apart or all alike."""
    for number, version in enumerate(versions):
        yield from _deprecation(version, SPEC.child("versions").index(number))
    for key, (top, rules) in _PARTS.items():
        if all(version.get(key) == versions[0].get(key) for version in versions):
            yield from rules(versions[0], SPEC.child(top))
            continue
        for number, version in enumerate(versions):
            yield from rules(version, SPEC.child("versions").index(number).child(key))


def _deprecation(version: Object, path: Path) -> Causes:
    said, below = version.get("deprecationWarning"), path.child("deprecationWarning")
    if said is None:
        return
    if not version.get("deprecated"):
        yield field.invalid(below, said, "can only be set for deprecated versions")
        return
    if len(said.encode()) > _WARNING:
        yield field.invalid(below, said, "must be <= 256 characters long")
    if not said:
        yield field.invalid(below, said, "must not be an empty string")
    at = next((at for at, char in enumerate(said) if not char.isprintable()), None)
    if at is not None:
        rule = (
            "must only contain printable UTF-8 characters; non-printable character found at index "
        )
        yield field.invalid(below, said, f"{rule}{at}")


def _schema(version: Object, path: Path) -> Causes:
    given = (version.get("schema") or {}).get("openAPIV3Schema")
    if given is None:
        return  # told of each version
    status = (version.get("subresources") or {}).get("status") is not None
    yield from schema_rules(given, path.child("openAPIV3Schema"), status=status)


def _subresources(version: Object, path: Path) -> Causes:
    scale = (version.get("subresources") or {}).get("scale")
    if scale is not None:
        yield from _scale(scale, path)


def _columns(version: Object, path: Path) -> Causes:
    for number, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(column, path.index(number))


def _selectable(version: Object, path: Path) -> Causes:
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    seen: set[str] = set()
    for number, said in enumerate(version.get("selectableFields") or ()):
        where, at = said.get("jsonPath") or "", path.index(number).child("jsonPath")
        if not where:
            yield field.required(at)
            continue
        try:
            shown, found = resolved(where, schema, brackets=False)
        except WrongPath as error:
            yield field.invalid(at, where, f"is an invalid path: {error}")
            continue
        if shown.split(".")[0] == "metadata":
            yield field.invalid(at, where, "must not point to fields in metadata")
        if found.get("type") not in _SELECTABLE:
            rule = (
                "must point to a field of type string, boolean or integer. Enum string fields and "
                "strings with formats are allowed."
            )
            yield field.invalid(at, where, rule)
        if shown in seen:
            yield field.duplicate(at, where)
        seen.add(shown)
    if len(seen) > SELECTABLE:
        yield field.too_many(path, len(seen), SELECTABLE)


_PARTS: Final[Mapping[str, tuple[str, Callable[[Object, Path], Causes]]]] = {
    "schema": ("validation", _schema),
    "subresources": ("subresources", _subresources),
    "additionalPrinterColumns": ("additionalPrinterColumns", _columns),
    "selectableFields": ("selectableFields", _selectable),
}


def _scale(scale: Object, path: Path) -> Causes:
    for key, parent in (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")):
        given, at = scale.get(key) or "", path.child(f"scale.{key}")
        if not given:
            yield field.required(at)
        elif not given.startswith("."):
            yield field.invalid(at, given, _SIMPLE)
        elif not given.startswith(f"{parent}."):
            yield field.invalid(at, given, f"should be a json path under {parent}")
    selector, at = scale.get("labelSelectorPath") or "", path.child("scale.labelSelectorPath")
    if selector and not selector.startswith("."):
        yield field.invalid(at, selector, _SIMPLE)
    elif selector and not selector.startswith((".spec.", ".status.")):
        yield field.invalid(at, selector, "should be a json path under either .spec or .status")


_SIMPLE: Final = "must be a simple json path starting with ."


def _column(column: Object, path: Path) -> Causes:
    if not column.get("name"):
        yield field.required(path.child("name"))
    kind, form = column.get("type") or "", column.get("format") or ""
    if not kind:
        yield field.required(path.child("type"), f"must be one of {','.join(_TYPES)}")
    elif kind not in _TYPES:
        yield field.invalid(path.child("type"), kind, f"must be one of {','.join(_TYPES)}")
    if form and form not in _FORMATS:
        yield field.invalid(path.child("format"), form, f"must be one of {','.join(_FORMATS)}")
    where, at = column.get("jsonPath") or "", path.child("JSONPath")
    if not where:
        yield field.required(at)
    elif not where.startswith("."):
        yield field.invalid(at, where, _SIMPLE)
