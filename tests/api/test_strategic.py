"""Strategic merge: directives, lists by key, and that a made patch reaches its goal."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api import schema, strategic
from netemu.api.schema import Array, Map, Struct, Type
from netemu.model.errors import ApiError, BadRequest
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY

POD = schema.of(BY_KEY["pods"])
SERVICE = schema.of(BY_KEY["services"])
DEPLOYMENT = schema.of(BY_KEY["deployments.apps"])


@dataclass(frozen=True)
class Case:
    name: str
    current: Object
    patch: Object
    result: Object
    kind: Struct = POD


def containers(*items: Object, **more: Any) -> Object:
    return {"spec": {"containers": list(items), **more}}


A, B, C = ({"name": name, "image": f"{name}:1"} for name in "abc")
CASES = [
    Case("plain fields are replaced", {"spec": {"x": 1}}, {"spec": {"x": 2}}, {"spec": {"x": 2}}),
    Case(
        "null removes",
        {"metadata": {"a": 1, "b": 2}},
        {"metadata": {"a": None}},
        {"metadata": {"b": 2}},
    ),
    Case("null of what isn't there does nothing", {"a": 1}, {"b": {"c": None}}, {"a": 1, "b": {}}),
    Case(
        "an item is found by its key and merged",
        containers(A, B),
        containers({"name": "b", "image": "b:2"}),
        containers(A, {"name": "b", "image": "b:2"}),
    ),
    Case("a new item leads, as upstream", containers(A, B), containers(C), containers(C, A, B)),
    Case(
        "a new item goes where the order says",
        containers(A, B),
        containers(C, **{"$setElementOrder/containers": [{"name": n} for n in "acb"]}),
        containers(A, C, B),
    ),
    Case(
        "an order alone reorders",
        containers(A, B, C),
        {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "b"}]}},
        containers(C, A, B),
    ),
    Case(
        "items the order doesn't name stay among the others",
        containers(A, B, C),
        {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}},
        containers(B, C, A),
    ),
    Case(
        "kubectl set image",
        containers(A, B),
        containers(
            {"name": "a", "image": "a:2"},
            **{"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}]},
        ),
        containers({"name": "a", "image": "a:2"}, B),
    ),
    Case(
        "an item is deleted by its key",
        containers(A, B),
        containers({"$patch": "delete", "name": "a"}),
        containers(B),
    ),
    Case(
        "a list is replaced on demand",
        containers(A, B),
        containers({"$patch": "replace"}, C),
        containers(C),
    ),
    Case(
        "a map is replaced on demand",
        {"metadata": {"labels": {"a": "1", "b": "2"}}},
        {"metadata": {"labels": {"$patch": "replace", "c": "3"}}},
        {"metadata": {"labels": {"c": "3"}}},
    ),
    Case(
        "a map is emptied on demand",
        {"metadata": {"labels": {"a": "1"}}},
        {"metadata": {"labels": {"$patch": "delete"}}},
        {"metadata": {"labels": {}}},
    ),
    Case(
        "only the retained keys of a strategy stay",
        {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}},
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
        {"spec": {"strategy": {"type": "Recreate"}}},
        DEPLOYMENT,
    ),
    Case(
        "plain values merge: new ones lead",
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["c", "a", "c"]}},
        {"metadata": {"finalizers": ["c", "a", "b"]}},
    ),
    Case(
        "plain values are deleted by a list of their own",
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a", "x"]}},
        {"metadata": {"finalizers": ["b"]}},
    ),
    Case(
        "nothing is deleted from what the patch makes no list",
        {"metadata": {"finalizers": ["a"]}},
        {"metadata": {"finalizers": 5, "$deleteFromPrimitiveList/finalizers": ["a"]}},
        {"metadata": {"finalizers": 5}},
    ),
    Case(
        "an atomic list is replaced",
        containers({"name": "a", "args": ["1", "2"]}),
        containers({"name": "a", "args": ["3"]}),
        containers({"name": "a", "args": ["3"]}),
    ),
    Case(
        "container ports merge by their number",
        containers({"name": "a", "ports": [{"containerPort": 80}, {"containerPort": 81}]}),
        containers({"name": "a", "ports": [{"containerPort": 81, "name": "x"}]}),
        containers(
            {"name": "a", "ports": [{"containerPort": 80}, {"containerPort": 81, "name": "x"}]}
        ),
    ),
    Case(
        "service ports that share their number all stay",
        {"spec": {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}},
        {"spec": {"ports": [{"port": 80}]}},
        {
            "spec": {
                "ports": [
                    {"port": 80},
                    {"port": 53, "protocol": "UDP"},
                    {"port": 53, "protocol": "TCP"},
                ]
            }
        },
        SERVICE,
    ),
    Case(
        "a list where a map was is taken",
        {"spec": {"x": {}}},
        {"spec": {"x": []}},
        {"spec": {"x": []}},
    ),
    Case(
        "what no schema knows merges as a map",
        {"x": {"a": 1}},
        {"x": {"b": 2}},
        {"x": {"a": 1, "b": 2}},
    ),
    Case(
        "directives in an item that is new leave nothing behind",
        {"spec": {}},
        containers({"name": "a", "env": [{"$patch": "delete", "name": "X"}], "command": None}),
        containers({"name": "a", "env": []}),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_merge(case: Case) -> None:
    current, patch = copied(case.current), copied(case.patch)
    assert strategic.merge(case.kind, current, patch) == case.result
    assert (current, patch) == (case.current, case.patch), "the inputs changed"


NO_KEY = "does not contain declared merge key: name"
NO_MERGE = "merging lists cannot yet be specified in the patch"


@pytest.mark.parametrize(
    ("patch", "code", "said"),
    [
        (containers({"image": "x"}), 500, f"map: map[image:x] {NO_KEY}"),
        (containers({"$patch": "delete"}), 500, f"map: map[$patch:delete] {NO_KEY}"),
        (containers({"$patch": "merge"}), 500, NO_MERGE),
        (
            containers({"$patch": "x", "name": "a"}),
            500,
            "unknown patch type: x in map: map[$patch:x name:a]",
        ),
        ({"spec": {"$patch": "merge"}}, 500, "unknown patch type: merge in map: map[$patch:merge]"),
        ({"spec": {"$retainKeys": "x"}}, 400, "invalid patch format of retainKeys"),
        ({"spec": {"$retainKeys": ["a"], "b": 1}}, 400, "invalid patch format of retainKeys"),
        (
            {"spec": {"$setElementOrder/containers": "x"}},
            400,
            "invalid patch format of setElementOrder list",
        ),
        (
            {"metadata": {"$deleteFromPrimitiveList/finalizers": "x"}},
            400,
            "invalid patch format of primitive list",
        ),
        ({"spec": {"containers": ["a"]}}, 500, "list element types are not identical"),
    ],
)
def test_a_patch_that_makes_no_sense_is_refused(patch: Object, code: int, said: str) -> None:
    with pytest.raises(ApiError) as refused:
        strategic.merge(POD, containers(A), patch)
    assert (refused.value.code, refused.value.message) == (code, said)
    assert (code == 400) == isinstance(refused.value, BadRequest)


def test_items_in_another_sequence_than_the_order_says_are_refused() -> None:
    order = {"$setElementOrder/containers": [{"name": "a"}, {"name": "b"}]}
    with pytest.raises(strategic.Unmergeable) as refused:
        strategic.merge(POD, containers(A), containers(B, A, **order))
    assert refused.value.message == (
        "The order in patch list:\n[map[image:b:1 name:b] map[image:a:1 name:a]]\n"
        " doesn't match $setElementOrder list:\n[map[name:a] map[name:b]]\n"
    )


def test_go_prints_maps_sorted_and_without_quotes() -> None:
    value = {"b": [1, True, None], "a": {"c": "d"}}
    assert strategic.go_map(value) == "map[a:map[c:d] b:[1 true <nil>]]"


def diff(of: Type | None, old: Object, new: Object) -> Object:
    """The patch that leads from `old` to `new`, as kubectl makes it."""
    patch: Object = dict.fromkeys(old.keys() - new.keys())
    for name, value in new.items():
        before: Any = old.get(name)
        field = None
        if isinstance(of, Struct):
            field = of.fields.get(name)
        elif isinstance(of, Map):
            field = of.values
        if name not in old or type(before) is not type(value):
            patch[name] = value
        elif before == value:
            continue
        elif isinstance(value, dict):
            patch[name] = diff(field, old[name], value)
        elif isinstance(field, Array) and field.merges:
            patch.update(diff_lists(field, name, list(old[name]), value))
        else:
            patch[name] = value
    return patch


def diff_lists(of: Array, name: str, old: list[Any], new: list[Any]) -> Object:
    key = of.merge_key
    if not key:
        return {
            f"$deleteFromPrimitiveList/{name}": [item for item in old if item not in new],
            f"$setElementOrder/{name}": new,
            name: [item for item in new if item not in old],
        }
    before = {item[key]: item for item in old}
    changes = [
        {key: item[key], **diff(of.items, before.get(item[key], {}), item)}
        for item in new
        if before.get(item[key]) != item
    ]
    gone = before.keys() - {item[key] for item in new}
    deletions = [{"$patch": "delete", key: value} for value in sorted(gone)]
    order = [{key: item[key]} for item in new]
    return {f"$setElementOrder/{name}": order, name: [*changes, *deletions]}


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries({}, optional=fields)


def keyed(key: str, keys: st.SearchStrategy[Any], **fields: st.SearchStrategy[Any]) -> Any:
    item = st.fixed_dictionaries({key: keys}, optional=fields)
    return st.lists(item, max_size=4, unique_by=lambda item: item[key])


WORD = st.sampled_from("abcd")
WORDS = st.lists(WORD, max_size=4)
LABELS = st.dictionaries(WORD, WORD, max_size=3)
PORTS = keyed("containerPort", st.integers(1, 4), name=WORD)
ENV = keyed("name", WORD, value=WORD)
PODS = optional(
    metadata=optional(labels=LABELS, finalizers=st.lists(WORD, max_size=4, unique=True)),
    spec=optional(
        containers=keyed("name", WORD, image=WORD, args=WORDS, ports=PORTS, env=ENV),
        nodeSelector=LABELS,
        nodeName=WORD,
    ),
)


@given(PODS, PODS)
def test_a_made_patch_reaches_its_goal_and_applying_it_twice_changes_nothing(
    old: Object, new: Object
) -> None:
    patch = diff(POD, old, new)
    once = strategic.merge(POD, old, patch)
    assert once == new
    assert strategic.merge(POD, once, patch) == once


@given(PODS)
def test_an_object_as_its_own_patch_changes_nothing(obj: Object) -> None:
    assert strategic.merge(POD, obj, obj) == obj


@given(PODS, PODS)
def test_any_object_as_a_patch_is_settled_after_one_time(old: Object, patch: Object) -> None:
    once = strategic.merge(POD, old, patch)
    assert strategic.merge(POD, once, patch) == once
