"""Does a value meet its schema? In the words of upstream's validator (kube-openapi). Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from netemu.api.custom import formats
from netemu.api.custom.listtypes import earlier_items
from netemu.api.custom.structural import INT_OR_STRING, Schema
from netemu.api.validation import field
from netemu.api.validation.field import NOWHERE, Causes, Path
from netemu.api.validation.goformat import Literal, quoted
from netemu.cel.errors import EvaluationError
from netemu.cel.regexes import compiled
from netemu.model.errors import Cause

_NAMES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


_NOTHING: Final = object()
"""Stands for a value that has no earlier one to compare with."""


def causes(schema: Schema, value: Any, path: Path, old: Any = _NOTHING) -> Causes:
    """Every rule of the schema that the value breaks.

    A part that is as it was in `old` breaks none: what came later to a schema doesn't stop other
    changes of an object (ratcheting, KEP-4008).
    """
    if value is None and schema.get("nullable"):
        return
    if old is not _NOTHING and value == old:
        return
    mismatch = _mismatch(schema, value, path)
    if mismatch is not None:
        yield mismatch
    if value is None:
        return
    yield from _combined(schema, value, path)
    match value:
        case str():
            yield from _text(schema, value, path)
        case int() | float() if not isinstance(value, bool):
            yield from _number(schema, value, path)
        case list():
            yield from _array(schema, value, path, old)
        case _:
            pass
    yield from _enumerated(schema, value, path)
    if isinstance(value, dict):
        yield from _object(schema, value, path, old)


def _mismatch(schema: Schema, value: Any, path: Path) -> Cause | None:
    wanted, given = schema.get("type"), _NAMES[type(value)]
    if schema.get(INT_OR_STRING):
        return None if given in ("integer", "string") else _wrong(path, "integer,string", given)
    if wanted in (None, given) or (wanted == "number" and given == "integer"):
        return None
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return None
    return _wrong(path, str(wanted), given)


def _wrong(path: Path, wanted: str, given: str) -> Cause:
    said = f'Invalid value: "{given}": {path} in body must be of type {wanted}: "{given}"'
    return Cause("FieldValueTypeInvalid", said, str(path))


def _broken(path: Path, value: Any, rule: str) -> Cause:
    shown = (
        Literal(msgspec.json.encode(value).decode()) if isinstance(value, dict | list) else value
    )
    return field.invalid(path, shown, f"{path} in body {rule}")


def _enumerated(schema: Schema, value: Any, path: Path) -> Causes:
    choices = schema.get("enum")
    if choices is not None and value not in choices:
        yield field.not_supported(path, value, [str(choice) for choice in choices])


def _object(schema: Schema, value: Mapping[str, Any], path: Path, old: Any) -> Causes:
    yield from _sized(schema, value, path)
    before = old if isinstance(old, dict) else {}
    fields, others = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, item in value.items():
        if name in fields:
            earlier = before.get(name, _NOTHING)
            yield from causes(fields[name], item, path.child(name), earlier)
        elif isinstance(others, dict):
            yield from causes(others, item, path.child(name), before.get(name, _NOTHING))
    for name in schema.get("required") or ():
        if name not in value:
            yield field.required(path.child(name))


def _array(schema: Schema, value: list[Any], path: Path, old: Any) -> Causes:
    items = schema.get("items")
    if isinstance(items, dict):
        earlier = _earlier(schema, old)
        for number, item in enumerate(value):
            yield from causes(items, item, path.index(number), earlier(item))
    most, least = schema.get("maxItems"), schema.get("minItems")
    if least is not None and len(value) < least:
        yield field.invalid(path, len(value), f"{path} in body should have at least {least} items")
    if most is not None and len(value) > most:
        yield field.too_many(path, len(value), most)
    if schema.get("uniqueItems") and any(item in value[:at] for at, item in enumerate(value)):
        yield field.invalid(path, "", f"{path} in body shouldn't contain duplicates")


def _earlier(schema: Schema, old: Any) -> Callable[[Any], Any]:
    """Finds what an item of a list was, where the list has keys."""
    find = earlier_items(schema, old)

    def earlier(item: Any) -> Any:
        found = find(item)
        return _NOTHING if found is None else found

    return earlier


def _sized(schema: Schema, value: Mapping[str, Any], path: Path) -> Causes:
    most, least = schema.get("maxProperties"), schema.get("minProperties")
    if least is not None and len(value) < least:
        rule = f"{path} in body should have at least {least} properties"
        yield field.invalid(path, len(value), rule)
    if most is not None and len(value) > most:
        yield field.too_many(path, len(value), most)


def _text(schema: Schema, value: str, path: Path) -> Causes:
    most, least = schema.get("maxLength"), schema.get("minLength")
    if most is not None and len(value) > most:
        yield field.too_long(path, most)
    if least is not None and len(value) < least:
        yield _broken(path, value, f"should be at least {least} chars long")
    pattern = schema.get("pattern")
    if pattern is not None and not _matches(pattern, value):
        yield _broken(path, value, f"should match '{pattern}'")
    kind = str(schema.get("format") or "")
    if kind and not formats.fits(kind, value):
        said = f'Invalid value: "{value}": {path} in body must be of type {kind}: "{value}"'
        yield Cause("FieldValueInvalid", said, str(path))


def _matches(pattern: str, value: str) -> bool:
    try:
        return compiled(pattern).search(value) is not None
    except EvaluationError:  # it was refused with its definition
        return True


def _number(schema: Schema, value: float, path: Path) -> Causes:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and (value <= low if schema.get("exclusiveMinimum") else value < low):
        words = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        yield _broken(path, value, f"should be {words} {low}")
    if high is not None and (value >= high if schema.get("exclusiveMaximum") else value > high):
        words = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        yield _broken(path, value, f"should be {words} {high}")
    step = schema.get("multipleOf")
    if step and value % step:
        yield _broken(path, value, f"should be a multiple of {step}")


def _combined(schema: Schema, value: Any, path: Path) -> Causes:
    """``anyOf``, ``oneOf``, ``allOf`` and ``not``: what is said of the whole names no field, as
    upstream's composite errors don't, and what is wrong with the first alternative follows.
    """
    shown = quoted(str(path))
    some = [list(causes(one, value, path)) for one in schema.get("anyOf") or ()]
    if some and all(some):
        yield field.invalid(NOWHERE, "", f"{shown} must validate at least one schema (anyOf)")
        yield from some[0]
    one_of = [list(causes(one, value, path)) for one in schema.get("oneOf") or ()]
    fitting = sum(not found for found in one_of)
    if one_of and fitting != 1:
        count = f"Found {fitting} valid alternatives" if fitting else "Found none valid"
        rule = f"{shown} must validate one and only one schema (oneOf). {count}"
        yield field.invalid(NOWHERE, "", rule)
        if not fitting:
            yield from one_of[0]
    every = [list(causes(one, value, path)) for one in schema.get("allOf") or ()]
    if any(every):
        yield from (cause for found in every for cause in found)
        how = ". None validated" if all(every) else ""
        yield field.invalid(NOWHERE, "", f"{shown} must validate all the schemas (allOf){how}")
    other = schema.get("not")
    if other is not None and not list(causes(other, value, path)):
        yield field.invalid(NOWHERE, "", f"{shown} must not validate the schema (not)")
