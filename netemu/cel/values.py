"""Values at run time: Python's own where they fit, and how they compare."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from netemu.cel.errors import EvaluationError
from netemu.cel.types import DYN, NAMED, Type


class Uint(int):
    """An unsigned number."""


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may be missing."""

    value: Any = None
    there: bool = False


NONE: Final = Optional()

KINDS: dict[type, str] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    dict: "map",
    datetime: "timestamp",
    timedelta: "duration",
    Type: "type",
    Optional: "optional_type",
}
"""What each Python type is in an expression; libraries add theirs."""

_NUMBERS: Final = frozenset({int, Uint, float})


def no_overload() -> EvaluationError:
    """A function is asked for what it has no answer to."""
    return EvaluationError("no such overload")


def kind_of(value: Any) -> str:
    """The name of a value's type."""
    return KINDS.get(type(value), "dyn")


def type_of(value: Any) -> Type:
    """The type of a value, as ``type()`` gives it."""
    name = kind_of(value)
    if name in ("timestamp", "duration"):
        name = f"google.protobuf.{name.capitalize()}"
    return NAMED.get(name) or Type(name)


def equal(one: Any, other: Any) -> bool:
    """Equality: numbers by value whatever their type, other types never equal one another."""
    first, second = type(one), type(other)
    if first is not second:
        return first in _NUMBERS and second in _NUMBERS and bool(one == other)
    if first is list:
        return len(one) == len(other) and all(map(equal, one, other))
    if first is dict:
        return len(one) == len(other) and _same_entries(one, other)
    if first is Optional:
        return one.there == other.there and equal(one.value, other.value)
    if first is Type:
        return bool(one.name == other.name)
    return bool(one == other)


def _same_entries(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    return all(key in other and equal(value, other[key]) for key, value in one.items())


_ORDERED: Final = frozenset({str, bytes, bool, datetime, timedelta})


def compared(one: Any, other: Any) -> int:
    """-1, 0 or 1. Raises EvaluationError for what has no order."""
    first, second = type(one), type(other)
    if first is not second:
        if first not in _NUMBERS or second not in _NUMBERS:
            raise no_overload()
    elif first not in _NUMBERS and first not in _ORDERED:
        raise no_overload()
    return int(one > other) - int(one < other)


def bounded(number: int) -> int:
    """An int that fits 64 bits. Raises EvaluationError."""
    if not -(2**63) <= number < 2**63:
        raise EvaluationError("integer overflow")
    return number


def unsigned(number: int) -> Uint:
    """A uint that fits 64 bits. Raises EvaluationError."""
    if not 0 <= number < 2**64:
        raise EvaluationError("unsigned integer overflow")
    return Uint(number)


def is_zero(value: Any) -> bool:
    """Whether it is its type's zero value."""
    return value is None or value in (0, "", b"", [], {}, False, timedelta(0))


def matches(wanted: Type, value: Any) -> bool:
    """Whether a value goes where a type is wanted, by its outermost type."""
    return wanted is DYN or len(wanted.name) == 1 or wanted.name in ("dyn", kind_of(value))
