"""Rows of roles and bindings."""

from typing import Any

from netemu.api.tables.wording import age
from netemu.model.meta import Object, name_of


def role(obj: Object, now: float) -> list[Any]:
    """Name, Created At."""
    return [name_of(obj), obj["metadata"].get("creationTimestamp", "")]


def binding(obj: Object, now: float) -> list[Any]:
    """Name, Role, Age, and the subjects by kind."""
    reference = obj.get("roleRef") or {}
    return [
        name_of(obj),
        f"{reference.get('kind', '')}/{reference.get('name', '')}",
        age(obj, now),
        _subjects(obj, "User"),
        _subjects(obj, "Group"),
        _subjects(obj, "ServiceAccount"),
    ]


def _subjects(obj: Object, kind: str) -> str:
    return ", ".join(
        "/".join(filter(None, (subject.get("namespace", ""), subject.get("name", ""))))
        for subject in obj.get("subjects") or ()
        if subject.get("kind") == kind
    )
