"""PATCH requests of the three kinds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netemu.api import patch
from netemu.model.errors import ApiError, BadRequest, TooLarge, UnsupportedMediaType
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY

PODS = BY_KEY["pods"]
CURRENT: Object = {
    "metadata": {"name": "p", "labels": {"a": "1", "b": "2"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}


def applied(content_type: str, change: Any) -> Object:
    before = copied(CURRENT)
    result = patch.apply(PODS, content_type, CURRENT, json.dumps(change).encode())
    assert before == CURRENT
    return result


def test_a_strategic_merge_patch_merges_lists_by_key() -> None:
    change = {"spec": {"containers": [{"name": "c", "image": "j"}]}}
    result = applied("application/strategic-merge-patch+json; charset=utf-8", change)
    assert result["spec"] == {"containers": [{"name": "c", "image": "j"}]}
    assert result["metadata"] == CURRENT["metadata"]


def test_a_merge_patch_replaces_lists() -> None:
    result = applied(patch.MERGE, {"spec": {"containers": [{"name": "d"}]}, "x": None})
    assert result["spec"] == {"containers": [{"name": "d"}]}
    assert applied(patch.MERGE, {"metadata": {"labels": {"a": None}}})["metadata"]["labels"] == {
        "b": "2"
    }


# RFC 7396, appendix A.
RFC_CASES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": "foo"}, "bar", "bar"),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("current", "change", "result"), RFC_CASES)
def test_merge_patches_follow_their_rfc(current: Any, change: Any, result: Any) -> None:
    assert patch.merged(current, change) == result


def test_a_json_patch_goes_step_by_step() -> None:
    result = applied(
        patch.JSON,
        [
            {"op": "test", "path": "/metadata/labels/a", "value": "1"},
            {"op": "replace", "path": "/spec/containers/0/image", "value": "j"},
            {"op": "add", "path": "/spec/containers/-", "value": {"name": "d"}},
            {"op": "copy", "from": "/metadata/labels/a", "path": "/metadata/labels/c"},
            {"op": "move", "from": "/metadata/labels/a", "path": "/metadata/labels/d"},
            {"op": "remove", "path": "/metadata/labels/b"},
        ],
    )
    assert result["metadata"]["labels"] == {"c": "1", "d": "1"}
    assert result["spec"]["containers"] == [{"name": "c", "image": "j"}, {"name": "d"}]


@pytest.mark.parametrize(
    "step",
    [
        {"op": "test", "path": "/metadata/name", "value": "q"},
        {"op": "replace", "path": "/spec/nope", "value": 1},
        {"op": "remove", "path": "/nope"},
        {"op": "add", "path": "/a/b/c", "value": 1},
        {"op": "add", "path": "/spec/containers/9", "value": {}},
        {"op": "fly", "path": "/a"},
        {"op": "add", "path": "/a"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": 5, "value": 1},
        {"op": "copy", "path": "/a"},
        {"op": "copy", "path": "/a", "from": "/spec/containers/-"},
        {"op": "move", "path": "/a", "from": "/spec/containers/-"},
        {"op": "remove", "path": "/spec/containers/-"},
        {"op": "test", "path": "/spec/containers/-", "value": 1},
        {"op": "add", "path": "", "value": []},
        {},
    ],
    ids=json.dumps,
)
def test_a_json_patch_that_does_not_fit_is_refused(step: Object) -> None:
    with pytest.raises(patch.Inapplicable) as refused:
        applied(patch.JSON, [step])
    status = refused.value.status()
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["message"] == "the server rejected our request due to an error in our request"


def test_copies_of_copies_do_not_grow_without_bound() -> None:
    steps = [{"op": "copy", "from": "/metadata", "path": f"/metadata/{n}"} for n in range(60)]
    with pytest.raises(patch.Inapplicable):
        applied(patch.JSON, steps)


def test_steps_do_not_lead_deeper_than_a_body_may() -> None:
    deep: Any = 1
    for _ in range(150):
        deep = {"a": deep}
    steps = [
        {"op": "add", "path": "/x", "value": deep},
        {"op": "add", "path": "/x" + "/a" * 150, "value": deep},
    ]
    with pytest.raises(patch.Inapplicable):
        applied(patch.JSON, steps)


def test_a_json_patch_has_at_most_ten_thousand_steps() -> None:
    with pytest.raises(TooLarge, match=r"maximum operations in a JSON patch is 10000, got 10001"):
        applied(patch.JSON, [{"op": "remove", "path": "/a"}] * 10_001)


def test_other_types_are_refused_with_a_list_of_the_known() -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        applied("application/toml", {})
    assert refused.value.message == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, "
        "application/strategic-merge-patch+json, application/apply-patch+yaml"
    )


GO = "json: cannot unmarshal"


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        (patch.MERGE, b"{", "error decoding patch: unexpected end of JSON input"),
        (
            patch.MERGE,
            b"[]",
            f"error decoding patch: {GO} array into Go value of type map[string]interface {{}}",
        ),
        (
            patch.JSON,
            b"{}",
            f"error decoding patch: {GO} object into Go value of type []handlers.jsonPatchOp",
        ),
        (
            patch.JSON,
            b"[5]",
            f"error decoding patch: {GO} number into Go value of type handlers.jsonPatchOp",
        ),
        (patch.STRATEGIC, b"x", "invalid character 'x' looking for beginning of value"),
        (
            patch.STRATEGIC,
            b"5",
            "json: cannot unmarshal number into Go value of type map[string]interface {}",
        ),
        (patch.STRATEGIC, b'{"a":' * 300 + b"1" + b"}" * 300, "exceeded max depth"),
    ],
)
def test_a_malformed_patch_is_refused(content_type: str, body: bytes, said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        patch.apply(PODS, content_type, CURRENT, body)
    assert refused.value.message == said


KEYS = st.sampled_from(
    ["metadata", "spec", "containers", "name", "labels", "$patch", "$setElementOrder/containers"]
)
VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["replace", "delete", "c", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
POINTERS = st.sampled_from(["", "/spec", "/spec/containers/0", "/spec/containers/-", "/a/b", "~"])
STEP = st.fixed_dictionaries(
    {},
    optional={
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]) | VALUES,
        "path": POINTERS | VALUES,
        "from": POINTERS | VALUES,
        "value": VALUES,
    },
)


@given(st.sampled_from([patch.JSON, patch.MERGE, patch.STRATEGIC]), st.lists(STEP) | VALUES)
def test_any_patch_is_applied_or_refused(content_type: str, change: Any) -> None:
    try:
        result = applied(content_type, change)
    except ApiError:
        return
    assert isinstance(result, dict)


@given(st.dictionaries(KEYS, VALUES, max_size=3), st.dictionaries(KEYS, VALUES, max_size=3))
def test_a_merge_patch_applied_twice_changes_nothing(current: Object, change: Object) -> None:
    once = patch.merged(current, change)
    assert patch.merged(once, change) == once
