import pytest

from netemu.api import admission
from netemu.model.errors import Forbidden, Invalid, NotFound
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

CONFIG_MAP, DEPLOYMENT = BY_KEY["configmaps"], BY_KEY["deployments.apps"]
STORED: Object = {
    "metadata": {"name": "a", "uid": "u", "resourceVersion": "5"},
    "data": {"k": "v"},
}


def test_a_namespace_must_exist_and_stay() -> None:
    home: Object = {"metadata": {"name": "n"}}
    admission.check_namespace(CONFIG_MAP, "n", home, STORED)
    with pytest.raises(NotFound, match='namespaces "n" not found'):
        admission.check_namespace(CONFIG_MAP, "n", None, STORED)
    home["metadata"]["deletionTimestamp"] = "now"
    with pytest.raises(Forbidden, match='deployments.apps "a" is forbidden: unable') as refused:
        admission.check_namespace(DEPLOYMENT, "n", home, STORED)
    assert refused.value.details["group"] == "apps"
    assert refused.value.details["causes"][0]["reason"] == "NamespaceTerminating"


def test_an_object_needs_a_name() -> None:
    with pytest.raises(Invalid, match="name or generateName is required"):
        admission.require_valid(CONFIG_MAP, {"metadata": {}}, None)


@pytest.mark.parametrize(
    ("metadata", "same"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"labels": {"a": "b"}}, False, id="a label"),
        pytest.param({"managedFields": [{"manager": "x"}]}, False, id="who owns it"),
    ],
)
def test_a_write_that_changes_nothing_is_none(metadata: Object, same: bool) -> None:
    new = {**STORED, "metadata": {**STORED["metadata"], **metadata}}
    assert admission.unchanged(new, STORED) is same


def test_a_body_without_owners_keeps_those_that_are_stored() -> None:
    owned = {**STORED, "metadata": {**STORED["metadata"], "managedFields": [{"manager": "x"}]}}
    assert admission.unchanged(STORED, owned)
