"""Objects and sets of fields: which fields an object has, an object without some of its fields.

Types say what is one field and what consists of several (structured-merge-diff's typed values).
Nothing here changes an argument; results share parts with them.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from netemu.api.fieldset import (
    MEMBER,
    SELF,
    FieldSet,
    element,
    is_member,
    make_node,
    parts_of,
)
from netemu.api.schema import Array, Map, Struct, Type

ABSENT: Final[Any] = object()
"""What is left of a value when nothing of it is."""


def fields_of(of: Type, value: Any) -> FieldSet:
    """Every field of a value: what has no parts, what is empty, and each item and free key."""
    found: FieldSet = {}
    named = isinstance(of, Struct)
    for key, part, item in parts_of(of, value) or ():
        if parts_of(part, item) is None:
            found[key] = MEMBER
        else:
            at = make_node(not named or not item, fields_of(part, item))
            if at is not None:
                found[key] = at
    return found


def without(of: Type, value: Any, fields: FieldSet) -> Any:
    """A value without those fields and all that is below them; ABSENT when none are left."""
    left: Any
    if isinstance(of, Struct | Map) and not of.atomic and isinstance(value, dict):
        left = dict(_kept(of, ((f"f:{name}", name, item) for name, item in value.items()), fields))
    elif isinstance(of, Array) and of.list_type != "atomic" and isinstance(value, list):
        keyed = ((element(of, item), "", item) for item in value)
        left = [item for _, item in _kept(of, keyed, fields)]
    else:
        return value
    return left or ABSENT


def _kept(
    of: Type, parts: Iterator[tuple[str, str, Any]], fields: FieldSet
) -> Iterator[tuple[str, Any]]:
    for key, name, item in parts:
        gone = fields.get(key)
        if gone is None:
            yield name, item
        elif not is_member(gone):
            part = below(of, key)
            left = item if part is None else without(part, item, gone)
            if left is not ABSENT:
                yield name, left


def below(of: Type, key: str) -> Type | None:
    """The type of what a path element leads to; None for what has no parts."""
    match of:
        case Struct():
            return of.fields.get(key[2:])
        case Map():
            return of.values
        case Array():
            return of.items
        case _:
            return None


def with_parents(of: Type, fields: FieldSet) -> FieldSet:
    """`fields`, and each field of a struct that has one of them below it."""
    found: FieldSet = {}
    for key, children in fields.items():
        if key == SELF:
            continue
        part = below(of, key)
        deeper = children if part is None else with_parents(part, children)
        named = isinstance(of, Struct) and key[2:] in of.fields
        at = make_node(
            named or is_member(children),
            {name: child for name, child in deeper.items() if name != SELF},
        )
        if at is not None:
            found[key] = at
    return found


def stripped(fields: FieldSet, ignored: FieldSet) -> FieldSet:
    """`fields` without those that are ignored and all below them."""
    found = {}
    for key, children in fields.items():
        skip = ignored.get(key)
        if skip is None:
            found[key] = children
        elif skip and (left := stripped(children, skip)):
            found[key] = left
    return found


def paths(fields: FieldSet, above: str = "") -> Iterator[str]:
    """Each field as messages name it: ``.spec.containers[name="web"].image``."""
    keys = sorted(key for key in fields if key != SELF)
    for key in keys:
        if is_member(fields[key]):
            yield above + shown(key)
    for key in keys:
        yield from paths(fields[key], above + shown(key))


def shown(key: str) -> str:
    """A path element as messages show it."""
    kind, rest = key[:2], key[2:]
    match kind:
        case "f:":
            return f".{rest}"
        case "k:":
            pairs = json.loads(rest).items()
            return "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in pairs) + "]"
        case "v:":
            return f"[={rest}]"
        case _:
            return f"[{rest}]"
