"""Templates in normal form, and their hashes."""

import pytest

from netemu.controllers.podtemplate import HASH_LABEL, normal, safe_encode, same, template_hash
from netemu.model.meta import Object

PLAIN: Object = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c"}]}}

AS_GO_WRITES_IT: Object = {
    "metadata": {"creationTimestamp": None, "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "c", "resources": {}, "args": [], "workingDir": ""}]},
}
HASHED: Object = {**PLAIN, "metadata": {"labels": {"app": "web", HASH_LABEL: "abc"}}}

DIFFERENT = [
    pytest.param({"spec": {"containers": [{"name": "d"}]}}, id="another name"),
    pytest.param({"spec": {"containers": [{"name": "c", "args": [""]}]}}, id="an empty argument"),
    pytest.param({"metadata": {"labels": {"app": "web", "x": ""}}}, id="a label without text"),
    pytest.param({"spec": {"containers": [{"name": "c", "tty": False}]}}, id="a false"),
]


@pytest.mark.parametrize("other", [AS_GO_WRITES_IT, HASHED])
def test_equal_templates_have_equal_hashes(other: Object) -> None:
    assert same(PLAIN, other)
    assert template_hash(PLAIN, None) == template_hash(other, None)


@pytest.mark.parametrize("change", DIFFERENT)
def test_different_templates_have_different_hashes(change: Object) -> None:
    other = {**PLAIN, **change}
    assert not same(PLAIN, other)
    assert template_hash(PLAIN, None) != template_hash(other, None)


def test_a_collision_count_makes_another_hash() -> None:
    assert len({template_hash(PLAIN, count) for count in (None, 0, 1, 2)}) == 4


def test_the_normal_form_of_itself_is_itself() -> None:
    assert normal(normal(AS_GO_WRITES_IT)) == normal(AS_GO_WRITES_IT)


def test_encoding_uses_upstreams_letters() -> None:
    assert safe_encode("1234567890") == "56789bcdf4"
