from typing import Any, NamedTuple

import pytest

from netemu.api.validation.field import Path
from netemu.api.validation.meta import prefixed_path
from netemu.model.meta import Object
from netemu.model.names import dns_label, dns_subdomain, label_value, qualified_name
from tests.support.objects import changed, in_cluster, named, refusals, told

OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1"}


def of(**meta: Any) -> Object:
    return {"metadata": {"name": "x", "namespace": "default", **meta}}


class Case(NamedTuple):
    name: str
    given: Object
    refusals: list[str]


CASES = [
    Case("a plain object", of(), []),
    Case("all that metadata can say", of(labels={"a.b/c": ""}, annotations={"A": "x y"}), []),
    Case("owned", of(ownerReferences=[{**OWNER, "controller": True}, OWNER]), []),
    Case(
        "no name",
        {"metadata": {"namespace": "default"}},
        ["metadata.name: Required value: name or generateName is required"],
    ),
    Case(
        "a bad prefix makes a bad name",
        of(name="Xyz-abc", generateName="Xyz-"),
        [
            f'metadata.generateName: Invalid value: "Xyz-": {dns_subdomain("X")[0]}',
            f'metadata.name: Invalid value: "Xyz-abc": {dns_subdomain("X")[0]}',
        ],
    ),
    Case("no namespace", {"metadata": {"name": "x"}}, ["metadata.namespace: Required value"]),
    Case(
        "a bad namespace",
        of(namespace="A"),
        [f'metadata.namespace: Invalid value: "A": {dns_label("A")[0]}'],
    ),
    Case(
        "bad labels, both sides",
        of(labels={"a b": "c d"}),
        [
            f'metadata.labels: Invalid value: "a b": {qualified_name("a b")[0]}',
            f'metadata.labels: Invalid value: "c d": {label_value("c d")[0]}',
        ],
    ),
    Case(
        "a bad annotation key",
        of(annotations={"a b": ""}),
        [f'metadata.annotations: Invalid value: "a b": {qualified_name("a b")[0]}'],
    ),
    Case(
        "too many annotations",
        of(annotations={"a": "x" * 262144}),
        ["metadata.annotations: Too long: may not be more than 262144 bytes"],
    ),
    Case(
        "an owner that says nothing",
        of(ownerReferences=[{}]),
        [
            'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
            'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
            'metadata.ownerReferences.name: Invalid value: "": must not be empty',
            'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
        ],
    ),
    Case(
        "an unknown finalizer without a domain",
        of(finalizers=["mine", "example.com/mine"]),
        [
            (
                'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard '
                "finalizer "
                "name nor is it fully qualified"
            )
        ],
    ),
    Case(
        "orphans and foreground deletion",
        of(finalizers=["orphan", "foregroundDeletion"]),
        [
            (
                'metadata.finalizers: Invalid value: []string{"orphan", "foregroundDeletion"}: '
                "finalizer orphan and foregroundDeletion cannot be both set"
            )
        ],
    ),
    Case(
        "a negative generation",
        of(generation=-1),
        ["metadata.generation: Invalid value: -1: must be greater than or equal to 0"],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_metadata_of_a_new_object(case: Case) -> None:
    assert refusals("configmaps", case.given) == case.refusals


def test_two_controllers_are_one_too_many() -> None:
    owners = [{**OWNER, "controller": True}, {**OWNER, "name": "b", "controller": True}]
    (refusal,) = refusals("configmaps", of(ownerReferences=owners))
    assert refusal.startswith("metadata.ownerReferences: Invalid value: []v1.OwnerReference{")
    assert refusal.endswith(
        'Only one reference can have Controller set to true. Found "true" in references for '
        "ReplicaSet/web and ReplicaSet/b"
    )


@pytest.mark.parametrize(
    ("resource", "name", "fine"),
    [
        ("configmaps", "a.b", True),
        ("services", "a.b", False),
        ("services", "1a", False),
        ("namespaces", "a.b", False),
        ("nodes", "a.b", True),
        ("statefulsets.apps", "a.b", False),
        ("events", "Any:name", True),
    ],
)
def test_kinds_have_rules_of_their_own_for_names(resource: str, name: str, fine: bool) -> None:
    obj = in_cluster(name) if resource in ("namespaces", "nodes") else named(name)
    told = [text for text in refusals(resource, obj) if text.startswith("metadata.name")]
    assert bool(told) != fine


def test_a_kind_without_namespaces_takes_none() -> None:
    assert refusals("namespaces", named("dev")) == [
        "metadata.namespace: Forbidden: not allowed on this type"
    ]


def test_identity_stays() -> None:
    old = of(uid="1")
    assert refusals("configmaps", old, old) == []
    assert refusals("configmaps", changed(old, "metadata.uid", "2"), old) == [
        'metadata.uid: Invalid value: "2": field is immutable'
    ]


def test_an_object_that_is_going_takes_no_new_finalizers() -> None:
    old = of(deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["a.b/c", "a.b/d"])
    fewer = changed(old, "metadata.finalizers", ["a.b/c"])
    more = changed(old, "metadata.finalizers", ["a.b/c", "a.b/e"])
    assert refusals("configmaps", fewer, old) == []
    assert refusals("configmaps", more, old) == [
        (
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
            'deleted, found new finalizers []string{"a.b/e"}'
        )
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("acme.io/a/b", []),
        ("", ["x: Required value"]),
        (
            "acme",
            ['x: Invalid value: "acme": must be a domain-prefixed path (such as "acme.io/foo")'],
        ),
    ],
)
def test_paths_below_a_domain(text: str, words: list[str]) -> None:
    assert told(prefixed_path(text, Path("x"))) == words
