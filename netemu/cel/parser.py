"""Tokens to a tree, by descent; macros are seen here (cel-spec, "Macros").

A call's place is its parenthesis, an operator's its sign, as in cel-go's messages.
"""

from collections.abc import Callable
from typing import Final

from netemu.cel.errors import Issues
from netemu.cel.lexer import Token, tokens
from netemu.cel.syntax import Call, ListOf, Literal, Macro, MapOf, Name, Node, Select

DEPTH: Final = 50
"""How deep an expression may nest: ten calls of Python each (cel-go allows 250)."""
_MACROS: Final = {
    "all": (2,),
    "exists": (2,),
    "exists_one": (2,),
    "existsOne": (2,),
    "map": (2, 3),
    "filter": (2,),
    "optMap": (2,),
    "optFlatMap": (2,),
}
_START: Final = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, "
    "STRING, BYTES, IDENTIFIER}"
)
_LEVELS: Final = (
    ("||",),
    ("&&",),
    ("<", "<=", ">=", ">", "==", "!=", "in"),
    ("+", "-"),
    ("*", "/", "%"),
)
"""Operators from the loosest to the tightest."""
_CONSTANTS: Final = {"true": True, "false": False, "null": None}


class _Stop(Exception):
    """The rest can't be read."""


def parse(source: str, issues: Issues) -> Node | None:
    """The tree, or None with what is wrong in `issues`."""
    parser = _Parser(tokens(source, issues), issues)
    try:
        tree = parser.expression()
        parser.end()
    except _Stop:
        return None
    return tree


class _Parser:
    def __init__(self, found: list[Token], issues: Issues) -> None:
        self._tokens, self._issues = found, issues
        self._next, self._depth = 0, 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _fail(self, message: str) -> _Stop:
        self._issues.add(self._token.at, f"Syntax error: {message}")
        return _Stop()

    def _take(self, kind: str) -> Token | None:
        if self._token.kind != kind:
            return None
        self._next += 1
        return self._tokens[self._next - 1]

    def _need(self, kind: str, shown: str) -> Token:
        token = self._take(kind)
        if token is None:
            verb = "missing" if self._token.kind == "end" else "mismatched input"
            if verb == "missing":
                raise self._fail(f"missing {shown} at '{self._token.text}'")
            raise self._fail(f"{verb} '{self._token.text}' expecting {shown}")
        return token

    def end(self) -> None:
        """Nothing more may come."""
        if self._token.kind != "end":
            alone = self._tokens[self._next + 1].kind == "end"
            how = "extraneous" if alone else "mismatched"
            raise self._fail(f"{how} input '{self._token.text}' expecting <EOF>")

    def expression(self) -> Node:
        """A whole expression."""
        self._depth += 1
        if self._depth > DEPTH:
            raise self._fail("expression recursion limit exceeded")
        found = self._level(0)
        question = self._take("?")
        if question is not None:
            yes = self._level(0)
            self._need(":", "':'")
            found = Call(question.at, "_?_:_", None, [found, yes, self.expression()])
        self._depth -= 1
        return found

    def _level(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        found = self._level(level + 1)
        while self._token.kind in _LEVELS[level]:
            sign = self._tokens[self._next]
            self._next += 1
            name = "@in" if sign.kind == "in" else f"_{sign.kind}_"
            found = Call(sign.at, name, None, [found, self._level(level + 1)])
        return found

    def _unary(self) -> Node:
        sign = self._token
        if sign.kind not in ("!", "-"):
            return self._member()
        self._next += 1
        if sign.kind == "-" and self._token.kind in ("int", "double"):
            number = self._tokens[self._next]
            self._tokens[self._next] = number._replace(value=-number.value, at=sign.at)
            return self._member()
        self._depth += 1
        if self._depth > DEPTH:
            raise self._fail("expression recursion limit exceeded")
        operand = self._unary()
        self._depth -= 1
        return Call(sign.at, f"{sign.kind}_", None, [operand])

    def _member(self) -> Node:
        found = self._primary()
        while True:
            token = self._token
            if self._take("."):
                found = self._dotted(found, token)
            elif self._take("["):
                optional = self._take("?") is not None
                index = self.expression()
                self._need("]", "']'")
                found = Call(token.at, "_[?_]" if optional else "_[_]", None, [found, index])
            else:
                return found

    def _dotted(self, operand: Node, dot: Token) -> Node:
        optional = self._take("?") is not None
        name = self._take("quoted") or self._take("in") or self._need("name", "IDENTIFIER")
        paren = self._token
        if optional or not self._take("("):
            return Select(dot.at, operand, name.value, optional)
        arguments = self._arguments()
        if len(arguments) in _MACROS.get(name.value, ()):
            return self._macro(paren, name.value, operand, arguments)
        return Call(paren.at, name.value, operand, arguments)

    def _macro(self, paren: Token, name: str, target: Node, arguments: list[Node]) -> Node:
        variable, *bodies = arguments
        if not isinstance(variable, Name):
            where = "argument must be a simple name"
            self._issues.add(variable.at, where)
            raise _Stop
        return Macro(paren.at, name, target, variable.name, bodies)

    def _arguments(self) -> list[Node]:
        found: list[Node] = []
        if self._take(")"):
            return found
        found.append(self.expression())
        while self._take(","):
            found.append(self.expression())
        self._need(")", "')'")
        return found

    def _primary(self) -> Node:
        token = self._token
        if token.kind in ("int", "uint", "double", "string", "bytes"):
            self._next += 1
            return Literal(token.at, _number(token))
        if token.kind in _CONSTANTS:
            self._next += 1
            return Literal(token.at, _CONSTANTS[token.kind])
        return self._starts().get(token.kind, self._nothing)()

    def _starts(self) -> "dict[str, Callable[[], Node]]":
        return {
            "(": self._grouped,
            "[": self._list,
            "{": self._map,
            "name": self._named,
            ".": self._rooted,
        }

    def _nothing(self) -> Node:
        raise self._fail(f"mismatched input '{self._token.text}' expecting {_START}")

    def _grouped(self) -> Node:
        self._next += 1
        found = self.expression()
        self._need(")", "')'")
        return found

    def _rooted(self) -> Node:
        self._next += 1
        return self._named()

    def _named(self) -> Node:
        name = self._need("name", "IDENTIFIER")
        paren = self._token
        if not self._take("("):
            return Name(name.at, name.value)
        arguments = self._arguments()
        if name.value == "has" and len(arguments) == 1:
            inner = arguments[0]
            if not isinstance(inner, Select):
                self._issues.add(inner.at, "invalid argument to has() macro")
                raise _Stop
            return Select(paren.at, inner.operand, inner.name, test=True)
        return Call(paren.at, name.value, None, arguments)

    def _list(self) -> Node:
        start = self._need("[", "'['")
        found = ListOf(start.at, [])
        while not self._take("]"):
            if self._take("?"):
                found.optional.append(len(found.items))
            found.items.append(self.expression())
            if not self._take(","):
                self._need("]", "']'")
                break
        return found

    def _map(self) -> Node:
        start = self._need("{", "'{'")
        found = MapOf(start.at, [])
        while not self._take("}"):
            optional = self._take("?") is not None
            key = self.expression()
            self._need(":", "':'")
            found.entries.append((key, self.expression(), optional))
            if not self._take(","):
                self._need("}", "'}'")
                break
        return found


def _number(token: Token) -> object:
    from netemu.cel.values import Uint

    return Uint(token.value) if token.kind == "uint" else token.value
