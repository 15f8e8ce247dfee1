"""An expression's tokens (cel-spec, langdef.md, "Syntax")."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from netemu.cel.errors import Issues


class Token(NamedTuple):
    """One token: its kind, its value or text, and where it begins."""

    kind: str
    value: Any
    at: int
    text: str


_STRING: Final = (
    r"(?P<prefix>[bBrR]{0,2})"
    r"(?P<quote>\"\"\"|'''|\"|')"
    r"(?P<body>(?:\\.|(?!(?P=quote))[\s\S])*?)(?P=quote)"
)
_TOKENS: Final = re.compile(
    rf"""
    (?P<space>[ \t\n\r\f]+|//[^\n]*)
  | (?P<float>(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?))
  | (?P<uint>(?:0[xX][0-9a-fA-F]+|\d+)[uU])
  | (?P<int>0[xX][0-9a-fA-F]+|\d+)
  | (?P<string>{_STRING})
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<quoted>`[A-Za-z0-9_.\-/ ]+`)
  | (?P<sign>\|\||&&|==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{{}}])
    """,
    re.VERBOSE,
)
_ESCAPES: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?",
}  # fmt: skip
_ESCAPE: Final = re.compile(
    r"\\(x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)",
    re.DOTALL,
)
_RESERVED: Final = frozenset({"true", "false", "null", "in"})


def tokens(source: str, issues: Issues) -> list[Token]:
    """Every token, with one that says "<EOF>" last; what is none is told in `issues`."""
    return [*_scan(source, issues), Token("end", None, len(source), "<EOF>")]


def _scan(source: str, issues: Issues) -> Iterator[Token]:
    at = 0
    while at < len(source):
        match = _TOKENS.match(source, at)
        if match is None:
            issues.add(at, f"Syntax error: token recognition error at: '{source[at]}'")
            at += 1
            continue
        kind, text = str(match.lastgroup), match[0]
        if match["string"] is not None:
            yield _string(match, at, issues)
        elif kind != "space":
            yield _plain(kind, text, at, issues)
        at = match.end()


def _plain(kind: str, text: str, at: int, issues: Issues) -> Token:
    match kind:
        case "float":
            return Token("double", float(text), at, text)
        case "int":
            return Token(
                "int", _bounded(int(text, 0 if "x" in text.lower() else 10), at, issues), at, text
            )
        case "uint":
            digits = text[:-1]
            return Token("uint", int(digits, 0 if "x" in digits.lower() else 10), at, text)
        case "quoted":
            return Token("quoted", text[1:-1], at, text)
        case "name" if text not in _RESERVED:
            return Token("name", text, at, text)
        case _:
            return Token(text, text, at, text)


def _bounded(number: int, at: int, issues: Issues) -> int:
    if number > 2**63:  # one more than fits: "-9223372036854775808" is a minus and a number
        issues.add(at, "invalid int literal")
    return number


def _string(match: re.Match[str], at: int, issues: Issues) -> Token:
    prefix, body = match["prefix"].lower(), match["body"]
    if len(match["quote"]) == 1 and "\n" in body:
        issues.add(at, f"Syntax error: token recognition error at: '{match['quote']}'")
    is_bytes = "b" in prefix
    if "r" not in prefix:
        body = _ESCAPE.sub(lambda one: _unescaped(one[1], at, issues), body)
    if not is_bytes:
        return Token("string", body, at, match[0])
    return Token("bytes", body.encode("utf-8", "surrogateescape"), at, match[0])


def _unescaped(said: str, at: int, issues: Issues) -> str:
    if said in _ESCAPES:
        return _ESCAPES[said]
    if said[0] in "xXuU":
        return chr(int(said[1:], 16))
    if said.isdigit() and len(said) == 3:
        return chr(int(said, 8))
    issues.add(at, "Syntax error: token recognition error at: '\\" + said + "'")
    return said
