"""Rules of custom objects beside their schema's."""

from typing import Any

import pytest

from netemu.api.custom.objects import rules, warnings
from netemu.api.custom.resource import CustomResource
from netemu.model.meta import Object
from tests.support.objects import told

KEYED = {
    "type": "array",
    "items": {"type": "object", "properties": {"a": {"type": "integer"}}},
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["a"],
}
SET = {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}


def kind(**fields: Any) -> CustomResource:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": fields}}}
    return CustomResource(
        group="g.example", version="v1", kind="K", plural="ks", custom=True, schema=schema
    )


def obj(**spec: Any) -> Object:
    metadata = {"name": "x", "namespace": "default"}
    return {"apiVersion": "g.example/v1", "kind": "K", "metadata": metadata, "spec": spec}


def test_items_of_sets_and_keyed_lists_differ() -> None:
    found = rules(
        kind(m=KEYED, s=SET),
        obj(m=[{"a": 1}, {"a": 2}, {"a": 1}], s=["x", "x", "x"]),
        None,
    )
    assert told(found) == [
        'spec.m[2]: Duplicate value: map[string]interface {}{"a":1}',
        'spec.s[1]: Duplicate value: "x"',
    ]


def test_an_object_in_an_object_says_what_it_is() -> None:
    part = {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    }
    found = rules(kind(template=part), obj(template={"kind": "Pod"}), None)
    assert told(found) == ["spec.template.apiVersion: Required value: must not be empty"]


def test_expressions_wait_until_the_rest_is_right() -> None:
    number = {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 3"}]}
    resource = kind(n=number, s={"type": "string"})
    assert told(rules(resource, obj(n=1, s="a"), None)) == [
        'spec.n: Invalid value: "integer": failed rule: self > 3'
    ]
    assert told(rules(resource, obj(n=1, s=2), None)) == [
        'spec.s: Invalid value: "integer": spec.s in body must be of type string: "integer"',
        (
            '<nil>: Invalid value: "null": some validation rules were not checked because the '
            "object was invalid; correct the existing errors to complete validation"
        ),
    ]


@pytest.mark.parametrize(
    ("finalizer", "words"),
    [
        ("a.example/b", []),
        ("foregroundDeletion", []),
        (
            "b",
            [
                (
                    "prefer a domain-qualified finalizer name to avoid accidental conflicts "
                    "with other finalizer writers"
                )
            ],
        ),
        (
            "a.example",
            [
                (
                    "prefer a domain-qualified finalizer name including a path (/) to avoid "
                    "accidental conflicts with other finalizer writers"
                )
            ],
        ),
    ],
)
def test_new_finalizers_that_others_might_use(finalizer: str, words: list[str]) -> None:
    new = {"metadata": {"finalizers": [finalizer]}}
    expected = [f'metadata.finalizers: "{finalizer}": {said}' for said in words]
    assert warnings(new, None) == expected
    assert warnings(new, new) == []
