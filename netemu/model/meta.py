"""API objects as netemu keeps them: the JSON a client sees, never changed once stored.

Whoever wants to change an object copies it first (`copied`); the store hands the same dict to
everybody.
"""

from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]
"""A Kubernetes object as JSON."""

Key: TypeAlias = tuple[str, str]
"""(namespace, name); the namespace is "" for what has none."""


def copied(value: Any) -> Any:
    """Copy JSON deeply; five times as fast as copy.deepcopy, which must expect anything."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def namespace_of(obj: Object) -> str:
    """The namespace, "" for a cluster-wide object."""
    return str(obj["metadata"].get("namespace", ""))


def name_of(obj: Object) -> str:
    """The name."""
    return str(obj["metadata"]["name"])


def key_of(obj: Object) -> Key:
    """(namespace, name)."""
    return namespace_of(obj), name_of(obj)


def uid_of(obj: Object) -> str:
    """The uid, "" before the object is stored."""
    return str(obj["metadata"].get("uid", ""))


def labels_of(obj: Object) -> dict[str, str]:
    """The labels, perhaps none."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    """The annotations, perhaps none."""
    return obj["metadata"].get("annotations") or {}


def is_deleting(obj: Object) -> bool:
    """Whether somebody asked for its deletion."""
    return "deletionTimestamp" in obj["metadata"]


def controller_of(obj: Object) -> Object | None:
    """The owner reference that says ``controller: true``."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return dict(owner)
    return None


def owner_reference(owner: Object, api_version: str, kind: str) -> Object:
    """The reference by which `owner` controls an object."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }
