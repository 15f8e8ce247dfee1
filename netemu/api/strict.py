"""Is an object what its kind's schema says? Go's decoder, in one walk.

What comes out has nothing in it that the schema doesn't know: unknown fields are dropped and told
(the server decides whether that is an error, a warning or nothing), nulls are dropped as a
struct's decoder drops them, empty lists and maps as its encoder does (omitempty), quantities and
times are written as a cluster writes them. A value of the wrong type is refused in the words of
Go's encoding/json, whose rules these are: a type that decodes itself (Quantity, Time, IntOrString)
stops at once; else the first mismatch is told.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, TypeAlias

from netemu.api import scalars, schema
from netemu.api.custom.resource import CustomResource
from netemu.api.custom.structural import pruned
from netemu.api.gotypes import string_type
from netemu.api.scalars import quoted
from netemu.api.schema import (
    Anything,
    Array,
    Boolean,
    Bytes,
    Integer,
    IntOrString,
    Map,
    Number,
    Quantity,
    Struct,
    Text,
    Time,
    Type,
)
from netemu.model.errors import BadRequest
from netemu.model.meta import Object
from netemu.model.resources import Resource

MAX_PROBLEMS: Final = 100
"""Strict decoding stops collecting there (sigs.k8s.io/json)."""

Path: TypeAlias = tuple[Any, str | int] | None
"""Where a value is: its parent's path and its own key or index; None is the object itself."""


class _Walk:
    """What one walk has found so far."""

    __slots__ = ("mismatch", "problems", "root")

    def __init__(self, root: Struct) -> None:
        self.root = root
        self.problems: dict[str, None] = {}
        self.mismatch: str | None = None

    def unknown(self, parent: Path, name: str) -> None:
        """Remember a field that the schema doesn't know."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems[f"unknown field {quoted(written((parent, name)))}"] = None

    def mismatched(self, what: str, go_type: str, path: Path) -> None:
        """Remember a value of the wrong type; only the first is told."""
        if self.mismatch is None:
            self.mismatch = self.cannot(what, go_type, path)

    def refuse(self, what: str, go_type: str, path: Path) -> NoReturn:
        """Stop at a value of the wrong type."""
        raise scalars.Unreadable(self.cannot(what, go_type, path))

    def cannot(self, what: str, go_type: str, path: Path) -> str:
        """Say it as Go does: by struct and by path without indices and free keys."""
        at: Type = self.root
        owner, names = "", []
        for part in parts(path):
            if isinstance(at, Struct):
                owner = at.name.rpartition(".")[2]
                names.append(str(part))
                at = at.fields[str(part)]
            elif isinstance(at, Array):
                at = at.items
            elif isinstance(at, Map):
                at = at.values
        if names:
            go_type = string_type(owner, names[-1], go_type)
        place = f"Go struct field {owner}.{'.'.join(names)}" if names else "Go value"
        return f"json: cannot unmarshal {what} into {place} of type {go_type}"


class Mismatch(BadRequest):
    """A value is of a type its field can't have."""


def check(resource: Resource, obj: Object) -> tuple[Object, list[str]]:
    """The object as its schema knows it, and every ``unknown field "spec.x"``, in order.

    Raises Mismatch for a value of a wrong type.
    """
    walk = _Walk(schema.of(resource))
    result: Object
    try:
        if isinstance(resource, CustomResource):
            result = _custom(resource, obj, walk)
        else:
            result = _struct(walk.root, obj, None, walk)
    except scalars.Unreadable as unreadable:
        raise Mismatch(_unhandled(resource, str(unreadable))) from None
    if walk.mismatch is not None:
        raise Mismatch(_unhandled(resource, walk.mismatch))
    return result, list(walk.problems)


def _custom(resource: CustomResource, obj: Object, walk: _Walk) -> Object:
    """As the kind's own schema says; what that says of types is judged with the other rules."""
    metadata = obj.get("metadata")
    given = {name: value for name, value in obj.items() if name not in ("metadata", "kind")}
    given.pop("apiVersion", None)
    unknown: list[str] = []
    result: Object = {name: obj[name] for name in ("apiVersion", "kind") if name in obj}
    if metadata is not None:
        struct = walk.root.fields["metadata"]
        assert isinstance(struct, Struct)
        result["metadata"] = _struct(struct, metadata, (None, "metadata"), walk)
    result |= pruned(resource.schema, given, unknown)
    for path in unknown[:MAX_PROBLEMS]:
        walk.problems[f"unknown field {quoted(path)}"] = None
    return result


def _unhandled(resource: Resource, why: str) -> str:
    kind = resource.kind
    return f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {why}'


def parts(path: Path) -> list[str | int]:
    """A path's keys and indices, from the object down."""
    found: list[str | int] = []
    while path is not None:
        path, part = path
        found.append(part)
    found.reverse()
    return found


def written(path: Path) -> str:
    """A path as messages show it: ``spec.containers[0].image``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts(path))
    return text.removeprefix(".")


def json_name(value: Any) -> str:
    """What Go's decoder calls a value of a type it didn't expect."""
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
        case _:
            return "object"


def go_name(of: Type) -> str:
    """How Go writes a type."""
    match of:
        case Array():
            return f"[]{go_name(of.items)}"
        case Map():
            # The one map with a name of its own.
            named = isinstance(of.values, Quantity)
            return "v1.ResourceList" if named else f"map[string]{go_name(of.values)}"
        case Struct():
            return of.name
        case Integer():
            return f"int{of.bits}"
        case Time():
            return "v1.MicroTime" if of.micro else "v1.Time"
        case _:
            return _GO_NAMES[type(of)]


_GO_NAMES: Final[Mapping[type, str]] = {
    Text: "string",
    Boolean: "bool",
    Number: "float64",
    Bytes: "[]uint8",
    IntOrString: "intstr.IntOrString",
    Quantity: "resource.Quantity",
    Anything: "runtime.RawExtension",
}


def _struct(of: Struct, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ is not dict:
        return walk.mismatched(json_name(value), of.name, path)
    fields = of.fields
    result = {}
    for name, item in value.items():
        field = fields.get(name)
        if field is None:
            walk.unknown(path, name)
        elif item is not None:
            kind = field.__class__
            if kind is Text and item.__class__ is str:  # most fields, spared a call
                result[name] = item
            else:
                checked = _CHECKS[kind](field, item, (path, name), walk)
                if checked or kind not in _OMITTED or name in of.always:
                    result[name] = checked
    return result


def _map(of: Map, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ is not dict:
        return walk.mismatched(json_name(value), go_name(of), path)
    values = of.values
    check_value = _CHECKS[values.__class__]
    return {
        name: _zero(values)
        if item is None
        else item
        if item.__class__ is str and values.__class__ is Text
        else check_value(values, item, (path, name), walk)
        for name, item in value.items()
    }


def _array(of: Array, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ is not list:
        return walk.mismatched(json_name(value), go_name(of), path)
    items = of.items
    check_item = _CHECKS[items.__class__]
    return [
        _zero(items) if item is None else check_item(items, item, (path, index), walk)
        for index, item in enumerate(value)
    ]


def _zero(of: Type) -> Any:
    """What null leaves behind as an item: the type's zero value."""
    match of:
        case Text() | Bytes():
            return ""
        case Integer() | IntOrString() | Number():
            return 0
        case Boolean():
            return False
        case Quantity():
            return "0"
        case Struct():
            return {}
        case _:
            return None


def _text(of: Text, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ is not str:
        walk.mismatched(json_name(value), "string", path)
    return value


def _boolean(of: Boolean, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ is not bool:
        walk.mismatched(json_name(value), "bool", path)
    return value


def _integer(of: Integer, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ is int and -(1 << of.bits - 1) <= value < 1 << of.bits - 1:
        return value
    number = value.__class__ in (int, float)
    walk.mismatched(f"number {value}" if number else json_name(value), f"int{of.bits}", path)
    return None


def _number(of: Number, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ not in (int, float):
        walk.mismatched(json_name(value), "float64", path)
    return value


def _bytes(of: Bytes, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ is not str:
        return walk.mismatched(json_name(value), "[]uint8", path)
    try:
        return scalars.base64(value)
    except scalars.Unreadable as unreadable:
        walk.mismatch = walk.mismatch or str(unreadable)
        return None


def _int_or_string(of: IntOrString, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ is not str and not (value.__class__ is int and -(2**31) <= value < 2**31):
        number = value.__class__ in (int, float)
        walk.refuse(f"number {value}" if number else json_name(value), "int32", path)
    return value


def _quantity(of: Quantity, value: Any, path: Path, walk: _Walk) -> Any:
    return scalars.quantity(value if value.__class__ is str else str(value))


def _time(of: Time, value: Any, path: Path, walk: _Walk) -> Any:
    if value.__class__ is not str:
        walk.refuse(json_name(value), "string", path)
    return scalars.time(value, of.micro)


def _anything(of: Anything, value: Any, path: Path, walk: _Walk) -> Any:
    if of.objects is None or isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [_struct(of.objects, item, (path, at), walk) for at, item in enumerate(value)]
    return _struct(of.objects, value, path, walk)


_OMITTED: Final = frozenset({Array, Map})
"""What Go leaves out when it is empty, unless the field is one that is always there."""

_CHECKS: Final[Mapping[type, Callable[[Any, Any, Path, _Walk], Any]]] = {
    Text: _text,
    Boolean: _boolean,
    Integer: _integer,
    Number: _number,
    Bytes: _bytes,
    Time: _time,
    IntOrString: _int_or_string,
    Quantity: _quantity,
    Anything: _anything,
    Array: _array,
    Map: _map,
    Struct: _struct,
}
