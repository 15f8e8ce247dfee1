"""Merging what is applied into what there is."""

import pytest

from netemu.api import schema
from netemu.api.structmerge import merged, misshapen
from netemu.api.typedfields import ABSENT
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

POD = schema.of(BY_KEY["pods"])
SERVICE = schema.of(BY_KEY["services"])


def pod(*names: str, image: str = "x") -> Object:
    return {"spec": {"containers": [{"name": name, "image": image} for name in names]}}


def test_structs_and_maps_merge() -> None:
    live = {"metadata": {"labels": {"a": "1"}}, "spec": {"nodeName": "n"}}
    applied = {"metadata": {"labels": {"b": "2"}}}
    assert merged(POD, live, applied) == {
        "metadata": {"labels": {"a": "1", "b": "2"}},
        "spec": {"nodeName": "n"},
    }


def test_what_is_owned_whole_is_replaced() -> None:
    live = {"spec": {"selector": {"a": "1"}, "externalIPs": ["10.0.0.1"]}}
    applied = {"spec": {"selector": {"b": "1"}, "externalIPs": ["10.0.0.2"]}}
    assert merged(SERVICE, live, applied) == applied


def test_nothing_there_yet() -> None:
    assert merged(POD, ABSENT, pod("a")) == pod("a")


@pytest.mark.parametrize(
    ("live", "applied", "result"),
    [
        ("abc", "cd", "abcd"),
        ("ab", "ba", "ba"),
        ("ab", "a", "ab"),
        ("a", "ba", "ba"),
        ("axb", "ba", "xba"),
        ("abxc", "acb", "axcb"),
        ("", "ab", "ab"),
    ],
)
def test_items_have_the_appliers_order_and_others_keep_their_place(
    live: str, applied: str, result: str
) -> None:
    found = merged(POD, pod(*live), pod(*applied, image="new"))["spec"]["containers"]
    assert "".join(sorted(item["name"] for item in found)) == "".join(sorted(result))
    order = [item["name"] for item in found if item["name"] in applied]
    assert order == list(applied)
    assert all(item["image"] == ("new" if item["name"] in applied else "x") for item in found)


def test_values_of_a_set_are_united() -> None:
    live = {"metadata": {"finalizers": ["a/a", "b/b"]}}
    applied = {"metadata": {"finalizers": ["c/c", "a/a"]}}
    found = merged(POD, live, applied)["metadata"]["finalizers"]
    assert sorted(found) == ["a/a", "b/b", "c/c"]


def test_items_need_their_key_and_it_must_be_their_own() -> None:
    [problem] = misshapen(POD, {"spec": {"containers": [{"image": "x"}]}})
    assert problem == (
        ".spec.containers: element 0: associative list with keys has an element that omits key "
        'field "name" (and doesn\'t have default value)'
    )
    assert list(misshapen(POD, pod("a", "a"))) == [
        '.spec.containers: duplicate entries for key [name="a"]'
    ]
    assert not list(misshapen(POD, pod("a", "b")))
