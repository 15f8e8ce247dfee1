"""Expressions of admission policies and webhooks: whether they can be evaluated.

Source: pkg/apis/admissionregistration/validation.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from netemu.api.admissionexpressions import PARAMS, VARIABLES, checked, composed
from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path
from netemu.cel.errors import CompileError
from netemu.cel.types import BOOL, NULL, STRING, Type
from netemu.model import names
from netemu.model.meta import Object

_REASONS: Final = ("Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge")


def rules(spec: Object) -> Causes:
    """Those of a ValidatingAdmissionPolicy."""
    known = {**VARIABLES, **(PARAMS if spec.get("paramKind") else {})}
    yield from conditions(spec.get("matchConditions") or (), SPEC.child("matchConditions"), known)
    wrong = [*_variables(spec.get("variables") or (), known)]
    yield from wrong
    if wrong:
        return
    known = {**composed(spec.get("variables") or (), known)[0]}
    for number, item in enumerate(spec.get("validations") or ()):
        yield from _validation(item, SPEC.child("validations").index(number), known)
    for number, item in enumerate(spec.get("auditAnnotations") or ()):
        at = SPEC.child("auditAnnotations").index(number).child("valueExpression")
        yield from _checked(item.get("valueExpression") or "", at, known, STRING, NULL)


def conditions(said: Sequence[Object], path: Path, known: Mapping[str, Type] = VARIABLES) -> Causes:
    """Match conditions."""
    seen: set[str] = set()
    for number, item in enumerate(said):
        at, name = path.index(number), item.get("name") or ""
        if not name:
            yield field.required(at.child("name"))
        elif names.qualified_name(name):
            yield field.invalid(at.child("name"), name, ",".join(names.qualified_name(name)))
        if name in seen:
            yield field.duplicate(at.child("name"), name)
        seen.add(name)
        yield from _checked(item.get("expression") or "", at.child("expression"), known, BOOL)


def _variables(said: Sequence[Object], known: Mapping[str, Type]) -> Causes:
    for number, item in enumerate(said):
        at, source = SPEC.child("variables").index(number), item.get("expression") or ""
        if not item.get("name"):
            yield field.required(at.child("name"), "name is not specified")
        if not source.strip():
            yield field.required(at.child("expression"), "expression is not specified")
            continue
        try:
            composed(said[: number + 1], known)
        except CompileError as error:
            yield field.invalid(at.child("expression"), source, str(error))
            return


def _validation(item: Object, path: Path, known: Mapping[str, Type]) -> Causes:
    source, message = item.get("expression") or "", item.get("message") or ""
    yield from _checked(source, path.child("expression"), known, BOOL)
    if item.get("messageExpression"):
        yield from _checked(
            item["messageExpression"], path.child("messageExpression"), known, STRING
        )
    if message and not message.strip():
        words = "message must be non-empty if specified"
        yield field.invalid(path.child("message"), message, words)
    elif "\n" in message.strip():
        yield field.invalid(path.child("message"), message, "message must not contain line breaks")
    elif "\n" in source.strip() and not message:
        words = "message must be specified if expression contains line breaks"
        yield field.required(path.child("message"), words)
    reason = item.get("reason")
    if reason is not None and reason not in _REASONS:
        yield field.not_supported(path.child("reason"), reason, _REASONS)


def _checked(source: str, path: Path, known: Mapping[str, Type], *wanted: Type) -> Causes:
    if not source.strip():
        yield field.required(path, f"{path.text.rpartition('.')[2]} is not specified")
        return
    try:
        checked(source, known, *wanted)
    except CompileError as error:
        yield field.invalid(path, source, str(error))
