"""Expressions in a schema, asked of objects."""

from typing import Any

import pytest

from netemu.api.custom.rules import Judge, compile_schema
from netemu.api.validation.field import Path
from tests.support.objects import told


def spec(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The schema of an object whose spec has these rules."""
    part = {"type": "object", "properties": fields, "x-kubernetes-validations": [*rules]}
    return {"type": "object", "properties": {"spec": part}}


NUMBER = {"type": "integer"}
TEXT = {"type": "string"}
LOW_HIGH = {"low": NUMBER, "high": NUMBER}
ORDER = {"rule": "self.low <= self.high"}


def found(schema: dict[str, Any], new: Any, old: Any = None) -> list[str]:
    node = compile_schema(schema)
    assert node is not None
    before = None if old is None else {"spec": old}
    return told(Judge().causes(node, {"spec": new}, before, Path()))


def test_a_schema_without_rules_asks_nothing() -> None:
    assert compile_schema({"type": "object", "properties": {"spec": {"type": "object"}}}) is None


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (ORDER, 'spec: Invalid value: "object": failed rule: self.low <= self.high'),
        ({**ORDER, "message": "wrong way round"}, 'spec: Invalid value: "object": wrong way round'),
        (
            {**ORDER, "messageExpression": "string(self.low) + ' > ' + string(self.high)"},
            'spec: Invalid value: "object": 3 > 2',
        ),
        (
            {**ORDER, "message": "no", "messageExpression": "string(1 / 0)"},
            'spec: Invalid value: "object": no',
        ),
        ({**ORDER, "reason": "FieldValueForbidden", "message": "no"}, "spec: Forbidden: no"),
        ({**ORDER, "reason": "FieldValueRequired", "message": "no"}, "spec: Required value: no"),
        (
            {**ORDER, "fieldPath": ".low", "message": "no"},
            'spec.low: Invalid value: "object": no',
        ),
        (
            {"rule": "self.low / 0 == 1"},
            'spec: Invalid value: "object": division by zero evaluating rule: self.low / 0 == 1',
        ),
    ],
)
def test_what_a_broken_rule_says(rule: dict[str, Any], words: str) -> None:
    assert found(spec(rule, **LOW_HIGH), {"low": 3, "high": 2}) == [words]


def test_the_whole_object_is_nowhere() -> None:
    schema = {
        **spec(**LOW_HIGH),
        "x-kubernetes-validations": [{"rule": "self.metadata.name == 'a'"}],
    }
    node = compile_schema(schema)
    assert node is not None
    causes = Judge().causes(node, {"metadata": {"name": "b"}}, None, Path())
    assert told(causes) == [
        "<nil>: Invalid value: \"object\": failed rule: self.metadata.name == 'a'"
    ]


def test_transition_rules_compare_with_what_was_there() -> None:
    low = {**NUMBER, "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "no"}]}
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"low": low}}},
    }
    assert found(schema, {"low": 1}) == []
    assert found(schema, {"low": 1}, {}) == []
    assert found(schema, {"low": 1}, {"low": 2}) == ['spec.low: Invalid value: "integer": no']


def test_a_rule_may_ask_whether_there_was_anything() -> None:
    rule = {"rule": "oldSelf.hasValue() || self.low == 0", "optionalOldSelf": True, "message": "no"}
    schema = spec(rule, **LOW_HIGH)
    assert found(schema, {"low": 1}) == ['spec: Invalid value: "object": no']
    assert found(schema, {"low": 1}, {"low": 0}) == []


def test_items_are_known_by_their_keys() -> None:
    item = {
        "type": "object",
        "properties": {"name": TEXT, "n": NUMBER},
        "x-kubernetes-validations": [{"rule": "self.n >= oldSelf.n", "message": "no"}],
    }
    items = {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }
    old = {"xs": [{"name": "a", "n": 1}, {"name": "b", "n": 5}]}
    new = {"xs": [{"name": "b", "n": 4}, {"name": "c", "n": 0}, {"name": "a", "n": 1}]}
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"xs": items}}},
    }
    assert found(schema, new, old) == ['spec.xs[0]: Invalid value: "object": no']


def test_what_was_wrong_before_may_stay() -> None:
    wrong = {"low": 3, "high": 2}
    assert found(spec(ORDER, **LOW_HIGH), wrong, dict(wrong)) == []
    assert found(spec(ORDER, **LOW_HIGH), {"low": 4, "high": 2}, wrong) != []


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ({"type": "string", "format": "date-time"}, "2024-01-01T00:00:00Z",
         "self.x.getFullYear() == 2024"),
        ({"type": "string", "format": "duration"}, "90s", "self.x > duration('1m')"),
        ({"type": "string", "format": "byte"}, "YWJj", "self.x == b'abc'"),
        ({"type": "number"}, 3, "self.x / 2.0 == 1.5"),
        ({"x-kubernetes-int-or-string": True}, "50%", "type(self.x) == string"),
        ({"type": "object", "additionalProperties": NUMBER}, {"a": 1},
         "self.x.all(k, self.x[k] == 1)"),
        ({"type": "array", "items": {"type": "number"}}, [1], "self.x[0] == 1.0"),
    ],
)  # fmt: skip
def test_values_are_of_the_types_of_their_schemas(field: Any, value: Any, rule: str) -> None:
    assert found(spec({"rule": rule}, x=field), {"x": value}) == []


def test_rules_of_one_object_share_a_budget() -> None:
    many = {"type": "array", "items": NUMBER}
    rule = {"rule": "self.xs.all(a, self.xs.all(b, self.xs.all(c, a + b + c >= 0)))"}
    said = found(spec(rule, ORDER, xs=many, **LOW_HIGH), {"xs": [1] * 200, "low": 3, "high": 2})
    assert len(said) == 1
    assert (
        "no further validation rules will be run due to call cost exceeds limit for rule" in said[0]
    )
