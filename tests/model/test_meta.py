from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from netemu.model.meta import controller_of, copied, key_of, labels_of, owner_reference

POD: dict[str, Any] = {"metadata": {"name": "p", "namespace": "n", "uid": "u"}}

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(_json)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(value: Any) -> None:
    copy = copied(value)
    assert copy == value
    _touch(copy)
    assert copied(value) == value


def _touch(value: Any) -> None:
    """Change every dict and list inside."""
    if isinstance(value, dict):
        for item in value.values():
            _touch(item)
        value["touched"] = True
    elif isinstance(value, list):
        for item in value:
            _touch(item)
        value.append("touched")


def test_touching_a_copy_leaves_the_original() -> None:
    original = {"a": [{"b": 1}]}
    _touch(copied(original))
    assert original == {"a": [{"b": 1}]}


def test_keys_and_labels_of_objects_that_have_none() -> None:
    assert key_of(POD) == ("n", "p")
    assert key_of({"metadata": {"name": "node-1"}}) == ("", "node-1")
    assert labels_of(POD) == {}


def test_the_controller_is_the_owner_that_says_so() -> None:
    owner = owner_reference(POD, "v1", "Pod")
    other = {**owner, "name": "other", "controller": False}
    owned = {"metadata": {"name": "x", "ownerReferences": [other, owner]}}
    assert controller_of(owned) == owner
    assert controller_of(POD) is None
