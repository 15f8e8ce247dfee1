"""Sets of fields in their encoded form, and comparing objects by their schema."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api import fieldset, schema
from netemu.api.fieldset import Comparison, FieldSet, compare, difference, is_valid, union
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY

Path = tuple[str, ...]
PATHS = st.frozensets(
    st.lists(st.sampled_from(["f:a", "f:b", 'k:{"n":1}', "v:1"]), min_size=1, max_size=4).map(tuple)
)


def encoded(paths: frozenset[Path]) -> FieldSet:
    """The set with exactly these fields, built the slow and obvious way."""
    root: FieldSet = {}
    for path in paths:
        node = root
        for part in path:
            node = node.setdefault(part, {})
    for path in paths:
        node = root
        for part in path:
            node = node[part]
        if node:
            node["."] = {}
    return root


def decoded(fields: FieldSet, at: Path = ()) -> frozenset[Path]:
    found: set[Path] = set()
    if at and (not fields or "." in fields):
        found.add(at)
    for key, child in fields.items():
        if key != ".":
            found |= decoded(child, (*at, key))
    return frozenset(found)


@given(PATHS)
def test_the_encoding_is_what_the_other_tests_think(paths: frozenset[Path]) -> None:
    assert decoded(encoded(paths)) == paths
    assert is_valid(encoded(paths))


@given(PATHS, PATHS)
def test_union_and_difference_are_those_of_sets(
    one: frozenset[Path], other: frozenset[Path]
) -> None:
    left, right = encoded(one), encoded(other)
    assert union(left, right) == encoded(one | other)
    assert difference(left, right) == encoded(one - other)
    assert (left, right) == (encoded(one), encoded(other)), "the inputs changed"


@given(PATHS, PATHS)
def test_nothing_to_do_gives_the_very_same_set(
    one: frozenset[Path], other: frozenset[Path]
) -> None:
    both = encoded(one | other)
    assert union(both, encoded(one)) is both
    apart = encoded(one - other)
    assert difference(apart, encoded(other)) is apart


@given(PATHS)
def test_ordering_keeps_the_set(paths: frozenset[Path]) -> None:
    fields = fieldset.ordered(encoded(paths))
    assert fields == encoded(paths)
    assert list(fields) == sorted(fields)


@pytest.mark.parametrize("value", [5, [], {"a": {}}, {"f:a": 5}, {"f:a": {"x": {}}}, None])
def test_other_json_is_no_set(value: Any) -> None:
    assert not is_valid(value)


@dataclass(frozen=True)
class Case:
    name: str
    resource: str
    old: Object
    new: Object
    changed: FieldSet
    removed: FieldSet


def spec(**fields: Any) -> Object:
    return {"spec": fields}


def pod(*containers: Object) -> Object:
    return spec(containers=list(containers))


CASES = [
    Case("nothing", "pods", {"spec": {"nodeName": "a"}}, {"spec": {"nodeName": "a"}}, {}, {}),
    Case(
        "a value",
        "pods",
        spec(nodeName="a"),
        spec(nodeName="b"),
        {"f:spec": {"f:nodeName": {}}},
        {},
    ),
    Case(
        "a value that goes", "pods", spec(nodeName="a"), spec(), {}, {"f:spec": {"f:nodeName": {}}}
    ),
    Case(
        "a map that appears is a field itself",
        "configmaps",
        {},
        {"data": {"a": "1"}},
        {"f:data": {".": {}, "f:a": {}}},
        {},
    ),
    Case(
        "an atomic map, whole",
        "pods",
        spec(nodeSelector={"a": "b"}),
        spec(nodeSelector={"a": "b", "c": "d"}),
        {"f:spec": {"f:nodeSelector": {}}},
        {},
    ),
    Case(
        "a map that grows is not",
        "configmaps",
        {"data": {"a": "1"}},
        {"data": {"a": "1", "b": "2"}},
        {"f:data": {"f:b": {}}},
        {},
    ),
    Case(
        "a map and all in it go",
        "configmaps",
        {"data": {"a": "1"}},
        {},
        {},
        {"f:data": {".": {}, "f:a": {}}},
    ),
    Case(
        "an empty map appears",
        "pods",
        spec(),
        spec(securityContext={}),
        {"f:spec": {"f:securityContext": {}}},
        {},
    ),
    Case(
        "an item by its key, in a list that is always there",
        "pods",
        {},
        pod({"name": "c", "image": "i"}),
        {"f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:image": {}, "f:name": {}}}}},
        {},
    ),
    Case(
        "one field of one item, wherever it stands",
        "pods",
        pod({"name": "c", "image": "i"}, {"name": "d", "image": "j"}),
        pod({"name": "d", "image": "j"}, {"name": "c", "image": "k"}),
        {"f:spec": {"f:containers": {'k:{"name":"c"}': {"f:image": {}}}}},
        {},
    ),
    Case(
        "an item that goes",
        "pods",
        pod({"name": "c"}, {"name": "d", "image": "j"}),
        pod({"name": "c"}),
        {},
        {"f:spec": {"f:containers": {'k:{"name":"d"}': {".": {}, "f:image": {}, "f:name": {}}}}},
    ),
    Case(
        "a key of two fields, one of them a default",
        "services",
        spec(ports=[{"port": 80}]),
        spec(ports=[{"port": 80, "targetPort": 8080}]),
        {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {"f:targetPort": {}}}}},
        {},
    ),
    Case(
        "values in a set",
        "pods",
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["b", "c"]}},
        {"f:metadata": {"f:finalizers": {'v:"c"': {}}}},
        {"f:metadata": {"f:finalizers": {'v:"a"': {}}}},
    ),
    Case(
        "an atomic list, whole",
        "pods",
        pod({"name": "c", "args": ["1", "2"]}),
        pod({"name": "c", "args": ["1"]}),
        {"f:spec": {"f:containers": {'k:{"name":"c"}': {"f:args": {}}}}},
        {},
    ),
    Case(
        "an atomic struct, whole",
        "deployments.apps",
        spec(selector={"matchLabels": {"a": "1"}}),
        spec(selector={"matchLabels": {"a": "2"}}),
        {"f:spec": {"f:selector": {}}},
        {},
    ),
    Case(
        "a list of endpoints, whole",
        "endpointslices.discovery.k8s.io",
        {"endpoints": [{"addresses": ["10.0.0.1"]}]},
        {"endpoints": [{"addresses": ["10.0.0.2"]}]},
        {"f:endpoints": {}},
        {},
    ),
    Case(
        "a struct a cluster always writes is no field, what is optional in it is",
        "deployments.apps",
        {},
        spec(strategy={"rollingUpdate": {"maxSurge": 1}}),
        {"f:spec": {"f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}}}}},
        {},
    ),
    Case(
        "but below something new it is",
        "pods",
        pod(),
        pod({"name": "c", "resources": {"limits": {"cpu": "1"}}}),
        {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"c"}': {
                        ".": {},
                        "f:name": {},
                        "f:resources": {".": {}, "f:limits": {".": {}, "f:cpu": {}}},
                    }
                }
            }
        },
        {},
    ),
    Case(
        "of equal items the first counts",
        "pods",
        pod({"name": "c"}),
        pod({"name": "c"}, {"name": "c", "image": "x"}),
        {},
        {},
    ),
    Case("what no schema knows is nobody's", "pods", {}, {"nope": 1}, {}, {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_compare(case: Case) -> None:
    of = schema.of(BY_KEY[case.resource])
    old, new = copied(case.old), copied(case.new)
    assert compare(of, old, new, {}) == Comparison(case.changed, case.removed)
    assert (old, new) == (case.old, case.new), "the inputs changed"


def test_ignored_fields_are_not_compared() -> None:
    of = schema.of(BY_KEY["pods"])
    new = {
        "kind": "Pod",
        "metadata": {"name": "x", "labels": {"a": "b"}},
        "spec": {"nodeName": "n"},
    }
    ignored: FieldSet = {"f:kind": {}, "f:metadata": {"f:name": {}}, "f:spec": {}}
    found = compare(of, {}, new, ignored)
    assert found.changed == {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}
    gone = compare(of, new, {}, ignored)
    assert gone.removed == {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}


WORD = st.sampled_from("abc")
WORDS = st.lists(WORD, max_size=3)
MAPS = st.dictionaries(WORD, WORD, max_size=3)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries({}, optional=fields)


CONTAINER = st.fixed_dictionaries(
    {"name": WORD},
    optional={"image": WORD, "args": WORDS, "resources": optional(limits=MAPS, requests=MAPS)},
)
PODS = optional(
    metadata=optional(labels=MAPS, finalizers=st.lists(WORD, unique=True)),
    spec=optional(
        containers=st.lists(CONTAINER, max_size=3, unique_by=lambda item: item["name"]),
        nodeSelector=MAPS,
        securityContext=optional(sysctls=WORDS),
    ),
)
POD = schema.of(BY_KEY["pods"])


@given(PODS)
def test_nothing_changes_between_an_object_and_itself(obj: Object) -> None:
    assert compare(POD, obj, copied(obj), {}) == Comparison({}, {})


@given(PODS, PODS)
def test_what_appears_one_way_disappears_the_other_way(one: Object, other: Object) -> None:
    there, back = compare(POD, one, other, {}), compare(POD, other, one, {})
    assert decoded(there.removed) == decoded(back.changed) - decoded(there.changed)
    assert decoded(back.removed) == decoded(there.changed) - decoded(back.changed)
    assert is_valid(there.changed)
    assert is_valid(there.removed)
