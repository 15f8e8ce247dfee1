"""Checks the types of a tree and makes its closures, node by node; the texts are cel-go's."""

from collections.abc import Callable, Mapping
from typing import Final

from netemu.cel import evaluate, times
from netemu.cel.errors import EvaluationError, Issues
from netemu.cel.evaluate import Run
from netemu.cel.library import Overload, functions
from netemu.cel.loops import MACROS
from netemu.cel.operators import IMPLEMENTATIONS
from netemu.cel.regexes import compiled
from netemu.cel.syntax import Call, ListOf, Literal, Macro, MapOf, Name, Node, Select
from netemu.cel.types import (
    BOOL,
    DYN,
    NAMED,
    Type,
    is_param,
    joined,
    list_of,
    map_of,
    optional_of,
)
from netemu.cel.values import type_of

Checked = tuple[Type, Run]

_NOWHERE: Final = evaluate.literal(None)
_LITERALS: Final[Mapping[str, tuple[str, Callable[[str], object], int]]] = {
    "duration": ("duration", times.duration, 0),
    "timestamp": ("timestamp", times.timestamp, 0),
    "matches": ("matches", compiled, -1),
}
"""Functions whose argument, if it is written down, must be good from the start."""


class Checker:
    """Checks one expression that may use these variables."""

    def __init__(
        self, variables: Mapping[str, Type], issues: Issues, lazy: frozenset[str] = frozenset()
    ) -> None:
        self._variables = variables
        self._lazy = lazy
        self._locals: list[tuple[str, Type]] = []
        self._issues = issues
        self.used: set[str] = set()
        """The variables that the expression uses."""

    def check(self, node: Node) -> Checked:
        """The type of a node, and what evaluates it; what is wrong goes to the issues."""
        match node:
            case Literal():
                return type_of(node.value), evaluate.literal(node.value)
            case Name():
                return self._name(node)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListOf():
                return self._list(node)
            case MapOf():
                return self._map(node)
            case Macro():
                return self._macro(node)

    def _wrong(self, at: int, message: str) -> Checked:
        self._issues.add(at, message)
        return DYN, _NOWHERE

    def _name(self, node: Name) -> Checked:
        name = node.name
        for known, kind in reversed(self._locals):
            if known == name:
                return kind, evaluate.variable(name)
        if name in self._variables:
            self.used.add(name)
            run = evaluate.lazy(name) if name in self._lazy else evaluate.variable(name)
            return self._variables[name], run
        if name in NAMED:
            return Type("type", (NAMED[name],)), evaluate.literal(NAMED[name])
        return self._wrong(node.at, f"undeclared reference to '{name}' (in container '')")

    def _select(self, node: Select) -> Checked:
        qualified = _qualified(node)
        if qualified in NAMED or qualified in self._variables:
            return self._name(Name(node.at, qualified))
        kind, operand = self.check(node.operand)
        found = self._field(node, kind)
        if found is None:
            return DYN, _NOWHERE
        result, name = found
        if node.test:
            return BOOL, evaluate.has(operand, name)
        if node.optional:
            wrapped = result if result.name == "optional_type" else optional_of(result)
            return wrapped, evaluate.select_optional(operand, name)
        return result, evaluate.select(operand, name)

    def _field(self, node: Select, kind: Type) -> tuple[Type, str] | None:
        """The type of a field, and its name in the object."""
        if kind.name == "optional_type":
            found = self._field(node, kind.params[0])
            return None if found is None else (optional_of(found[0]), found[1])
        if kind.fields is not None:
            field = kind.fields.get(node.name)
            if field is not None:
                return field.type, field.name
            self._wrong(node.at, f"undefined field '{node.name}'")
            return None
        if kind.name == "map":
            return kind.params[1], node.name
        if kind.name == "dyn" or is_param(kind):
            return DYN, node.name
        self._wrong(node.at, f"type '{kind}' does not support field selection")
        return None

    def _call(self, node: Call) -> Checked:
        name, target, arguments = node.function, node.target, node.arguments
        if target is not None:
            prefix = _qualified(target)
            if prefix and f"{prefix}.{name}" in functions():
                name, target = f"{prefix}.{name}", None
        checked = [self.check(one) for one in ([target] if target else []) + arguments]
        self._literal(name, node)
        overloads = functions().get(name)
        if not overloads:
            return self._wrong(node.at, f"undeclared reference to '{name}' (in container '')")
        given = tuple(kind for kind, _ in checked)
        return self._resolved(node, name, overloads, given, [run for _, run in checked])

    def _resolved(
        self, node: Call, name: str, overloads: tuple[Overload, ...], given: tuple[Type, ...],
        runs: list[Run],
    ) -> Checked:  # fmt: skip
        member = node.target is not None and "." not in name
        fitting = [
            (one, result)
            for one in overloads
            if one.member == member and (result := one.given(given)) is not None
        ]
        if not fitting:
            shown = f"({', '.join(map(str, given))})"
            if member:
                shown = f"{given[0]}.({', '.join(map(str, given[1:]))})"
            return self._wrong(
                node.at, f"found no matching overload for '{name}' applied to '{shown}'"
            )
        results = [result for _, result in fitting]
        result = results[0] if all(one == results[0] for one in results) else DYN
        return result, _built(name, [one for one, _ in fitting], runs)

    def _literal(self, name: str, node: Call) -> None:
        said = _LITERALS.get(name)
        given = node.arguments[said[2]] if said and node.arguments else None
        if said and isinstance(given, Literal) and isinstance(given.value, str):
            try:
                said[1](given.value)
            except EvaluationError:
                self._issues.add(given.at, f"invalid {said[0]} argument")

    def _list(self, node: ListOf) -> Checked:
        checked = [self.check(one) for one in node.items]
        item: Type | None = None
        for at, (kind, _) in enumerate(checked):
            if at in node.optional:
                kind = kind.params[0] if kind.params else DYN
            item = self._alike(item, kind, node.items[at].at)
        return list_of(item or DYN), evaluate.list_of([run for _, run in checked], node.optional)

    def _alike(self, known: Type | None, kind: Type, at: int) -> Type:
        """The type of parts that must be of one."""
        joint = kind if known is None else joined(known, kind)
        if joint is None:
            self._issues.add(at, f"expected type '{known}' but found '{kind}'")
            return DYN
        return joint

    def _map(self, node: MapOf) -> Checked:
        key: Type | None = None
        value: Type | None = None
        entries = []
        for key_node, value_node, optional in node.entries:
            key_kind, key_run = self.check(key_node)
            value_kind, value_run = self.check(value_node)
            if optional:
                value_kind = value_kind.params[0] if value_kind.params else DYN
            key = self._alike(key, key_kind, key_node.at)
            value = self._alike(value, value_kind, value_node.at)
            entries.append((key_run, value_run, optional))
        return map_of(key or DYN, value or DYN), evaluate.map_of(entries)

    def _macro(self, node: Macro) -> Checked:
        kind, target = self.check(node.target)
        item = self._item(node, kind)
        self._locals.append((node.variable, item))
        checked = [self.check(one) for one in node.bodies]
        self._locals.pop()
        result = self._result(node, kind, item, [kind for kind, _ in checked])
        run = MACROS[node.name](target, node.variable, [run for _, run in checked])
        return result, run

    def _item(self, node: Macro, kind: Type) -> Type:
        if kind.name == "dyn":
            return DYN
        optional = node.name.startswith("opt")
        if kind.name == "optional_type" and optional:
            return kind.params[0]
        if kind.name in ("list", "map") and not optional:
            return kind.params[0]
        words = f"expression of type '{kind}' cannot be range of a comprehension"
        self._issues.add(node.target.at, f"{words} (must be list, map, or dynamic)")
        return DYN

    def _result(self, node: Macro, kind: Type, item: Type, bodies: list[Type]) -> Type:
        last = bodies[-1]
        match node.name:
            case "map":
                self._condition(node, bodies[:-1], "_?_:_")
                return list_of(last)
            case "filter":
                self._condition(node, bodies, "_?_:_")
                return list_of(item)
            case "optMap":
                return optional_of(last)
            case "optFlatMap":
                return last
            case name:
                self._condition(node, bodies, _STEPS[name])
                return BOOL

    def _condition(self, node: Macro, bodies: list[Type], operator: str) -> None:
        for kind in bodies:
            if kind not in (BOOL, DYN):
                given = f"{kind}, list, list" if operator == "_?_:_" else f"bool, {kind}"
                words = f"found no matching overload for '{operator}' applied to '({given})'"
                self._issues.add(node.at, words)


_STEPS: Final = {"all": "_&&_", "exists": "_||_", "exists_one": "_?_:_", "existsOne": "_?_:_"}


def _built(name: str, overloads: list[Overload], runs: list[Run]) -> Run:
    match name:
        case "_&&_":
            return evaluate.both(*runs)
        case "_||_":
            return evaluate.either(*runs)
        case "_?_:_":
            return evaluate.ternary(*runs)
        case "_==_" | "_!=_":
            return evaluate.equality(*runs, wanted=name == "_==_")
        case _ if name in IMPLEMENTATIONS:
            return evaluate.operator(IMPLEMENTATIONS[name], runs)
        case _:
            return evaluate.call(overloads, runs)


def _qualified(node: Node) -> str:
    """``a.b.c`` as a name; "" for what is none."""
    match node:
        case Name():
            return node.name
        case Select(test=False, optional=False):
            prefix = _qualified(node.operand)
            return f"{prefix}.{node.name}" if prefix else ""
        case _:
            return ""
