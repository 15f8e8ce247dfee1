"""Every schema in a definition's schema, with its place. Pure."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from netemu.api.custom.structural import EMBEDDED, Schema
from netemu.api.validation.field import Path

_META: Final = ("apiVersion", "kind", "metadata")


class Level(StrEnum):
    """What a schema is in the one around it."""

    ROOT = "root"
    ITEMS = "items"
    FIELD = "field"
    VALUES = "values"


class Node(NamedTuple):
    """One schema."""

    schema: Schema
    path: Path
    level: Level
    meta: bool
    """Whether it is about an object's metadata, kind or version."""
    no_defaults: str
    """Why no default may be set here."""


def nodes_of(schema: Schema, path: Path) -> list[Node]:
    """The schema and all of its parts, from the outside in."""
    found: list[Node] = []
    _collect(Node(schema, path, Level.ROOT, meta=False, no_defaults=""), found)
    return found


def _collect(node: Node, found: list[Node]) -> None:
    found.append(node)
    head = node.level is Level.ROOT or bool(node.schema.get(EMBEDDED))
    for part, path, level in parts_of(node.schema, node.path):
        meta, why = node.meta, node.no_defaults
        if level is Level.VALUES and meta:
            why = "inside additionalProperties applying to object metadata"
        elif head and level is Level.FIELD and (name := _name(path)) in _META:
            meta = True
            why = f"in top-level {name}" if node.level is Level.ROOT else why
        _collect(Node(part, path, level, meta, why), found)


def _name(path: Path) -> str:
    return path.text.rpartition("[")[2].removesuffix("]")


def parts_of(schema: Schema, path: Path) -> Iterator[tuple[Schema, Path, Level]]:
    """The schemas of parts."""
    items, others = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, dict):
        yield items, path.child("items"), Level.ITEMS
    for name, part in (schema.get("properties") or {}).items():
        yield part, Path(f"{path.text}.properties[{name}]"), Level.FIELD
    if isinstance(others, dict):
        yield others, path.child("additionalProperties"), Level.VALUES
