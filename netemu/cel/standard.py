"""The standard functions: conversions, sizes, parts of times, optional values."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from netemu.cel import times
from netemu.cel.errors import EvaluationError
from netemu.cel.regexes import compiled
from netemu.cel.values import NONE, Optional, Uint, bounded, is_zero, no_overload, type_of, unsigned

Overloads = tuple[tuple[str, str, Callable[..., Any]], ...]


def _int(value: Any) -> int:
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, timedelta):
        return int(value.total_seconds() * 10**9)
    if isinstance(value, str):
        return bounded(_parsed(value, int))
    if isinstance(value, float) and not math.isfinite(value):
        raise EvaluationError("integer overflow")
    return bounded(int(value))


def _parsed(text: str, kind: Callable[[str], Any]) -> Any:
    try:
        if not text.isascii() or "_" in text or text != text.strip():
            raise ValueError
        return kind(text)
    except ValueError:
        what = {int: "Int", float: "Float"}[kind]  # type: ignore[index]  # only those are asked for
        raise EvaluationError(f'strconv.Parse{what}: parsing "{text}": invalid syntax') from None


def _uint(value: Any) -> Uint:
    if isinstance(value, str):
        return unsigned(_parsed(value, int))
    if isinstance(value, float) and not math.isfinite(value):
        raise EvaluationError("unsigned integer overflow")
    return unsigned(int(value))


def _double(value: Any) -> float:
    return float(_parsed(value, float)) if isinstance(value, str) else float(value)


def text_of(value: Any) -> str:
    """What ``string()`` makes of a value."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return _float_text(value)
        case bytes():
            return _decoded(value)
        case datetime():
            return times.shown_timestamp(value)
        case timedelta():
            return times.shown_duration(value)
        case _:
            return str(value)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None


def _float_text(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)


_TRUTHS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value not in _TRUTHS:
        raise EvaluationError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    return _TRUTHS[value]


def _stamp(value: Any) -> Any:
    if isinstance(value, str):
        return times.timestamp(value)
    if isinstance(value, int):
        try:
            return datetime.fromtimestamp(value, tz=UTC)
        except (OSError, OverflowError, ValueError):
            raise EvaluationError("timestamp overflow") from None
    return value


def _span(value: Any) -> Any:
    if isinstance(value, str):
        return times.duration(value)
    return timedelta(microseconds=value / 1000) if isinstance(value, int) else value


def _taken(value: Optional) -> Any:
    if not value.there:
        raise EvaluationError("optional.none() dereference")
    return value.value


def _matches(text: str, pattern: str) -> bool:
    return compiled(pattern).search(text) is not None


def _dyn(value: Any) -> Any:
    return value


def _conversions(
    name: str, given: tuple[str, ...], convert: Callable[[Any], Any], result: str = ""
) -> Overloads:
    return tuple((name, f"({one}) {result or name}", convert) for one in given)


_NUMBERS: Final = ("int", "uint", "double", "string")
_SIZED: Final = ("string", "bytes", "list<A>", "map<A,B>")

OVERLOADS: Final[Overloads] = (
    *_conversions("int", (*_NUMBERS, "timestamp", "duration"), _int),
    *_conversions("uint", _NUMBERS, _uint),
    *_conversions("double", _NUMBERS, _double),
    *_conversions("string", (*_NUMBERS, "bool", "bytes", "timestamp", "duration"), text_of),
    *_conversions("bool", ("bool", "string"), _bool),
    *_conversions("bytes", ("bytes",), bytes),
    *_conversions("bytes", ("string",), lambda text: text.encode()),
    *_conversions("timestamp", ("string", "int", "timestamp"), _stamp),
    *_conversions("duration", ("string", "int", "duration"), _span),
    ("type", "(A) type<A>", type_of),
    ("dyn", "(A) dyn", _dyn),
    *_conversions("size", _SIZED, len, "int"),
    *(("size", f"{one}.() int", len) for one in _SIZED),
    ("startsWith", "string.(string) bool", str.startswith),
    ("endsWith", "string.(string) bool", str.endswith),
    ("contains", "string.(string) bool", lambda text, part: part in text),
    ("matches", "string.(string) bool", _matches),
    ("matches", "(string,string) bool", _matches),
    *((name, "timestamp.() int", times.part(name)) for name in times.PARTS),
    *((name, "timestamp.(string) int", times.part(name)) for name in times.PARTS),
    *((name, "duration.() int", times.count(name)) for name in times.SPANS),
    ("optional.of", "(A) optional<A>", lambda value: Optional(value, there=True)),
    ("optional.none", "() optional<A>", lambda: NONE),
    (
        "optional.ofNonZeroValue",
        "(A) optional<A>",
        lambda value: NONE if is_zero(value) else Optional(value, there=True),
    ),
    ("hasValue", "optional<A>.() bool", lambda value: value.there),
    ("value", "optional<A>.() A", _taken),
    (
        "or",
        "optional<A>.(optional<A>) optional<A>",
        lambda value, other: value if value.there else other,
    ),
    ("orValue", "optional<A>.(A) A", lambda value, other: value.value if value.there else other),
)


def checked_bool(value: Any) -> bool:
    """A condition. Raises EvaluationError."""
    if type(value) is not bool:
        raise no_overload()
    return value
