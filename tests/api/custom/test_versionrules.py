"""What is asked of a definition's versions."""

from typing import Any, NamedTuple

import pytest

from netemu.api.custom.versionrules import own_rules
from tests.support.crontabs import version
from tests.support.objects import told

ROOT = "spec.validation.openAPIV3Schema"
COLUMN = "spec.additionalPrinterColumns[0]"
TYPES = "must be one of boolean,date,integer,number,string"


class Case(NamedTuple):
    name: str
    version: dict[str, Any]
    refusals: list[str]


def of(**properties: Any) -> dict[str, Any]:
    return version(schema={"openAPIV3Schema": {"type": "object", "properties": properties}})


def root(**schema: Any) -> dict[str, Any]:
    return version(schema={"openAPIV3Schema": schema})


def column(**said: Any) -> dict[str, Any]:
    usual = {"name": "A", "type": "string", "jsonPath": ".a"}
    return version(additionalPrinterColumns=[{**usual, **said}])


def scale(**paths: str) -> dict[str, Any]:
    usual = {"specReplicasPath": ".spec.a", "statusReplicasPath": ".status.a"}
    return version(subresources={"scale": {**usual, **paths}})


def listed(**said: Any) -> dict[str, Any]:
    items = {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}}}
    return of(a={"type": "array", "items": items, **said})


A = f"{ROOT}.properties[a]"
CASES = [
    Case("usual", version(), []),
    Case("no type", root(), [f"{ROOT}.type: Required value: must not be empty at the root"]),
    Case(
        "a list of all",
        root(type="array"),
        [
            (
                f'{ROOT}.type: Invalid value: "array": only "object" is allowed as the type at the '
                "root of the schema if the status subresource is enabled"
            ),
            f"{ROOT}.items: Required value: must be specified",
            f'{ROOT}.type: Invalid value: "array": must be object at the root',
        ],
    ),
    Case(
        "perhaps nothing",
        {**root(type="object", nullable=True), "subresources": None},
        [f"{ROOT}.nullable: Forbidden: nullable cannot be true at the root"],
    ),
    Case(
        "a field of no type",
        of(a={}),
        [f"{A}.type: Required value: must not be empty for specified object fields"],
    ),
    Case("a number or text", of(a={"x-kubernetes-int-or-string": True}), []),
    Case(
        "items of no type",
        of(a={"type": "array", "items": {}}),
        [f"{A}.items.type: Required value: must not be empty for specified array items"],
    ),
    Case(
        "a list of nothing",
        of(a={"type": "array"}),
        [f"{A}.items: Required value: must be specified"],
    ),
    Case(
        "null",
        of(a={"type": "null"}),
        [(f"{A}.type: Forbidden: type cannot be set to null, use nullable as an alternative")],
    ),
    Case(
        "what structural schemas don't have",
        of(a={"type": "string", "$ref": "#/x", "id": "a", "uniqueItems": True}),
        [
            f"{A}.id: Forbidden: id is not supported",
            f"{A}.$ref: Forbidden: $ref is not supported",
            (
                f"{A}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime "
                "complexity becomes quadratic"
            ),
        ],
    ),
    Case(
        "some fields and all others",
        of(
            a={
                "type": "object",
                "properties": {"b": {"type": "string"}},
                "additionalProperties": {"type": "string"},
            }
        ),
        [
            (
                f"{A}.additionalProperties: Forbidden: additionalProperties and properties are "
                "mutual exclusive"
            )
        ],
    ),
    Case(
        "no other fields",
        of(a={"type": "object", "additionalProperties": False}),
        [],
    ),
    Case(
        "a map by key",
        listed(**{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}),
        [],
    ),
    Case(
        "a map without keys",
        listed(**{"x-kubernetes-list-type": "map"}),
        [
            (
                f"{A}.x-kubernetes-list-map-keys: Required value: must not be empty if "
                "x-kubernetes-list-type is map"
            )
        ],
    ),
    Case(
        "keys of no map",
        listed(**{"x-kubernetes-list-map-keys": ["k"]}),
        [
            (
                f"{A}.x-kubernetes-list-type: Required value: must be map if "
                "x-kubernetes-list-map-keys is non-empty"
            )
        ],
    ),
    Case(
        "an unknown kind of list",
        listed(**{"x-kubernetes-list-type": "bag"}),
        [
            (
                f'{A}.x-kubernetes-list-type: Unsupported value: "bag": supported values: '
                '"atomic", "set", "map"'
            )
        ],
    ),
    Case(
        "a default that isn't what it must be",
        of(a={"type": "integer", "minimum": 3, "default": 1}),
        [
            (
                f"{A}.default: Invalid value: 1: {A}.default in body should be greater than or "
                "equal to 3"
            )
        ],
    ),
    Case(
        "a scale of nowhere",
        scale(specReplicasPath="", statusReplicasPath="status", labelSelectorPath=".metadata.x"),
        [
            "spec.subresources.scale.specReplicasPath: Required value",
            (
                'spec.subresources.scale.statusReplicasPath: Invalid value: "status": must be a '
                "simple json path starting with ."
            ),
            (
                'spec.subresources.scale.labelSelectorPath: Invalid value: ".metadata.x": should '
                "be a json path under either .spec or .status"
            ),
        ],
    ),
    Case(
        "a column of nothing",
        column(name="", type="", jsonPath=""),
        [
            f"{COLUMN}.name: Required value",
            f"{COLUMN}.type: Required value: {TYPES}",
            f"{COLUMN}.JSONPath: Required value",
        ],
    ),
    Case(
        "a column of another type",
        column(type="text", format="bold", jsonPath="a"),
        [
            f'{COLUMN}.type: Invalid value: "text": {TYPES}',
            (
                f'{COLUMN}.format: Invalid value: "bold": must be one of '
                "byte,date,date-time,double,float,int32,int64,password"
            ),
            f'{COLUMN}.JSONPath: Invalid value: "a": must be a simple json path starting with .',
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_versions(case: Case) -> None:
    assert told(own_rules([case.version])) == case.refusals
