"""Sets of fields, and what two states of an object differ in (structured-merge-diff).

A set is kept as FieldsV1 writes it (KEP-555), so it needs no decoding: a tree of path elements
``f:<field>``, ``k:<keys of a list's item>``, ``v:<value in a set>``. A node without children is in
the set; one with children is in it only if they include ".". Nothing here changes a set: what
comes back is new, or the very same when there was nothing to do. Managed fields and server-side
apply are built on this.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec

from netemu.api.schema import Array, Map, Struct, Type
from netemu.model.meta import Object

FieldSet: TypeAlias = dict[str, Any]

SELF: Final = "."
MEMBER: Final[FieldSet] = {}
"""A node that is in the set and has no children; shared, never changed."""


def is_member(node: FieldSet) -> bool:
    """Whether a node is itself in the set."""
    return not node or SELF in node


def make_node(member: bool, children: FieldSet) -> FieldSet | None:
    """A node with that membership and those children; None when there is neither."""
    if not children:
        return MEMBER if member else None
    return {SELF: MEMBER, **children} if member else children


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    """Fields that are in either."""
    result: FieldSet | None = None
    for key, theirs in other.items():
        ours = one.get(key)
        joined = theirs if ours is None else _united(ours, theirs)
        if joined is not ours:
            result = dict(one) if result is None else result
            result[key] = joined
    return one if result is None else result


def _united(one: FieldSet, other: FieldSet) -> FieldSet:
    if not other:
        return one if is_member(one) else {SELF: MEMBER, **one}
    if not one:
        return other if SELF in other else {SELF: MEMBER, **other}
    return union(one, other)


def difference(one: FieldSet, other: FieldSet) -> FieldSet:
    """Fields of `one` that are not in `other`; having a field says nothing about those below."""
    result: FieldSet | None = None
    for key, theirs in other.items():
        ours = one.get(key)
        if ours is None or key == SELF:
            continue
        left = _left(ours, theirs)
        if left is not ours:
            result = dict(one) if result is None else result
            if left is None:
                del result[key]
            else:
                result[key] = left
    return one if result is None else result


def _left(one: FieldSet, other: FieldSet) -> FieldSet | None:
    was = is_member(one)
    member = was and not is_member(other)
    children = difference(one, other)
    if children is one and member == was:
        return one
    return make_node(member, {key: child for key, child in children.items() if key != SELF})


def intersection(one: FieldSet, other: FieldSet) -> FieldSet:
    """Fields that are in both."""
    found: FieldSet = {}
    for key, ours in one.items():
        theirs = other.get(key)
        if theirs is None or key == SELF:
            continue
        both = make_node(is_member(ours) and is_member(theirs), intersection(ours, theirs))
        if both is not None:
            found[key] = both
    return found


def is_valid(value: Any) -> bool:
    """Whether JSON from a client is a set."""
    return isinstance(value, dict) and all(
        (key == SELF or key[:2] in ("f:", "k:", "v:", "i:")) and is_valid(child)
        for key, child in value.items()
    )


def ordered(fields: FieldSet) -> FieldSet:
    """The same set with its keys as a cluster sorts them."""
    return {key: ordered(fields[key]) for key in sorted(fields)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What tells a new object from an old one."""

    changed: FieldSet
    """Fields that are new or have another value."""
    removed: FieldSet
    """Fields that are no longer there."""


_ABSENT: Final[Any] = object()


def compare(of: Struct, old: Object, new: Object, ignored: FieldSet) -> Comparison:
    """Compare two objects of a type, apart from the fields in `ignored`.

    As structured-merge-diff: scalars and atomic lists and maps are fields as a whole; others are
    fields by their parts, and themselves only where they appear or disappear.
    """
    changed: FieldSet = {}
    removed: FieldSet = {}
    for key, field, before, after in _struct_parts(of, old, new):
        skip = ignored.get(key)
        if skip is None:
            _compare(field, key, before, after, changed, removed)
        elif skip and isinstance(field, Struct):
            part = compare(field, _present(before), _present(after), skip)
            _attach(changed, key, False, part.changed)
            _attach(removed, key, False, part.removed)
    return Comparison(changed, removed)


def _present(value: Any) -> Any:
    return {} if value is _ABSENT else value


def _attach(parent: FieldSet, key: str, member: bool, children: FieldSet) -> None:
    node = make_node(member, children)
    if node is not None:
        parent[key] = node


def _compare(of: Type, key: str, old: Any, new: Any, changed: FieldSet, removed: FieldSet) -> None:
    """Compare the values of one field; `changed` and `removed` are its parent's."""
    if old == new:
        return
    parts = _parts(of, old, new)
    if parts is None:
        (removed if new is _ABSENT else changed)[key] = MEMBER
        return
    below_changed: FieldSet = {}
    below_removed: FieldSet = {}
    for part_key, part, before, after in parts:
        _compare(part, part_key, before, after, below_changed, below_removed)
    _attach(changed, key, old is _ABSENT, below_changed)
    _attach(removed, key, new is _ABSENT, below_removed)


Parts: TypeAlias = Iterator[tuple[str, Type, Any, Any]]
"""The path element, type, old and new value of each part of two values."""


def _parts(of: Type, old: Any, new: Any) -> Parts | None:
    """What a value consists of; None for one that is owned whole, or of a type it can't have."""
    wanted = list if isinstance(of, Array) else dict
    if not all(value is _ABSENT or value.__class__ is wanted for value in (old, new)):
        return None
    if isinstance(of, Struct):
        return None if of.atomic else _struct_parts(of, old, new)
    if isinstance(of, Map):
        return None if of.atomic else _map_parts(of, old, new)
    if isinstance(of, Array) and of.list_type != "atomic":
        return _array_parts(of, old, new)
    return None


def parts_of(of: Type, value: Any) -> Iterator[tuple[str, Type, Any]] | None:
    """The path element, type and value of each part of a value; None for one owned whole."""
    parts = _parts(of, _ABSENT, value)
    return None if parts is None else ((key, part, item) for key, part, _, item in parts)


def _struct_parts(of: Struct, old: Any, new: Any) -> Parts:
    before = {} if old is _ABSENT else old
    after = {} if new is _ABSENT else new
    for name in {**before, **after}:
        field = of.fields.get(name)
        if field is None:  # nothing a schema doesn't know is ever stored
            continue
        # What a cluster always writes is not absent, only empty, unless its parent is absent.
        empty = _empty(field) if name in of.always else _ABSENT
        yield (
            f"f:{name}",
            field,
            before.get(name, _ABSENT if old is _ABSENT else empty),
            after.get(name, _ABSENT if new is _ABSENT else empty),
        )


def _empty(of: Type) -> Any:
    return [] if isinstance(of, Array) else {}


def _map_parts(of: Map, old: Any, new: Any) -> Parts:
    before = {} if old is _ABSENT else old
    after = {} if new is _ABSENT else new
    for name in {**before, **after}:
        yield f"f:{name}", of.values, before.get(name, _ABSENT), after.get(name, _ABSENT)


def _array_parts(of: Array, old: Any, new: Any) -> Parts:
    before = {} if old is _ABSENT else items(of, old)
    after = {} if new is _ABSENT else items(of, new)
    for key in {**before, **after}:
        yield key, of.items, before.get(key, _ABSENT), after.get(key, _ABSENT)


def items(of: Array, values: list[Any]) -> dict[str, Any]:
    """A list's items by their path elements; of equal ones the first."""
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(element(of, value), value)
    return found


def element(of: Array, item: Any) -> str:
    """The path element of a list's item."""
    if of.list_type == "set" or item.__class__ is not dict:
        return f"v:{msgspec.json.encode(item).decode()}"
    assert isinstance(of.items, Struct)
    keys = {
        name: item.get(name, of.items.defaults.get(name))
        for name in sorted(of.keys)
        if name in item or name in of.items.defaults
    }
    return f"k:{msgspec.json.encode(keys).decode()}"
