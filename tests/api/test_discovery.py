from netemu.api import discovery
from netemu.model.catalog import BUILT_IN
from netemu.model.resources import RESOURCES


def test_every_resource_is_listed_in_its_group_and_version() -> None:
    for resource in RESOURCES:
        found = discovery.resource_list(resource.group, resource.version)
        assert found is not None
        names = {item["name"] for item in found["resources"]}
        assert resource.plural in names
        assert {f"{resource.plural}/{part}" for part in resource.subresources} <= names


def test_every_resource_is_in_the_aggregated_document() -> None:
    listed = {
        (group["metadata"].get("name", ""), version["version"], resource["resource"])
        for core in (True, False)
        for group in discovery.aggregated(core, "v2")["items"]
        for version in group["versions"]
        for resource in version["resources"]
    }
    assert listed == {(r.group, r.version, r.plural) for r in BUILT_IN.kinds}


def test_subresources_of_another_kind_say_which() -> None:
    apps = discovery.resource_list("apps", "v1")
    assert apps is not None
    scale = next(item for item in apps["resources"] if item["name"] == "deployments/scale")
    assert scale == {
        "name": "deployments/scale",
        "singularName": "",
        "namespaced": True,
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": ("get", "patch", "update"),
    }


def test_the_core_group_is_listed_without_an_api_version_of_the_list() -> None:
    core = discovery.resource_list("", "v1")
    assert core is not None
    assert core["groupVersion"] == "v1"
    assert "apiVersion" not in core


def test_what_nobody_serves_is_not_there() -> None:
    assert discovery.resource_list("apps", "v1beta1") is None
    assert discovery.group_document("nothing.io") is None


def test_namespaces_cannot_be_deleted_all_at_once() -> None:
    found = discovery.resource_list("", "v1")
    assert found is not None
    verbs = {item["name"]: item["verbs"] for item in found["resources"]}
    assert "deletecollection" not in verbs["namespaces"]
    assert "deletecollection" in verbs["pods"]


def test_clients_learn_that_this_is_1_32() -> None:
    assert discovery.VERSION["minor"] == "32"
    assert discovery.VERSION["gitVersion"].startswith("v1.32.")
