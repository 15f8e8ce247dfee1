"""The tree of an expression."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(slots=True)
class Literal:
    """A value as it is written."""

    at: int
    value: Any


@dataclass(slots=True)
class Name:
    """A variable, or a type."""

    at: int
    name: str


@dataclass(slots=True)
class Select:
    """A field: ``a.b``, ``a.?b``, or with `test`: ``has(a.b)``."""

    at: int
    operand: "Node"
    name: str
    optional: bool = False
    test: bool = False


@dataclass(slots=True)
class Call:
    """A function, an operator (``_+_``), or with `target` a method."""

    at: int
    function: str
    target: "Node | None"
    arguments: "list[Node]"


@dataclass(slots=True)
class ListOf:
    """``[a, ?b]``: the items, and the places of those that may be missing."""

    at: int
    items: "list[Node]"
    optional: list[int] = field(default_factory=list)


@dataclass(slots=True)
class MapOf:
    """``{a: b, ?c: d}``."""

    at: int
    entries: "list[tuple[Node, Node, bool]]"


@dataclass(slots=True)
class Macro:
    """``a.all(x, …)`` and the like: expressions with a variable of their own."""

    at: int
    name: str
    target: "Node"
    variable: str
    bodies: "list[Node]"


Node: TypeAlias = Literal | Name | Select | Call | ListOf | MapOf | Macro
