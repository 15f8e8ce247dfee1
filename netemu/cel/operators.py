"""What operators do (cel-spec, "Standard definitions"); each looks at its values' types itself."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from netemu.cel.errors import EvaluationError
from netemu.cel.values import (
    NONE,
    Optional,
    Uint,
    bounded,
    compared,
    equal,
    no_overload,
    unsigned,
)

TYPES: Final = (
    ("_==_", "(A,A) bool"), ("_!=_", "(A,A) bool"), ("!_", "(bool) bool"),
    ("_&&_", "(bool,bool) bool"), ("_||_", "(bool,bool) bool"), ("_?_:_", "(bool,A,A) A"),
    ("@in", "(A,list<A>) bool"), ("@in", "(A,map<A,B>) bool"),
    ("_[_]", "(list<A>,int) A"), ("_[_]", "(map<A,B>,A) B"),
    ("_[_]", "(optional<list<A>>,int) optional<A>"), ("_[_]", "(optional<map<A,B>>,A) optional<B>"),
    ("_[?_]", "(list<A>,int) optional<A>"), ("_[?_]", "(map<A,B>,A) optional<B>"),
    ("_[?_]", "(optional<list<A>>,int) optional<A>"),
    ("_[?_]", "(optional<map<A,B>>,A) optional<B>"),
    *((f"_{sign}_", f"({one},{other}) bool")
      for sign in ("<", "<=", ">", ">=")
      for one, other in (
          *((kind, kind) for kind in
            ("int", "uint", "double", "bool", "string", "bytes", "timestamp", "duration")),
          *((one, other) for one in ("int", "uint", "double")
            for other in ("int", "uint", "double") if one != other),
      )),
    *((f"_{sign}_", f"({kind},{kind}) {kind}")
      for sign in "+-*/" for kind in ("int", "uint", "double")),
    ("_%_", "(int,int) int"), ("_%_", "(uint,uint) uint"),
    ("-_", "(int) int"), ("-_", "(double) double"),
    ("_+_", "(string,string) string"), ("_+_", "(bytes,bytes) bytes"),
    ("_+_", "(list<A>,list<A>) list<A>"), ("_+_", "(timestamp,duration) timestamp"),
    ("_+_", "(duration,timestamp) timestamp"), ("_+_", "(duration,duration) duration"),
    ("_-_", "(timestamp,timestamp) duration"), ("_-_", "(timestamp,duration) timestamp"),
    ("_-_", "(duration,duration) duration"),
)  # fmt: skip
"""The types of operators: what they take, what they give."""

_JOINED: Final = (str, bytes, list)


def _add(one: Any, other: Any) -> Any:
    first, second = type(one), type(other)
    if first is second and first in _JOINED:
        return one + other
    if {first, second} == {datetime, timedelta} or first is second is timedelta:
        return _in_time(lambda: one + other)
    return _counted(one, other, lambda: one + other)


def _subtract(one: Any, other: Any) -> Any:
    first, second = type(one), type(other)
    if first in (datetime, timedelta) and second in (first, timedelta):
        return _in_time(lambda: one - other)
    return _counted(one, other, lambda: one - other)


def _in_time(sum_of: Callable[[], Any]) -> Any:
    try:
        return sum_of()
    except OverflowError:
        raise EvaluationError("timestamp overflow") from None


def _counted(one: Any, other: Any, result: Callable[[], Any]) -> Any:
    """Arithmetic of two numbers of one type."""
    kind = type(one)
    if kind is not type(other):
        raise no_overload()
    if kind is int:
        return bounded(result())
    if kind is Uint:
        return unsigned(int(result()))
    if kind is float:
        return result()
    raise no_overload()


def _multiply(one: Any, other: Any) -> Any:
    return _counted(one, other, lambda: one * other)


def _divide(one: Any, other: Any) -> Any:
    if type(one) is float and type(other) is float:
        return _divided_floats(one, other)
    if other == 0 and type(one) is type(other):
        raise EvaluationError("division by zero")
    return _counted(
        one, other, lambda: abs(one) // abs(other) * (1 if (one < 0) == (other < 0) else -1)
    )


def _divided_floats(one: float, other: float) -> float:
    if other:
        return one / other
    return math.nan if one == 0 or math.isnan(one) else math.copysign(math.inf, one)


def _remainder(one: Any, other: Any) -> Any:
    if type(one) is float:
        raise no_overload()
    if other == 0 and type(one) is type(other):
        raise EvaluationError("modulus by zero")
    return _counted(one, other, lambda: abs(one) % abs(other) * (-1 if one < 0 else 1))


def _negated(value: Any) -> Any:
    if type(value) is int:
        return bounded(-value)
    if type(value) is float:
        return -value
    raise no_overload()


def _not(value: Any) -> bool:
    if type(value) is not bool:
        raise no_overload()
    return not value


def _contained(item: Any, many: Any) -> bool:
    if type(many) is list:
        return any(equal(item, one) for one in many)
    if type(many) is dict:
        return _key(item) in many
    raise no_overload()


def _key(key: Any) -> Any:
    if type(key) is float and key.is_integer():
        return int(key)
    if type(key) in (list, dict):
        raise no_overload()
    return key


def indexed(many: Any, at: Any) -> Any:
    """``many[at]``. Raises EvaluationError."""
    if type(many) is dict:
        key = _key(at)
        if key not in many:
            raise EvaluationError(f"no such key: {_shown(at)}")
        return many[key]
    if type(many) is Optional:
        return _within(many, at)
    if type(many) is not list or type(_key(at)) not in (int, Uint):
        raise no_overload()
    at = _key(at)
    if not 0 <= at < len(many):
        raise EvaluationError(f"index out of bounds: {at}")
    return many[at]


def _shown(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _within(many: Optional, at: Any) -> Optional:
    return perhaps(many.value, at) if many.there else NONE


def perhaps(many: Any, at: Any) -> Optional:
    """``many[?at]``: what is there, or nothing."""
    if type(many) is Optional:
        return _within(many, at)
    if type(many) is dict:
        key = _key(at)
        return Optional(many[key], there=True) if key in many else NONE
    if type(many) is not list or type(at) not in (int, Uint):
        raise no_overload()
    return Optional(many[at], there=True) if 0 <= at < len(many) else NONE


IMPLEMENTATIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "_==_": equal,
    "_!=_": lambda one, other: not equal(one, other),
    "_<_": lambda one, other: compared(one, other) < 0,
    "_<=_": lambda one, other: compared(one, other) <= 0,
    "_>_": lambda one, other: compared(one, other) > 0,
    "_>=_": lambda one, other: compared(one, other) >= 0,
    "_+_": _add,
    "_-_": _subtract,
    "_*_": _multiply,
    "_/_": _divide,
    "_%_": _remainder,
    "-_": _negated,
    "!_": _not,
    "@in": _contained,
    "_[_]": indexed,
    "_[?_]": perhaps,
}
