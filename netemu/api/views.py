"""One object, several versions: how it is stored, and how a client sees it. Pure.

Custom kinds convert by their apiVersion alone (strategy None).
"""

from collections.abc import Callable
from typing import Final

import msgspec

from netemu.api import autoscalingv1, eventviews
from netemu.api.custom.resource import CustomResource
from netemu.model.meta import Object
from netemu.model.resources import Resource
from netemu.store.base import Record

_encode = msgspec.json.Encoder().encode

Converter = Callable[[Object], Object]


def _same(obj: Object) -> Object:
    return obj


STORED: Final[dict[str, Converter]] = {
    "autoscaling/v1/HorizontalPodAutoscaler": autoscalingv1.stored,
    "events.k8s.io/v1/Event": eventviews.stored,
}
SHOWN: Final[dict[str, Converter]] = {
    "autoscaling/v1/HorizontalPodAutoscaler": autoscalingv1.shown,
    "events.k8s.io/v1/Event": eventviews.shown,
}
"""Of built-in views, by "apiVersion/kind": how their objects are stored, and shown."""


def is_stored_so(resource: Resource) -> bool:
    """Whether objects of the kind are stored as this version of it has them."""
    return not resource.custom and not resource.stored_as


def stored(resource: Resource, obj: Object) -> Object:
    """An object as it is stored."""
    if isinstance(resource, CustomResource):
        return obj if resource.kept is None else resource.kept.fitted(obj)
    return STORED.get(f"{resource.api_version}/{resource.kind}", _same)(obj)


def shown(resource: Resource, obj: Object) -> Object:
    """A stored object as this version of its kind has it."""
    if isinstance(resource, CustomResource):
        return _custom(resource, obj)
    if obj.get("apiVersion") == resource.api_version:
        return obj
    return SHOWN.get(f"{resource.api_version}/{resource.kind}", _same)(obj)


def _custom(resource: CustomResource, obj: Object) -> Object:
    """As upstream decodes it: what an earlier schema let through is made to fit, and what is of
    another version is what its webhook made of it.
    """
    if resource.hook is not None and obj["apiVersion"] != resource.api_version:
        metadata = obj["metadata"]
        version = metadata.get("resourceVersion", "")
        which = metadata.get("namespace", ""), metadata.get("name", ""), version
        return resource.conversions.get(which) or {**obj, "apiVersion": resource.api_version}
    stored = resource.stored_version
    if int(obj["metadata"].get("resourceVersion") or 0) <= stored.since:
        obj = stored.fitted(obj)
    if obj["apiVersion"] == resource.api_version:
        return obj
    return {**obj, "apiVersion": resource.api_version}


def raw(resource: Resource, record: Record) -> bytes:
    """A stored object's JSON as this version of its kind has it."""
    obj = shown(resource, record.obj)
    return record.raw if obj is record.obj else _encode(obj)
