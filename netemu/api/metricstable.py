"""PodMetrics and NodeMetrics as a Table, with metrics-server's columns."""

from collections.abc import Sequence
from typing import Final

from netemu.api.negotiation import Include, Shape
from netemu.model.meta import Object, name_of
from netemu.model.quantity import parse_quantity

_COLUMNS: Final = (
    ("Name", "string", "name", "Name of the resource"),
    ("cpu", "string", "quantity", ""),
    ("memory", "string", "quantity", ""),
    ("Window", "string", "duration", ""),
)


def table(items: Sequence[Object], shape: Shape) -> Object:
    """The Table."""
    definitions = [
        {"name": name, "type": kind, "format": form, "description": words, "priority": 0}
        for name, kind, form, words in _COLUMNS
    ]
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{shape.version}",
        "metadata": {},
        "columnDefinitions": definitions,
        "rows": [_row(item, shape) for item in items],
    }


def _row(item: Object, shape: Shape) -> Object:
    usages = [part["usage"] for part in item.get("containers", ())] or [item["usage"]]
    cells = [name_of(item), _cpu(usages), _memory(usages), item["window"]]
    if shape.include is Include.NONE:
        return {"cells": cells}
    if shape.include is Include.OBJECT:
        return {"cells": cells, "object": item}
    head = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{shape.version}"}
    return {"cells": cells, "object": {**head, "metadata": item["metadata"]}}


def _cpu(usages: Sequence[Object]) -> str:
    total = sum(parse_quantity(usage["cpu"]) for usage in usages)
    return f"{int(total * 10**9)}n" if total else "0"


def _memory(usages: Sequence[Object]) -> str:
    return f"{int(sum(parse_quantity(usage['memory']) for usage in usages)) // 1024}Ki"
