"""Columns by JSONPath."""

from typing import Any

import pytest

from netemu.api.custom.printing import cells, definitions
from netemu.model.meta import Object

OBJ: Object = {
    "metadata": {
        "name": "x",
        "creationTimestamp": "1970-01-01T00:00:00Z",
        "labels": {"a.io/b": "label"},
    },
    "spec": {"n": 3, "on": False, "list": [{"k": "a"}, {"k": "b"}]},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("path", "kind", "shown"),
    [
        (".spec.n", "integer", 3),
        (".spec.n", "string", "3"),
        (".spec.on", "boolean", False),
        (".spec.list", "string", '[{"k":"a"},{"k":"b"}]'),
        (".spec.list[1].k", "string", "b"),
        ('.status.conditions[?(@.type=="Ready")].status', "string", "True"),
        (".metadata.creationTimestamp", "date", "90s"),
        (r".metadata.labels.a\.io/b", "string", "label"),
        (".spec.none", "string", None),
        (".spec.on", "integer", None),
        ("][", "string", None),
    ],
)
def test_cells(path: str, kind: str, shown: Any) -> None:
    column = {"name": "C", "type": kind, "jsonPath": path}
    assert cells([column], OBJ, 90.0) == ["x", shown]


def test_the_name_comes_first() -> None:
    name, column = definitions([{"name": "C", "type": "string", "jsonPath": ".a", "priority": 1}])
    assert name["name"] == "Name"
    assert (column["name"], column["priority"]) == ("C", 1)
