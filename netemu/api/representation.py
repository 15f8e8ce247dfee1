"""Objects and lists as bytes, in the shape a client asked for.

A stored object's JSON is sent as it is stored; only tables and metadata are encoded anew.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from netemu.api import tables, views
from netemu.api.negotiation import Form, Include, Shape
from netemu.model.meta import Object
from netemu.model.resources import Resource
from netemu.store.base import Record

_encode = msgspec.json.Encoder().encode


def one(resource: Resource, record: Record, shape: Shape, now: float) -> bytes:
    """One object."""
    match shape.form:
        case Form.PLAIN:
            return views.raw(resource, record)
        case Form.TABLE:
            metadata = {"resourceVersion": record.obj["metadata"].get("resourceVersion", "")}
            return table(resource, [record], shape, metadata, now)
        case Form.PARTIAL | Form.PARTIAL_LIST:
            return _encode(_partial(record.obj, shape))


def many(
    resource: Resource, records: Iterable[Record], shape: Shape, metadata: Object, now: float
) -> bytes:
    """A list."""
    match shape.form:
        case Form.PLAIN:
            return _list(resource, metadata, records)
        case Form.TABLE:
            return table(resource, records, shape, metadata, now)
        case Form.PARTIAL | Form.PARTIAL_LIST:
            document = {
                "kind": Form.PARTIAL_LIST,
                "apiVersion": f"meta.k8s.io/{shape.version}",
                "metadata": metadata,
                "items": [_partial(record.obj, shape) for record in records],
            }
            return _encode(document)


def _list(resource: Resource, metadata: Object, records: Iterable[Record]) -> bytes:
    kind, api_version = resource.list_kind, resource.api_version
    head = _encode({"kind": kind, "apiVersion": api_version, "metadata": metadata})
    if views.is_stored_so(resource):
        items = (record.raw for record in records)
    else:
        items = (views.raw(resource, record) for record in records)
    return head[:-1] + b',"items":[' + b",".join(items) + b"]}"


def table(
    resource: Resource, records: Iterable[Record], shape: Shape, metadata: Object, now: float
) -> bytes:
    """A Table."""
    document = {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{shape.version}",
        "metadata": metadata,
        "columnDefinitions": tables.columns(resource),
        "rows": [_row(resource, record, shape, now) for record in records],
    }
    return _encode(document)


def _row(resource: Resource, record: Record, shape: Shape, now: float) -> Object:
    row: dict[str, Any] = {"cells": tables.cells(resource, views.shown(resource, record.obj), now)}
    match shape.include:
        case Include.METADATA:
            row["object"] = _partial(record.obj, shape)
        case Include.OBJECT:
            row["object"] = msgspec.Raw(views.raw(resource, record))
        case Include.NONE:
            row["object"] = None
    return row


def _partial(obj: Object, shape: Shape) -> Object:
    return {
        "kind": Form.PARTIAL,
        "apiVersion": f"meta.k8s.io/{shape.version}",
        "metadata": obj["metadata"],
    }
