"""Upstream's words for what doesn't meet a schema."""

from typing import Any

import pytest

from netemu.api.custom.conformance import causes
from netemu.api.validation.field import Path
from tests.support.objects import told

IN_BODY = "Invalid value: {}: x in body {}"
CASES: list[tuple[dict[str, Any], Any, str, str]] = [
    ({"type": "integer", "maximum": 3}, 4, "4", "should be less than or equal to 3"),
    ({"minimum": 3, "exclusiveMinimum": True}, 3, "3", "should be greater than 3"),
    ({"type": "integer", "multipleOf": 2}, 3, "3", "should be a multiple of 2"),
    ({"type": "string", "minLength": 1}, "", '""', "should be at least 1 chars long"),
    ({"type": "string", "pattern": "^a$"}, "b", '"b"', "should match '^a$'"),
    ({"format": "date-time"}, "b", '"b"', 'must be of type date-time: "b"'),
    ({"type": "array", "minItems": 1}, [], "0", "should have at least 1 items"),
    ({"minProperties": 1}, {}, "0", "should have at least 1 properties"),
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
        ({"type": "array", "uniqueItems": True}, [1, 1],
         """Invalid value: "": x in body shouldn't contain duplicates"""),
        ({"maxProperties": 0}, {"a": 1}, "Too many: 1: must have at most 0 items"),
        ({"not": {"type": "integer"}}, 1,
         'Invalid value: "": "x" must not validate the schema (not)'),
        ({"oneOf": [{}, {}]}, 1,
         ('Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid '
         "alternatives")),
    ],
)  # fmt: skip
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
    assert found == ["b[1]", "c", "a"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            [
                '<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)',
                "x.a: Required value",
            ],
        ),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            [
                (
                    '<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). '
                    "Found none valid"
                ),
                "x.a: Required value",
            ],
        ),
        (
            {"allOf": [{"required": ["a"]}, {}]},
            [
                "x.a: Required value",
                '<nil>: Invalid value: "": "x" must validate all the schemas (allOf)',
            ],
        ),
    ],
)
def test_alternatives_say_what_the_first_wanted(schema: dict[str, Any], words: list[str]) -> None:
    assert told(causes(schema, {}, Path("x"))) == words


def test_what_was_wrong_before_may_stay() -> None:
    schema = {"type": "object", "properties": {"a": {"maximum": 3}, "b": {"maximum": 3}}}
    found = [cause.field for cause in causes(schema, {"a": 9, "b": 9}, Path(), {"a": 9, "b": 1})]
    assert found == ["b"]
