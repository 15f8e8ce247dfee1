"""What is wrong with the expressions of a definition's schema, before any object is. Pure."""

from collections.abc import Iterator
from typing import Any, Final

from netemu.api.custom import celtypes
from netemu.api.custom.fieldpaths import parsed
from netemu.api.custom.rules import Compiled, MessageError, compiled
from netemu.api.custom.structural import EMBEDDED, RULES, Schema
from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path
from netemu.api.validation.goformat import Literal, quoted
from netemu.cel.errors import CompileError
from netemu.model.meta import Object

_REASONS: Final = (
    "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired",
)  # fmt: skip


def wording(schema: Schema, path: Path) -> Causes:
    """Rules as they are written: what they must and mustn't say."""
    for number, rule in enumerate(schema.get(RULES) or ()):
        yield from _worded(rule, schema, path.child(RULES).index(number))


def _worded(rule: Object, schema: Schema, path: Path) -> Causes:
    said, message = rule.get("rule") or "", rule.get("message") or ""
    if not said.strip():
        yield field.required(path.child("rule"), "rule is not specified")
    elif message and not message.strip():
        yield field.invalid(path.child("message"), message, "must be non-empty if specified")
    elif _broken(message.strip()):
        yield field.invalid(path.child("message"), message, "must not contain line breaks")
    elif _broken(said.strip()) and not message.strip():
        words = "message must be specified if rule contains line breaks"
        yield field.required(path.child("message"), words)
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        words = "messageExpression must be non-empty if specified"
        yield field.required(path.child("messageExpression"), words)
    reason = rule.get("reason")
    if reason is not None and reason not in _REASONS:
        yield field.not_supported(path.child("reason"), reason, _REASONS)
    yield from _placed(rule.get("fieldPath") or "", schema, path.child("fieldPath"))


def _placed(where: str, schema: Schema, path: Path) -> Causes:
    if where and not where.strip():
        yield field.invalid(path, where, "must be non-empty if specified")
    if _broken(where):
        yield field.invalid(path, where, "must not contain line breaks")
    if where and parsed(where, schema) is None:
        yield field.invalid(path, where, "must be a valid path")


def _broken(text: str) -> bool:
    return "\n" in text or "\r" in text


def compiling(
    schema: Schema, path: Path, *, root: bool = True, forbidden: Path | None = None
) -> Causes:
    """Rules as they are meant: whether they can be evaluated. `forbidden` is the part of the
    schema, if any, where nobody knows what a value was before.
    """
    for part, below, beyond in _parts(schema, path, forbidden):
        yield from compiling(part, below, root=bool(part.get(EMBEDDED)), forbidden=beyond)
    if not schema.get(RULES):
        return
    kind = celtypes.declared(schema, root=root)
    if kind is None:
        return
    seen = celtypes.with_head(schema) if root else schema
    for number, rule in enumerate(schema[RULES]):
        at = path.child(RULES).index(number)
        try:
            found = compiled(rule, seen, kind)
        except MessageError as error:
            yield field.invalid(at.child("messageExpression"), _literal(rule), str(error))
        except CompileError as error:
            yield field.invalid(at.child("rule"), _literal(rule), str(error))
        else:
            yield from _comparing(found, at, forbidden)


def _comparing(rule: Compiled, path: Path, forbidden: Path | None) -> Causes:
    if rule.compares and forbidden is not None:
        words = (
            f"oldSelf cannot be used on the uncorrelatable portion of the schema within {forbidden}"
        )
        yield field.invalid(path.child("rule"), rule.said["rule"], words)
    if not rule.compares and rule.said.get("optionalOldSelf") is not None:
        words = "may not be set if oldSelf is not used in rule"
        yield field.invalid(path.child("optionalOldSelf"), rule.said["optionalOldSelf"], words)


def _parts(
    schema: Schema, path: Path, forbidden: Path | None
) -> Iterator[tuple[Schema, Path, Path | None]]:
    for name, part in (schema.get("properties") or {}).items():
        yield part, path.child("properties").key(name), forbidden
    if isinstance(schema.get("additionalProperties"), dict):
        part = schema["additionalProperties"]
        yield part, path.child("additionalProperties"), forbidden
    if isinstance(schema.get("items"), dict):
        known = schema.get("x-kubernetes-list-type") == "map"
        beyond = forbidden if known else forbidden or path
        yield schema["items"], path.child("items"), beyond


def _literal(rule: Object) -> Literal:
    """A rule as Go prints it."""
    reason = _pointer(rule.get("reason"), "*apiextensions.FieldValueErrorReason")
    optional = _pointer(rule.get("optionalOldSelf"), "*bool")
    texts = ", ".join(
        f"{name}:{quoted(rule.get(key) or '')}"
        for name, key in (
            ("Rule", "rule"),
            ("Message", "message"),
            ("MessageExpression", "messageExpression"),
        )
    )
    where = quoted(rule.get("fieldPath") or "")
    return Literal(
        f"apiextensions.ValidationRule{{{texts}, Reason:{reason}, FieldPath:{where}, "
        f"OptionalOldSelf:{optional}}}"
    )


def _pointer(value: Any, kind: str) -> str:
    return f"({kind})(nil)" if value is None else f"({kind})(0xc000000000)"
