"""JSON as Go reads it: no NaN, no second value, stray halves of surrogate pairs replaced; and what
is wrong with a text in Go's words.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from netemu.api.scalars import quoted
from netemu.api.strict import MAX_PROBLEMS, Path, written

MAX_DEPTH: Final = 200
"""Levels of nesting. A CRD's schema, the deepest thing that is stored, has well under 100; who
reads an object spends two or three of Python's 1000 frames on each level."""
HEAD: Final = "couldn't get version/kind; json parse error: "
"""What Go says first of a body that it can't read."""


class Malformed(Exception):
    """What is wrong with a text, as Go says it."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(where + reason)
        self.reason = reason


def load_json(body: bytes) -> tuple[Any, list[str]]:
    """Any JSON value, and its duplicate fields. Raises Malformed."""
    text = body.decode("utf-8", "replace")
    try:
        value, problems = _decoded(text)
    except json.JSONDecodeError as error:
        raise Malformed(_go_words(text, error), HEAD) from None
    except RecursionError:
        raise Malformed(_TOO_DEEP, HEAD) from None
    check_depth(value)
    return value, problems


def check_depth(value: Any) -> None:
    """Refuse what is nested deeper than MAX_DEPTH. Raises Malformed."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for parent in level
            if parent.__class__ is dict or parent.__class__ is list
            for child in (parent.values() if parent.__class__ is dict else parent)
        ]
        if not level:
            return
    raise Malformed(_TOO_DEEP, HEAD)


_TOO_DEEP: Final = "exceeded max depth"
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def _decoded(text: str) -> tuple[Any, list[str]]:
    doubled = False

    def pairs_hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal doubled
        found = dict(pairs)
        doubled = doubled or len(found) != len(pairs)
        return found

    value = json.loads(text, object_pairs_hook=pairs_hook, **_NUMBERS)
    if _SURROGATE.search(text):
        again = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
        value = json.loads(again.decode("utf-16", "replace"))
    return value, list(_duplicates_in(text)) if doubled else []


def _number(text: str) -> int | float:
    if len(text) < 19:
        return int(text)
    # As Go's PreserveInts: what doesn't fit in 64 bits is a float.
    number = int(text) if len(text) < 21 else 2**64
    return number if -(2**63) <= number < 2**63 else _float(text)


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Malformed(f"json: cannot unmarshal number {text} into Go value of type float64", HEAD)
    return number


def _constant(text: str) -> None:
    first = text.lstrip("-")[0]
    where = "in numeric literal" if text[0] == "-" else "looking for beginning of value"
    raise Malformed(f"invalid character '{first}' {where}", HEAD)


_NUMBERS: Final[dict[str, Any]] = {
    "parse_int": _number,
    "parse_float": _float,
    "parse_constant": _constant,
}


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all that was said twice."""


def _duplicates_in(text: str) -> Iterator[str]:
    """Each duplicate field once, in order, and not more than anybody wants to read."""
    found: dict[str, None] = {}
    for path in _duplicate_paths(json.loads(text, object_pairs_hook=_Pairs), None):
        found[f"duplicate field {quoted(written(path))}"] = None
        if len(found) == MAX_PROBLEMS:
            break
    yield from found


def _duplicate_paths(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, _Pairs):
        seen = set()
        for name, item in value:
            if name in seen:
                yield path, name
            seen.add(name)
            yield from _duplicate_paths(item, (path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _duplicate_paths(item, (path, index))


_NO_KEY: Final = "looking for beginning of object key string"
_GO_WORDS: Final = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": _NO_KEY,
    "Illegal trailing comma before end of object": _NO_KEY,
    "Illegal trailing comma before end of array": "looking for beginning of value",
    "Expecting ':' delimiter": "after object key",
    "Extra data": "after top-level value",
    "Invalid control character at": "in string literal",
    "Invalid \\escape": "in string escape code",
    "Invalid \\uXXXX escape": "in \\u hexadecimal character escape",
}
"""What Go says where Python says otherwise."""
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


def _go_words(text: str, error: json.JSONDecodeError) -> str:
    rest = text[error.pos :]
    message = error.msg.removesuffix(": ")
    if message.startswith("Illegal trailing comma"):
        rest = rest[1:].lstrip(" \t\r\n")
    elif message.startswith("Invalid \\"):
        rest = rest[1:]  # Python points at the backslash, Go at what follows
    elif not message.startswith("Invalid control"):
        rest = rest.lstrip(" \t\r\n")
    if not rest or message.startswith("Unterminated string"):
        return "unexpected end of JSON input"
    where = _GO_WORDS.get(message) or _after_item(text[: error.pos])
    return f"invalid character {_go_char(rest[0])} {where}"


def _after_item(before: str) -> str:
    """A comma is missing: in an object or in an array? The last bracket still open tells."""
    closed = 0
    for bracket in reversed(re.findall(r"[][{}]", _STRING.sub("", before))):
        if bracket in "]}":
            closed += 1
        elif closed:
            closed -= 1
        else:
            return "after object key:value pair" if bracket == "{" else "after array element"
    return "after top-level value"


def _go_char(char: str) -> str:
    escaped = {
        "'": r"'\''",
        '"': "'\"'",
        "\n": r"'\n'",
        "\t": r"'\t'",
        "\r": r"'\r'",
        "\\": r"'\\'",
    }
    return escaped.get(char, f"'{char}'" if char.isprintable() else f"'\\x{ord(char):02x}'")
