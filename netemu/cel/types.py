"""Types of expressions, and which goes where another is wanted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Type:
    """A type; an object's has the types of its fields by the names that expressions use."""

    name: str
    params: "tuple[Type, ...]" = ()
    fields: "Mapping[str, Field] | None" = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        shown = _SHOWN.get(self.name, self.name)
        return f"{shown}({', '.join(map(str, self.params))})" if self.params else shown


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object: its type, and its name in the object."""

    type: Type
    name: str


_SHOWN: Final = {"null_type": "null"}

DYN: Final = Type("dyn")
NULL: Final = Type("null_type")
BOOL: Final = Type("bool")
INT: Final = Type("int")
UINT: Final = Type("uint")
DOUBLE: Final = Type("double")
STRING: Final = Type("string")
BYTES: Final = Type("bytes")
TIMESTAMP: Final = Type("timestamp")
DURATION: Final = Type("duration")

NAMED: Final[Mapping[str, Type]] = {
    **{one.name: one for one in (BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL, DYN)},
    "list": Type("list", (DYN,)),
    "map": Type("map", (DYN, DYN)),
    "type": Type("type", (DYN,)),
    "optional_type": Type("optional_type", (DYN,)),
    "google.protobuf.Timestamp": TIMESTAMP,
    "google.protobuf.Duration": DURATION,
}
"""Types that are values: what ``type(x)`` may be compared with."""
_NEVER_NULL: Final = frozenset(
    {"bool", "int", "uint", "double", "string", "bytes", "list", "map", "type"}
)


def list_of(item: Type) -> Type:
    """A list."""
    return Type("list", (item,))


def map_of(key: Type, value: Type) -> Type:
    """A map."""
    return Type("map", (key, value))


def optional_of(item: Type) -> Type:
    """A value that may be missing."""
    return Type("optional_type", (item,))


def is_param(one: Type) -> bool:
    """Whether it stands for any type (``A``)."""
    return len(one.name) == 1


def fits(wanted: Type, given: Type, bound: dict[str, Type]) -> bool:
    """Whether a value of type `given` goes where `wanted` is; `bound` learns the parameters."""
    if is_param(wanted):
        return _bind(wanted, given, bound)
    if DYN in (wanted, given):
        return True
    if given is NULL or given == NULL:
        return wanted.fields is not None or wanted.name not in _NEVER_NULL
    if wanted.name != given.name or len(wanted.params) != len(given.params):
        return False
    pairs = zip(wanted.params, given.params, strict=True)
    return all(fits(mine, other, bound) for mine, other in pairs)


def _bind(param: Type, given: Type, bound: dict[str, Type]) -> bool:
    known = bound.get(param.name)
    if known is None:
        bound[param.name] = given
        return True
    joint = joined(known, given)
    if joint is None:
        return False
    bound[param.name] = joint
    return True


def joined(one: Type, other: Type) -> Type | None:
    """The type that both are, or None."""
    if DYN in (one, other):
        return DYN
    if fits(one, other, {}):
        return one
    return other if fits(other, one, {}) else None


def substituted(one: Type, bound: Mapping[str, Type]) -> Type:
    """A type with its parameters known; those that aren't may be anything."""
    if is_param(one):
        return bound.get(one.name, DYN)
    if not one.params:
        return one
    return Type(one.name, tuple(substituted(param, bound) for param in one.params), one.fields)


def read(text: str) -> Type:
    """A type as signatures write it: ``map<string,list<A>>``."""
    name, _, rest = text.strip().partition("<")
    if not rest:
        return NAMED.get(name, Type(name)) if name not in ("list", "map") else NAMED[name]
    name = "optional_type" if name == "optional" else name
    return Type(name, tuple(map(read, split(rest[:-1]))))


def split(text: str) -> Iterator[str]:
    """The parts between commas that are in no brackets."""
    depth, start = 0, 0
    for at, char in enumerate(text):
        depth += (char == "<") - (char == ">")
        if char == "," and not depth:
            yield text[start:at]
            start = at + 1
    if text[start:].strip():
        yield text[start:]
