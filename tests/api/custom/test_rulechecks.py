"""Expressions of a definition that can't be used are refused with it."""

from typing import Any

import pytest

from netemu.api.custom.rulechecks import compiling, wording
from netemu.api.validation.field import Path
from tests.support.objects import told

AT = "s.x-kubernetes-validations[0]"


def schema(**rule: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "s": {"type": "string"}},
        "x-kubernetes-validations": [rule],
    }


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"rule": " "}, f"{AT}.rule: Required value: rule is not specified"),
        (
            {"rule": "true", "message": "a\nb"},
            f'{AT}.message: Invalid value: "a\\nb": must not contain line breaks',
        ),
        (
            {"rule": "true &&\ntrue"},
            f"{AT}.message: Required value: message must be specified if rule contains line breaks",
        ),
        (
            {"rule": "true", "reason": "Other"},
            (
                f'{AT}.reason: Unsupported value: "Other": supported values: '
                '"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", '
                '"FieldValueRequired"'
            ),
        ),
        (
            {"rule": "true", "fieldPath": ".x"},
            f'{AT}.fieldPath: Invalid value: ".x": must be a valid path',
        ),
    ],
)
def test_wording(rule: dict[str, Any], words: str) -> None:
    assert told(wording(schema(**rule), Path("s"))) == [words]


LITERAL = (
    'apiextensions.ValidationRule{{Rule:"{}", Message:"", MessageExpression:"{}", '
    'Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:"", '
    "OptionalOldSelf:(*bool)(nil)}}"
)


@pytest.mark.parametrize(
    ("rule", "message", "key", "words"),
    [
        (
            "self.x > 1", "", "rule",
            "compilation failed: ERROR: <input>:1:5: undefined field 'x'\n | self.x > 1\n | ....^",
        ),
        ("self.n", "", "rule", "cel expression must evaluate to a bool"),
        ("true", "self.n", "messageExpression", "messageExpression must evaluate to a string"),
    ],
)  # fmt: skip
def test_compiling(rule: str, message: str, key: str, words: str) -> None:
    said = {"rule": rule, **({"messageExpression": message} if message else {})}
    expected = f"{AT}.{key}: Invalid value: {LITERAL.format(rule, message)}: {words}"
    assert told(compiling(schema(**said), Path("s"))) == [expected]


def test_nobody_knows_what_an_item_of_a_list_was() -> None:
    rule = {"rule": "self == oldSelf"}
    items = {"type": "string", "x-kubernetes-validations": [rule]}
    found = told(compiling({"type": "array", "items": items}, Path("s")))
    assert found == [
        (
            's.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf '
            "cannot be used on the uncorrelatable portion of the schema within s"
        )
    ]


def test_an_optional_old_value_must_be_used() -> None:
    found = told(compiling(schema(rule="true", optionalOldSelf=True), Path("s")))
    assert found == [
        f"{AT}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule"
    ]
