"""The text of a Corefile, as server blocks of lines of words; what they mean is for `plugins`.

Caddy's syntax: words are divided by blanks, ``"…"`` holds one together, ``#`` begins a comment,
``{`` at the end of a line opens a block and ``}`` closes it, and ``{$NAME}`` or ``{%NAME%}`` is
a variable of the environment. ``(NAME) { … }`` is a snippet, whose lines ``import NAME`` repeats.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

MOST_OCTETS = 1024 * 1024
"""Of a Corefile; what a ConfigMap can hold."""


DEEPEST = 4
"""Blocks within blocks; no plugin has more than one."""
MOST_IMPORTED = 10_000
"""Lines that snippets bring, all together: those that import each other grow fast."""


class BadCorefile(ValueError):
    """A Corefile that can't be used; the message names the line and says why."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"Corefile:{line}: {why}")


class Line(Struct, frozen=True):
    """One directive with its arguments, and the lines of its own block."""

    number: int
    name: str
    words: tuple[str, ...]
    block: tuple["Line", ...] = ()


class ServerBlock(Struct, frozen=True):
    """One server block."""

    number: int
    keys: tuple[str, ...]
    """Zones, as they were written."""
    lines: tuple[Line, ...]


_TOKEN = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^\s"]\S*))', re.DOTALL)
_VARIABLE = re.compile(r"\{\$(\w+)\}|\{%(\w+)%\}")
_SNIPPET = re.compile(r"\(([\w-]+)\)")
_BLANK = re.compile(r"[^\S\n]+")


class _Token(Struct, frozen=True):
    line: int
    text: str
    quoted: bool

    def is_brace(self, brace: str) -> bool:
        return self.text == brace and not self.quoted


def parse(text: str, environment: Mapping[str, str]) -> tuple[ServerBlock, ...]:
    """The server blocks of a Corefile. Raises BadCorefile."""
    if len(text) > MOST_OCTETS:
        raise BadCorefile(1, f"longer than {MOST_OCTETS} octets")
    return tuple(_Parser(list(_tokens(text, environment))).blocks())


def _tokens(text: str, environment: Mapping[str, str]) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        if text[at] == "\n":
            at, line = at + 1, line + 1
        elif blank := _BLANK.match(text, at):
            at = blank.end()
        elif text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif token := _TOKEN.match(text, at):
            quoted = token[1] is not None
            word = re.sub(r'\\"', '"', token[1]) if quoted else token[2]
            yield _Token(line, _with_variables(word, environment), quoted)
            line += token[0].count("\n")
            at = token.end()
        else:
            raise BadCorefile(line, "a quotation that doesn't end")


def _with_variables(word: str, environment: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: environment.get(found[1] or found[2], ""), word)


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._snippets: dict[str, tuple[Line, ...]] = {}
        self._imported = 0

    def blocks(self) -> Iterator[ServerBlock]:
        while self._at < len(self._tokens):
            block = self._block()
            named = _SNIPPET.fullmatch(block.keys[0])
            if named is None:
                yield block
            elif named[1] in self._snippets:
                raise BadCorefile(block.number, f'snippet "{named[1]}" is there already')
            else:
                self._snippets[named[1]] = block.lines

    def _block(self) -> ServerBlock:
        first, keys = self._tokens[self._at], list[str]()
        while self._at < len(self._tokens) and not self._peek().is_brace("{"):
            token = self._next()
            if token.is_brace("}"):
                raise BadCorefile(token.line, '"}" closes nothing')
            if token.text == "import":
                raise BadCorefile(token.line, "import belongs in a server block")
            keys += filter(None, token.text.split(","))
        if not keys:
            raise BadCorefile(first.line, "a server block without a zone")
        if self._at >= len(self._tokens):
            raise BadCorefile(first.line, f'"{keys[0]}" begins a server block without "{{"')
        opened = self._next()
        return ServerBlock(first.line, tuple(keys), tuple(self._lines(opened, 1)))

    def _lines(self, opened: _Token, depth: int) -> Iterator[Line]:
        """The lines up to the brace that closes the one just `opened`."""
        if depth > DEEPEST:
            raise BadCorefile(opened.line, "blocks within too many others")
        while self._at < len(self._tokens):
            token = self._next()
            if token.is_brace("}"):
                return
            if token.is_brace("{"):
                raise BadCorefile(token.line, '"{" belongs at the end of the line it opens')
            line = self._line(token, depth)
            yield from self._snippet(line) if line.name == "import" else (line,)
        raise BadCorefile(opened.line, '"{" is never closed')

    def _snippet(self, line: Line) -> tuple[Line, ...]:
        name = " ".join(line.words)
        if name not in self._snippets:
            raise BadCorefile(
                line.number, f'no snippet "{name}" before this (files can\'t be imported)'
            )
        self._imported += len(self._snippets[name])
        if self._imported > MOST_IMPORTED:
            raise BadCorefile(line.number, f"more than {MOST_IMPORTED} lines are imported")
        return self._snippets[name]

    def _line(self, first: _Token, depth: int) -> Line:
        words: list[str] = []
        while self._at < len(self._tokens) and self._peek().line == first.line:
            token = self._peek()
            if token.is_brace("}"):
                break
            self._at += 1
            if token.is_brace("{"):
                return Line(
                    first.line, first.text, tuple(words), tuple(self._lines(token, depth + 1))
                )
            words.append(token.text)
        return Line(first.line, first.text, tuple(words))

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        self._at += 1
        return self._tokens[self._at - 1]
