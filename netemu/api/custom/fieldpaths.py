"""Paths in a schema as definitions write them: ``.spec.names['a.b']`` (ValidFieldPath)."""

import re
from typing import Final

from netemu.api.custom.structural import Schema

_STEP: Final = re.compile(r"\.([^.\[\]']+)|\['((?:[^'\\]|\\.)*)'\]")


class WrongPath(ValueError):
    """The path leads nowhere; the text says why."""


def resolved(path: str, schema: Schema, *, brackets: bool = True) -> tuple[str, Schema]:
    """The path as messages show it, and the schema it leads to. Raises WrongPath."""
    at, shown = 0, ""
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise WrongPath(f"expected [ or . but got: {path[at:]}")
        if step[2] is not None and not brackets:
            raise WrongPath("array notation is not allowed")
        name = step[1] if step[2] is None else re.sub(r"\\(.)", r"\1", step[2])
        schema, named = _below(schema, name)
        shown += (f".{name}" if shown else name) if named else f"[{name}]"
        at = step.end()
    return shown, schema


def _below(schema: Schema, name: str) -> tuple[Schema, bool]:
    fields, others = schema.get("properties"), schema.get("additionalProperties")
    if fields:
        if name not in fields:
            raise WrongPath("does not refer to a valid field")
        return fields[name], True
    if isinstance(others, dict):
        return others, False
    raise WrongPath("does not refer to a valid field")


def parsed(path: str, schema: Schema) -> str | None:
    """The path as messages append it to another one; None if it leads nowhere."""
    try:
        shown, _ = resolved(path, schema)
    except WrongPath:
        return None
    return shown if shown.startswith("[") else f".{shown}"
