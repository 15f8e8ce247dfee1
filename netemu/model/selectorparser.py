"""Label selectors as text, read as apimachinery's labels.Parse reads them, with its words for what
it can't read.
"""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from netemu.model import names
from netemu.model.selector import EVERYTHING, Operator, Requirement, Selector

_SPACE: Final = " \t\r\n"
_SPECIAL: Final = "=!(),><"
_END: Final = ""


class _Kind(StrEnum):
    """What a piece of text is; the operators are told by their own text."""

    WORD = "word"
    SYMBOL = "symbol"
    END = "end"


_BINARY: Final = {
    "in": Operator.IN,
    "notin": Operator.NOT_IN,
    "=": Operator.IN,
    "==": Operator.IN,
    "!=": Operator.NOT_IN,
    ">": Operator.GT,
    "<": Operator.LT,
}
_EXPECTED: Final = "in, notin, =, ==, !=, gt, lt"


def parse(text: str) -> Selector:
    """Read a selector as ``-l`` takes it. Raises ValueError for what it cannot be."""
    return tuple(_Parser(text).requirements()) if text.strip() else EVERYTHING


def _pieces(text: str) -> Iterator[tuple[_Kind, str]]:
    at = 0
    while at < len(text):
        start, letter = at, text[at]
        at += 1
        if letter in _SPACE:
            continue
        if letter in _SPECIAL:
            if text[start : start + 2] in ("==", "!="):
                at += 1
            yield _Kind.SYMBOL, text[start:at]
            continue
        while at < len(text) and text[at] not in _SPACE + _SPECIAL:
            at += 1
        yield _Kind.WORD, text[start:at]
    yield _Kind.END, _END


class _Parser:
    """Pieces of text, one after the other."""

    def __init__(self, text: str) -> None:
        self._pieces = list(_pieces(text))
        self._at = 0

    def _next(self) -> tuple[_Kind, str]:
        return self._pieces[self._at]

    def _take(self) -> tuple[_Kind, str]:
        found = self._pieces[self._at]
        self._at += 1
        return found

    def requirements(self) -> Iterator[Requirement]:
        """One requirement after the other. Raises ValueError."""
        kind, text = self._next()
        if kind is _Kind.END:
            return
        if not _begins(kind, text):
            raise ValueError(f"found '{text}', expected: !, identifier, or 'end of string'")
        while True:
            try:
                yield self._requirement()
            except ValueError as error:
                raise ValueError(f"unable to parse requirement: {error}") from None
            kind, text = self._take()
            if kind is _Kind.END:
                return
            if text != ",":
                raise ValueError(f"found '{text}', expected: ',' or 'end of string'")
            kind, text = self._next()
            if not _begins(kind, text):
                raise ValueError(f"found '{text}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        kind, key = self._take()
        negated = key == "!"
        if negated:
            kind, key = self._take()
        if kind is not _Kind.WORD:
            raise ValueError(f"found '{key}', expected: identifier")
        if problems := names.qualified_name(key):
            raise ValueError(_invalid("<nil>", key, problems))
        if negated:
            return Requirement(key, Operator.DOES_NOT_EXIST)
        if self._next()[1] in (",", _END):
            return Requirement(key, Operator.EXISTS)
        text = self._take()[1]
        operator = _BINARY.get(text)
        if operator is None:
            raise ValueError(f"found '{text}', expected: {_EXPECTED}")
        values = self._set() if text in ("in", "notin") else [self._value()]
        return _checked(Requirement(key, operator, tuple(values)))

    def _value(self) -> str:
        kind, text = self._next()
        if text in (",", _END):
            return ""
        self._take()
        if kind is not _Kind.WORD:
            raise ValueError(f"found '{text}', expected: identifier")
        return text

    def _set(self) -> list[str]:
        """Values in brackets; where nothing is between commas, the empty one is meant."""
        text = self._take()[1]
        if text != "(":
            raise ValueError(f"found '{text}' expected: '('")
        kind, text = self._next()
        if text == ")":
            self._take()
            return []
        if kind is not _Kind.WORD and text != ",":
            raise ValueError(f"found '{text}', expected: ',', ')' or identifier")
        found = dict.fromkeys(self._items())
        self._take()
        return sorted(found)

    def _items(self) -> Iterator[str]:
        after_value = False
        while True:
            kind, text = self._next()
            if text == ")":
                if not after_value:
                    yield ""
                return
            self._take()
            if kind is _Kind.WORD and not after_value:
                yield text
                after_value = True
                if self._next()[1] not in (",", ")"):
                    raise ValueError(f"found '{self._next()[1]}', expected: ',' or ')'")
            elif text == ",":
                if not after_value:
                    yield ""
                after_value = False
            else:
                raise ValueError(f"found '{text}', expected: ',', or identifier")


def _begins(kind: _Kind, text: str) -> bool:
    return kind is _Kind.WORD or text == "!"


def _invalid(path: str, value: object, problems: list[str]) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return f"{path}: Invalid value: {shown}: {'; '.join(problems)}"


def _checked(found: Requirement) -> Requirement:
    """Raises ValueError for values that no label has."""
    said = []
    if found.operator in (Operator.IN, Operator.NOT_IN) and not found.values:
        rule = "for 'in', 'notin' operators, values set can't be empty"
        said.append(f"values: Invalid value: []string{{}}: {rule}")
    for number, value in enumerate(found.values):
        path = f"values[{number}]"
        if found.operator in (Operator.GT, Operator.LT) and not _is_number(value):
            rule = "for 'Gt', 'Lt' operators, the value must be an integer"
            said.append(_invalid(path, value, [rule]))
        if problems := names.label_value(value):
            said.append(_invalid(f"{path}[{found.key}]", value, problems))
    if said:
        raise ValueError(said[0] if len(said) == 1 else f"[{', '.join(said)}]")
    return found


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").removeprefix("+") if text[1:2] not in ("-", "+") else ""
    return digits.isascii() and digits.isdigit()
