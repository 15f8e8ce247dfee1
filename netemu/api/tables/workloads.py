"""Rows of the kinds that make pods."""

from typing import Any

from netemu.api.tables.wording import age, containers, selector_object
from netemu.model.meta import Object, name_of


def _template(obj: Object) -> Object:
    found: Object = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    return found


def _parts(obj: Object) -> tuple[Object, Object]:
    return obj.get("spec") or {}, obj.get("status") or {}


def deployment(obj: Object, now: float) -> list[Any]:
    """Name, Ready, Up-to-date, Available, Age, Containers, Images, Selector."""
    spec, status = _parts(obj)
    return [
        name_of(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age(obj, now),
        *containers(_template(obj)),
        selector_object(spec.get("selector")),
    ]


def replica_set(obj: Object, now: float) -> list[Any]:
    """Name, Desired, Current, Ready, Age, Containers, Images, Selector."""
    spec, status = _parts(obj)
    return [
        name_of(obj),
        spec.get("replicas", 1),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age(obj, now),
        *containers(_template(obj)),
        selector_object(spec.get("selector")),
    ]


def stateful_set(obj: Object, now: float) -> list[Any]:
    """Name, Ready, Age, Containers, Images."""
    spec, status = _parts(obj)
    return [
        name_of(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}",
        age(obj, now),
        *containers(_template(obj)),
    ]
