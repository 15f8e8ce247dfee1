"""The text of a Corefile, as server blocks of lines of words; what they mean is for `plugins`.

Caddy's syntax: words are divided by blanks, ``"…"`` holds one together, ``#`` begins a comment,
``{`` at the end of a line opens a block and ``}`` closes it, and ``{$NAME}`` or ``{%NAME%}`` is
a variable of the environment. ``(NAME) { … }`` is a snippet, whose lines ``import NAME`` repeats;
``import`` of a file or of a pattern stands for what is written there.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

MOST_OCTETS = 1024 * 1024
"""Of a Corefile; what a ConfigMap can hold."""


DEEPEST = 4
"""Blocks within blocks; no plugin has more than one."""
DEEPEST_FILES = 20
"""Files that import files."""
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
    """Of the Corefile."""
    text: str
    quoted: bool
    row: int = 0
    """In its own file, if that is another one."""

    @property
    def place(self) -> tuple[int, int]:
        """Two words with the same one stand in one line."""
        return self.line, self.row

    def is_brace(self, brace: str) -> bool:
        return self.text == brace and not self.quoted


Find: TypeAlias = Callable[[str], Iterable[str]]
"""The texts of the files that a pattern names. Raises OSError."""


def _none(name: str) -> Iterable[str]:
    raise FileNotFoundError(2, "No such file or directory", name)


def parse(text: str, environment: Mapping[str, str], find: Find = _none) -> tuple[ServerBlock, ...]:
    """The server blocks of a Corefile, with what it imports by `find`. Raises BadCorefile."""
    if len(text) > MOST_OCTETS:
        raise BadCorefile(1, f"longer than {MOST_OCTETS} octets")
    imports = Imports(environment, find)
    return tuple(_Parser(list(_tokens(text, environment)), imports).blocks())


class Imports:
    """What ``import`` stands for, in a Corefile and in all files that it imports."""

    def __init__(self, environment: Mapping[str, str], find: Find) -> None:
        self._environment = environment
        self._find = find
        self._octets = 0
        self.snippets: dict[str, tuple[Line, ...]] = {}
        self._lines = 0
        self._depth = 0

    def lines(self, line: Line) -> Iterator[Line]:
        """The lines of a snippet, or of files; those have the number of the line that imports."""
        name = " ".join(line.words)
        found = self.snippets.get(name)
        if found is None:
            found = tuple(
                _numbered(each, line.number)
                for tokens in self.files(line.number, name)
                for each in _Parser(tokens, self).lines()
            )
        self._lines += len(found)
        if self._lines > MOST_IMPORTED:
            raise BadCorefile(line.number, f"more than {MOST_IMPORTED} lines are imported")
        return iter(found)

    def files(self, number: int, name: str) -> Iterator["list[_Token]"]:
        """The words of the files that a line imports."""
        try:
            for text in self._find(name) if name else ():
                self._octets += len(text) + 1
                if self._octets > MOST_OCTETS:
                    raise BadCorefile(number, f"more than {MOST_OCTETS} octets are imported")
                tokens = _tokens(text, self._environment)
                self._depth += 1
                if self._depth > DEEPEST_FILES:
                    raise BadCorefile(number, "files that import each other")
                yield [_Token(number, token.text, token.quoted, token.line) for token in tokens]
                self._depth -= 1
        except OSError as error:
            why = f'no snippet "{name}" before this, and no such file: {error.strerror}'
            raise BadCorefile(number, why) from error


def _numbered(line: Line, number: int) -> Line:
    block = tuple(_numbered(each, number) for each in line.block)
    return Line(number, line.name, line.words, block)


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
    def __init__(self, tokens: list[_Token], imports: Imports) -> None:
        self._tokens = tokens
        self._at = 0
        self._imports = imports

    def blocks(self) -> Iterator[ServerBlock]:
        while self._at < len(self._tokens):
            if self._peek().text == "import":
                yield from self._imported_blocks()
                continue
            block = self._block()
            named = _SNIPPET.fullmatch(block.keys[0])
            if named is None:
                yield block
            elif named[1] in self._imports.snippets:
                raise BadCorefile(block.number, f'snippet "{named[1]}" is there already')
            else:
                self._imports.snippets[named[1]] = block.lines

    def _imported_blocks(self) -> Iterator[ServerBlock]:
        line = self._line(self._next(), 0)
        for tokens in self._imports.files(line.number, " ".join(line.words)):
            yield from _Parser(tokens, self._imports).blocks()

    def lines(self) -> Iterator[Line]:
        """The lines of a file that is imported into a server block."""
        while self._at < len(self._tokens):
            token = self._next()
            if token.is_brace("}") or token.is_brace("{"):
                raise BadCorefile(token.line, f'an imported file has a "{token.text}" too many')
            line = self._line(token, 1)
            yield from self._imports.lines(line) if line.name == "import" else (line,)

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
            yield from self._imports.lines(line) if line.name == "import" else (line,)
        raise BadCorefile(opened.line, '"{" is never closed')

    def _line(self, first: _Token, depth: int) -> Line:
        words: list[str] = []
        while self._at < len(self._tokens) and self._peek().place == first.place:
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
