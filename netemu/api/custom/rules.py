"""Expressions in a schema (``x-kubernetes-validations``): compiled once, asked of each object.

Source: apiextensions-apiserver's schema/cel (compilation.go, validation.go). Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from netemu.api.custom import celtypes
from netemu.api.custom.fieldpaths import parsed
from netemu.api.custom.listtypes import earlier_items
from netemu.api.custom.structural import EMBEDDED, RULES, Schema
from netemu.api.validation import field
from netemu.api.validation.field import NOWHERE, Causes, Path
from netemu.api.validation.goformat import Literal, quoted
from netemu.cel.errors import CelError, CompileError, CostExceeded, EvaluationError
from netemu.cel.evaluate import COST
from netemu.cel.program import Program, compile_expression
from netemu.cel.types import BOOL, STRING, Type, optional_of
from netemu.cel.values import NONE, Optional
from netemu.model.errors import Cause
from netemu.model.meta import Object

BUDGET: Final = 10_000_000
"""Steps that all rules of one object may take (RuntimeCELCostBudget): a few seconds at worst."""
MESSAGE: Final = 5 * 1024
"""How long a message may be that an expression makes, in bytes (upstream's constant)."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One rule that can be asked."""

    said: Object
    program: Program
    message: Program | None
    path: str
    """Where it reports, below the value that it is about."""
    optional: bool

    @property
    def compares(self) -> bool:
        """Whether it compares with what was there before."""
        return "oldSelf" in self.program.used


def compiled(said: Object, schema: Schema, kind: Type) -> Compiled:
    """One rule of a schema. Raises CompileError, in Kubernetes' words."""
    optional = bool(said.get("optionalOldSelf"))
    variables = {"self": kind, "oldSelf": optional_of(kind) if optional else kind}
    program = _checked(said["rule"], variables, BOOL, "cel expression must evaluate to a bool", "")
    message = message_program(said, variables)
    path = said.get("fieldPath") or ""
    steps = parsed(path, schema) if path else None
    return Compiled(said, program, message, steps or "", optional)


def _checked(
    source: str, variables: Mapping[str, Type], wanted: Type, words: str, prefix: str
) -> Program:
    try:
        program = compile_expression(source, variables)
    except CompileError as error:
        raise CompileError(f"{prefix}compilation failed: {error}") from None
    if program.type != wanted:
        raise CompileError(words)
    return program


def message_program(said: Object, variables: Mapping[str, Type]) -> Program | None:
    """What makes a rule's message. Raises MessageError."""
    source = said.get("messageExpression")
    if not source:
        return None
    words = "messageExpression must evaluate to a string"
    try:
        return _checked(source, variables, STRING, words, "messageExpression ")
    except CompileError as error:
        raise MessageError(str(error)) from None


class MessageError(CompileError):
    """The expression of a message can't be used."""


@dataclass(frozen=True, slots=True)
class Node:
    """The rules about a value, and those about its parts."""

    rules: tuple[Compiled, ...]
    schema: Schema
    convert: celtypes.Convert | None
    items: "Node | None"
    values: "Node | None"
    fields: "Mapping[str, Node]"


def compile_schema(schema: Schema, kind: Type | None = None, *, root: bool = True) -> "Node | None":
    """All rules of a schema; None if there are none. What can't be compiled is left out: it was
    refused when the definition was made.
    """
    kind = kind or celtypes.declared(schema, root=root)
    if kind is None:
        return None
    rules = tuple(_usable(schema, kind, root=root))
    items, others = schema.get("items"), schema.get("additionalProperties")
    found = {name: _below(part) for name, part in (schema.get("properties") or {}).items()}
    fields = {name: node for name, node in found.items() if node is not None}
    below = _below(items), _below(others)
    if not rules and not fields and below == (None, None):
        return None
    convert = celtypes.converter(schema) if rules else None
    return Node(rules, schema, convert, *below, fields)


def _below(schema: Any) -> Node | None:
    if not isinstance(schema, dict):
        return None
    return compile_schema(schema, root=bool(schema.get(EMBEDDED)))


def _usable(schema: Schema, kind: Type, *, root: bool) -> Iterator[Compiled]:
    seen = celtypes.with_head(schema) if root else schema
    for part in (schema, *(schema.get("allOf") or ())):
        for said in part.get(RULES) or ():
            try:
                yield compiled(said, seen, kind)
            except CompileError:
                continue


class Judge:
    """Asks the rules of one object, as long as its budget lasts."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget

    def causes(self, node: Node, value: Any, old: Any, path: Path) -> Causes:
        """Every rule that the value breaks; `old` is what was there, None if nothing comparable.

        What didn't change is only compared: rules that came later don't stop other changes
        (ratcheting, KEP-4008).
        """
        if value is None:
            return
        yield from self._own(node, value, old, path)
        if self._left < 0:
            return
        if isinstance(value, list):
            yield from self._items(node, value, old, path)
        elif isinstance(value, dict):
            yield from self._fields(node, value, old, path)

    def _items(self, node: Node, value: list[Any], old: Any, path: Path) -> Causes:
        if node.items is None:
            return
        before = earlier_items(node.schema, old)
        for number, item in enumerate(value):
            found = before(item)
            yield from self.causes(node.items, item, found, path.index(number))

    def _fields(self, node: Node, value: Mapping[str, Any], old: Any, path: Path) -> Causes:
        known = old if isinstance(old, dict) else {}
        for name, item in value.items():
            if name in node.fields:
                below = path.child(name) if path.text else Path(name)
                yield from self.causes(node.fields[name], item, known.get(name), below)
            elif node.values is not None:
                yield from self.causes(node.values, item, known.get(name), path.key(name))

    def _own(self, node: Node, value: Any, old: Any, path: Path) -> Causes:
        if not node.rules:
            return
        unchanged = old is not None and value == old
        given = node.convert or (lambda one: one)
        variables = {"self": given(value)}
        if old is not None:
            variables["oldSelf"] = given(old)
        for rule in node.rules:
            if self._left < 0:
                return
            if unchanged and not rule.compares:
                continue
            if rule.compares and old is None and not rule.optional:
                continue
            yield from self._asked(rule, node, variables, path)

    def _asked(
        self, rule: Compiled, node: Node, variables: Mapping[str, Any], path: Path
    ) -> Causes:
        shown = Literal(quoted(str(node.schema.get("type", ""))))
        if rule.optional:
            before = variables.get("oldSelf")
            wrapped = Optional(before, there=True) if "oldSelf" in variables else NONE
            variables = {**variables, "oldSelf": wrapped}
        try:
            held, steps = rule.program.evaluate(variables, min(COST, self._left))
        except CelError as error:
            yield field.invalid(
                path if path.text else NOWHERE, shown, self._failed(error, rule.said)
            )
            return
        self._left -= steps
        if held is True:
            return
        where = Path(f"{path}{rule.path}".lstrip(".")) if rule.path else path
        where = where if where.text else NOWHERE
        yield _cause(rule.said.get("reason"), where, shown, self._message(rule, variables))

    def _failed(self, error: CelError, said: Object) -> str:
        rule = shown_rule(said)
        if isinstance(error, CostExceeded):
            self._left = -1
            return (
                f"'{error}': no further validation rules will be run due to call cost exceeds "
                f"limit for rule: {rule}"
            )
        if str(error).startswith("no such overload"):
            return (
                f"'{error}': call arguments did not match a supported operator, function or macro "
                f"signature for rule: {rule}"
            )
        return f"{error} evaluating rule: {rule}"

    def _message(self, rule: Compiled, variables: Mapping[str, Any]) -> str:
        if rule.message is not None:
            try:
                text, steps = rule.message.evaluate(variables, min(COST, max(self._left, 0)))
            except (EvaluationError, CostExceeded):
                text, steps = "", 0
            self._left -= steps
            text = text.strip()
            if text and "\n" not in text and len(text.encode()) <= MESSAGE:
                return str(text)
        message = rule.said.get("message") or ""
        return message.strip() if message else f"failed rule: {shown_rule(rule.said)}"


def shown_rule(said: Object) -> str:
    """A rule in a message: its own, or its expression."""
    return str(said.get("message") or said.get("rule") or "").strip()


def _cause(reason: str | None, path: Path, shown: Literal, detail: str) -> Cause:
    match reason:
        case "FieldValueForbidden":
            return field.forbidden(path, detail)
        case "FieldValueRequired":
            return field.required(path, detail)
        case "FieldValueDuplicate":
            return field.duplicate(path, shown)
        case _:
            return field.invalid(path, shown, detail)
