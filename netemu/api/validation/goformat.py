"""Prints JSON values as Go prints them in messages: ``%q`` for strings, ``%v`` for numbers, ``%#v``
for maps and lists.
"""

from typing import Any

from msgspec import Struct


class Literal(Struct, frozen=True):
    """Text that goes into a message as it is: a Go value that was printed by hand."""

    text: str


def body(value: Any) -> str:
    """The value as `field.Error` shows it."""
    if value is None:
        return quoted("null")
    if isinstance(value, float):
        return f"{value:g}"
    return literal(value)


def literal(value: Any) -> str:
    """The value in Go's own notation."""
    match value:
        case Literal(text):
            return text
        case bool():
            return "true" if value else "false"
        case str():
            return quoted(value)
        case dict():
            return string_map(value)
        case list() | tuple():
            return strings(value)
        case _:
            return str(value)


_ESCAPES = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    "\\": "\\\\", '"': '\\"',
}  # fmt: skip


def quoted(text: str) -> str:
    """Go's strconv.Quote."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def strings(values: list[Any] | tuple[Any, ...] | None, of: str = "string") -> str:
    """A slice: ``[]string{"a", "b"}``."""
    if values is None:
        return f"[]{of}(nil)"
    return f"[]{of}{{" + ", ".join(literal(value) for value in values) + "}"


def string_map(values: dict[str, Any] | None) -> str:
    """``map[string]string{"a":"b"}``, sorted by key as fmt does."""
    if values is None:
        return "map[string]string(nil)"
    shown = ", ".join(f"{quoted(key)}:{literal(values[key])}" for key in sorted(values))
    return f"map[string]string{{{shown}}}"


def selector_literal(selector: dict[str, Any]) -> Literal:
    """A metav1.LabelSelector as ``%#v`` prints it."""
    expressions = selector.get("matchExpressions")
    shown = (
        "[]v1.LabelSelectorRequirement(nil)"
        if expressions is None
        else "[]v1.LabelSelectorRequirement{" + ", ".join(map(_requirement, expressions)) + "}"
    )
    labels = string_map(selector.get("matchLabels"))
    return Literal(f"v1.LabelSelector{{MatchLabels:{labels}, MatchExpressions:{shown}}}")


def _requirement(item: dict[str, Any]) -> str:
    return (
        f"v1.LabelSelectorRequirement{{Key:{quoted(item.get('key', ''))}, "
        f"Operator:{quoted(item.get('operator', ''))}, Values:{strings(item.get('values'))}}}"
    )
