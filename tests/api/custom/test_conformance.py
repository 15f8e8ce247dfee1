"""Upstream's words for what doesn't meet a schema."""

from typing import Any

import pytest

from netemu.api.custom.conformance import causes
from netemu.api.validation.field import Path

IN_BODY = "Invalid value: {}: x in body {}"
CASES: list[tuple[dict[str, Any], Any, str, str]] = [
    ({"type": "integer", "maximum": 3}, 4, "4", "should be less than or equal to 3"),
    ({"minimum": 3, "exclusiveMinimum": True}, 3, "3", "should be greater than 3"),
    ({"type": "integer", "multipleOf": 2}, 3, "3", "should be a multiple of 2"),
    ({"type": "string", "minLength": 1}, "", '""', "should be at least 1 chars long"),
    ({"type": "string", "pattern": "^a$"}, "b", '"b"', "should match '^a$'"),
    ({"format": "date-time"}, "b", '"b"', 'must be of type date-time: "b"'),
    ({"type": "array", "minItems": 1}, [], "0", "should have at least 1 items"),
    ({"minProperties": 1}, {}, "{}", "should have at least 1 properties"),
    ({"anyOf": [{"minimum": 2}]}, 1, "1", "must validate at least one schema (anyOf)"),
    ({"oneOf": [{}, {}]}, 1, "1", "must validate one and only one schema (oneOf)"),
    ({"not": {"type": "integer"}}, 1, "1", "must not validate the schema (not)"),
    ({"allOf": [{"minimum": 2}]}, 1, "1", "should be greater than or equal to 2"),
    ({"type": "string"}, 1, '"integer"', 'must be of type string: "integer"'),
    ({"type": "boolean"}, 1, '"integer"', 'must be of type boolean: "integer"'),
]


@pytest.mark.parametrize(("schema", "value", "shown", "rule"), CASES)
def test_rules(schema: dict[str, Any], value: Any, shown: str, rule: str) -> None:
    found = [cause.message for cause in causes(schema, value, Path("x"))]
    assert found == [IN_BODY.format(shown, rule)]


@pytest.mark.parametrize(
    ("schema", "value", "words"),
    [
        ({"enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        ({"type": "string", "maxLength": 1}, "ab", "Too long: may not be more than 1 byte"),
        ({"type": "array", "maxItems": 1}, [1, 2], "Too many: 2: must have at most 1 items"),
        ({"type": "array", "uniqueItems": True}, [1, 1], "Duplicate value: 1"),
    ],
)
def test_rules_with_words_of_their_own(schema: dict[str, Any], value: Any, words: str) -> None:
    assert [cause.message for cause in causes(schema, value, Path("x"))] == [words]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1.0),
        ({"type": "number"}, 1),
        ({"x-kubernetes-int-or-string": True}, "a"),
        ({"type": "string", "nullable": True}, None),
        ({"type": "string", "format": "ipv4"}, "1.2.3.4"),
    ],
)
def test_what_is_fine(schema: dict[str, Any], value: Any) -> None:
    assert not [*causes(schema, value, Path("x"))]


def test_every_broken_rule_is_told_with_its_place() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"b": {"type": "array", "items": {"type": "string"}}},
        "additionalProperties": {"type": "integer"},
    }
    found = [cause.field for cause in causes(schema, {"b": ["x", 1], "c": "y"}, Path())]
    assert found == ["a", "b[1]", "c"]


def test_items_of_a_list_with_keys_differ() -> None:
    schema = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["a"],
        "items": {"type": "object"},
    }
    (cause,) = causes(schema, [{"a": 1, "b": 1}, {"a": 1, "b": 2}], Path("x"))
    assert (cause.field, cause.message) == ("x[1]", 'Duplicate value: {"a":1}')
