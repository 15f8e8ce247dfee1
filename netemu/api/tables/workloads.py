"""Rows of the kinds that make pods."""

from typing import Any

from netemu.api.tables.wording import (
    age,
    containers,
    or_none,
    selector_object,
    selector_text,
)
from netemu.model.meta import Object, controller_of, name_of
from netemu.model.selector import equality


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


def scale(obj: Object, now: float) -> list[Any]:
    """Name, Desired, Available, Age: of any workload's scale subresource."""
    spec, status = _parts(obj)
    return [name_of(obj), spec.get("replicas", 0), status.get("replicas", 0), age(obj, now)]


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


def replication_controller(obj: Object, now: float) -> list[Any]:
    """As a ReplicaSet, whose selector says more."""
    spec = obj.get("spec") or {}
    selector = or_none(selector_text(equality(spec.get("selector") or {})))
    return [*replica_set({**obj, "spec": {**spec, "selector": None}}, now)[:-1], selector]


def daemon_set(obj: Object, now: float) -> list[Any]:
    """Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age, …"""
    spec, status = _parts(obj)
    wanted = _template(obj).get("nodeSelector") or {}
    return [
        name_of(obj),
        *(status.get(key, 0) for key in _DAEMON_COUNTS),
        or_none(",".join(f"{key}={wanted[key]}" for key in sorted(wanted))),
        age(obj, now),
        *containers(_template(obj)),
        selector_object(spec.get("selector")),
    ]


_DAEMON_COUNTS = (
    "desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled",
    "numberAvailable",
)  # fmt: skip


def revision(obj: Object, now: float) -> list[Any]:
    """Name, Controller, Revision, Age."""
    owner = controller_of(obj)
    shown = "<none>"
    if owner is not None:
        group = owner["apiVersion"].partition("/")
        kind = owner["kind"].lower()
        shown = f"{kind}.{group[0]}/{owner['name']}" if group[1] else f"{kind}/{owner['name']}"
    return [name_of(obj), shown, obj.get("revision", 0), age(obj, now)]


def stateful_set(obj: Object, now: float) -> list[Any]:
    """Name, Ready, Age, Containers, Images."""
    spec, status = _parts(obj)
    return [
        name_of(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}",
        age(obj, now),
        *containers(_template(obj)),
    ]
