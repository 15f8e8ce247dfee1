"""Server-side apply as a client asks for it."""

from typing import Any

import msgspec

from tests.support.api import Cluster

PATH = "/api/v1/namespaces/default/configmaps/x"
APPLY = "application/apply-patch+yaml"


def config_map(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}


def asked(manager: str = "one", **more: str) -> dict[str, Any]:
    return {"content_type": APPLY, "fieldManager": manager, **more}


async def test_what_is_absent_is_created(cluster: Cluster) -> None:
    found = await cluster.whole("PATCH", PATH, config_map(a="1"), **asked())
    assert found.status == 201
    again = await cluster.whole("PATCH", PATH, config_map(a="1"), **asked())
    assert again.status == 200
    one, other = msgspec.json.decode(found.body), msgspec.json.decode(again.body)
    assert one == other  # not even a new version
    assert one["metadata"]["uid"]


async def test_yaml_is_what_it_is_called_after(cluster: Cluster) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: '1'\n"
    found = await cluster.json("PATCH", PATH, text, **asked())
    assert found["data"] == {"a": "1"}


async def test_conflicts_stop_it_and_force_goes_on(cluster: Cluster) -> None:
    await cluster.json("PATCH", PATH, config_map(a="1"), **asked())
    refused = await cluster.refused("PATCH", PATH, config_map(a="2"), **asked("two"))
    assert refused["code"] == 409
    assert refused["details"]["causes"][0]["reason"] == "FieldManagerConflict"
    found = await cluster.json("PATCH", PATH, config_map(a="2"), **asked("two", force="true"))
    assert found["data"] == {"a": "2"}
    assert [entry["manager"] for entry in found["metadata"]["managedFields"]] == ["two"]


async def test_dry_runs_store_nothing(cluster: Cluster) -> None:
    found = await cluster.whole("PATCH", PATH, config_map(a="1"), **asked(dryRun="All"))
    assert found.status == 201
    await cluster.refused("GET", PATH)
    await cluster.json("PATCH", PATH, config_map(a="1"), **asked())
    await cluster.json("PATCH", PATH, config_map(a="2"), **asked(dryRun="All"))
    assert (await cluster.json("GET", PATH))["data"] == {"a": "1"}


async def test_a_manager_must_be_named(cluster: Cluster) -> None:
    refused = await cluster.refused("PATCH", PATH, config_map(), content_type=APPLY)
    assert refused["code"] == 422
    assert refused["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for '
        "apply patch"
    )


async def test_only_applies_can_be_forced(cluster: Cluster) -> None:
    await cluster.json("PATCH", PATH, config_map(a="1"), **asked())
    merge = {"content_type": "application/merge-patch+json", "force": "true"}
    refused = await cluster.refused("PATCH", PATH, {"data": {"a": "2"}}, **merge)
    assert "force: Forbidden: may not be specified for non-apply patch" in refused["message"]


async def test_unknown_fields_are_refused(cluster: Cluster) -> None:
    bad = {**config_map(), "dta": {}}
    refused = await cluster.refused("PATCH", PATH, bad, **asked())
    assert refused["code"] == 500
    assert refused["message"] == (
        "failed to create typed patch object (x; v1, Kind=ConfigMap): .dta: field not declared in "
        "schema"
    )


async def test_the_version_must_be_that_of_the_url(cluster: Cluster) -> None:
    bad = {**config_map(), "apiVersion": "v2"}
    refused = await cluster.refused("PATCH", PATH, bad, **asked())
    assert refused["message"] == (
        "Incorrect version specified in apply patch. Specified patch version: v2, expected: v1"
    )


async def test_a_status_is_applied_apart(cluster: Cluster) -> None:
    path = "/api/v1/namespaces/default/services/x"
    spec = {"ports": [{"port": 80}], "selector": {"app": "x"}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": spec}
    status = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}
    await cluster.refused("PATCH", f"{path}/status", {**service, "status": status}, **asked())
    spec["type"] = "LoadBalancer"
    await cluster.json("PATCH", path, service, **asked())
    given = {**service, "status": status}
    found = await cluster.json("PATCH", f"{path}/status", given, **asked("cloud"))
    assert found["status"]["loadBalancer"]["ingress"][0]["ip"] == "10.0.0.1"
    owners = {(e["manager"], e.get("subresource")) for e in found["metadata"]["managedFields"]}
    assert owners == {("one", None), ("cloud", "status")}


async def test_later_writes_take_fields_from_appliers(cluster: Cluster) -> None:
    await cluster.json("PATCH", PATH, config_map(a="1", b="1"), **asked())
    merge = {"content_type": "application/merge-patch+json"}
    found = await cluster.json("PATCH", PATH, {"data": {"a": "2"}}, **merge)
    owners = {e["manager"]: e["fieldsV1"]["f:data"] for e in found["metadata"]["managedFields"]}
    assert owners == {"one": {"f:b": {}}, "tests": {"f:a": {}}}
