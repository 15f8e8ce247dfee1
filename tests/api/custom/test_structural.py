"""Structural schemas."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api.custom.structural import defaulted, parts, pruned, type_of
from netemu.api.schema import ANYTHING, Array, Map, Struct

TEXT: dict[str, Any] = {"type": "string"}
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": TEXT,
        "list": {"type": "array", "items": {"type": "object", "properties": {"b": TEXT}}},
        "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {}}},
        "open": OPEN,
    },
}


def test_what_nobody_knows_goes_and_is_told() -> None:
    unknown: list[str] = []
    value = {
        "a": "1",
        "x": 1,
        "list": [{"b": "2", "y": 1}],
        "map": {"k": {"z": 1}},
        "open": {"q": 1},
    }
    assert pruned(NESTED, value, unknown) == {
        "a": "1",
        "list": [{"b": "2"}],
        "map": {"k": {}},
        "open": {"q": 1},
    }
    assert unknown == ["x", "list[0].y", "map.k.z"]


ONE = {"properties": {"a": {"default": 1}}}
OWN = {"default": {}, "properties": {"b": {"default": 1}}}


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        (ONE, {}, {"a": 1}),
        (ONE, {"a": 2}, {"a": 2}),
        (ONE, {"a": None}, {"a": 1}),
        ({"properties": {"a": {"default": 1, "nullable": True}}}, {"a": None}, {"a": None}),
        ({"properties": {"a": OWN}}, {}, {"a": {"b": 1}}),
        ({"items": ONE}, [{}], [{"a": 1}]),
        ({"additionalProperties": ONE}, {"k": {}}, {"k": {"a": 1}}),
    ],
)
def test_defaults(schema: Any, value: Any, found: Any) -> None:
    assert defaulted(schema, value) == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "list", "map", "open", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON)
def test_pruning_and_filling_in_twice_changes_nothing(value: Any) -> None:
    once = defaulted(NESTED, pruned(NESTED, value, []))
    more: list[str] = []
    assert defaulted(NESTED, pruned(NESTED, once, more)) == once
    assert not more


def test_types_say_how_fields_are_owned() -> None:
    found = type_of(NESTED)
    assert isinstance(found, Struct)
    assert isinstance(found.fields["list"], Array)
    assert found.fields["list"].list_type == "atomic"
    assert isinstance(found.fields["map"], Map)
    assert isinstance(found.fields["open"], Map)
    keyed = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["b"],
        "items": {"type": "object", "properties": {"b": TEXT}},
    }
    array = type_of(keyed)
    assert isinstance(array, Array)
    assert (array.list_type, array.keys) == ("map", ("b",))
    assert type_of({}) is ANYTHING


def test_parts_have_paths() -> None:
    assert [path for path, _ in parts(NESTED)][:3] == ["", ".properties[a]", ".properties[list]"]
