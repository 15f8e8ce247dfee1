from typing import Any

import msgspec
import pytest

from netemu.model.meta import Object
from tests.support.api import Cluster
from tests.support.bodies import DEPLOYMENT, DEPLOYMENTS, MAP, MAPS, MERGE, POD, PODS

SERVICES = "/api/v1/namespaces/default/services"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


async def test_creating_answers_201_and_the_object(cluster: Cluster) -> None:
    answer = await cluster.whole("POST", MAPS, MAP, fieldManager="me")
    obj = msgspec.json.decode(answer.body)
    assert answer.status == 201
    assert list(obj) == ["kind", "apiVersion", "metadata", "data"]
    assert obj["metadata"]["managedFields"][0]["manager"] == "me"


async def test_a_body_may_be_yaml_or_of_no_type(cluster: Cluster) -> None:
    yaml = b"metadata: {name: from-yaml}\ndata: {a: b}\n"
    await cluster.json("POST", MAPS, yaml, content_type="application/yaml")
    await cluster.json("POST", MAPS, MAP, content_type="")
    status = await cluster.refused("POST", MAPS, b"x", content_type="application/xml")
    assert (status["code"], status["reason"]) == (415, "UnsupportedMediaType")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"nonsense", b'{"metadata": 5}'])
async def test_a_malformed_body_is_a_bad_request(cluster: Cluster, body: bytes) -> None:
    status = await cluster.refused("POST", MAPS, body)
    assert (status["code"], status["reason"]) == (400, "BadRequest")


async def test_the_kind_must_be_that_of_the_url(cluster: Cluster) -> None:
    status = await cluster.refused("POST", MAPS, {**MAP, "kind": "Pod"})
    assert status["message"] == (
        'Pod in version "v1" cannot be handled as a ConfigMap: '
        "converting (v1.Pod) to (core.ConfigMap): unknown conversion"
    )
    status = await cluster.refused("POST", DEPLOYMENTS, {**DEPLOYMENT, "apiVersion": "v1"})
    assert status["message"] == (
        "the API version in the data (v1) does not match the expected API version (apps/v1)"
    )


TYPO = {**MAP, "daat": {}}


async def test_unknown_fields_are_refused_by_the_strict(cluster: Cluster) -> None:
    status = await cluster.refused("POST", MAPS, TYPO, fieldValidation="Strict")
    assert status["code"] == 400
    assert status["message"] == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
        'strict decoding error: unknown field "daat"'
    )


async def test_unknown_fields_are_warned_of_by_default(cluster: Cluster) -> None:
    answer = await cluster.whole("POST", MAPS, TYPO)
    assert answer.headers == [("Warning", '299 - "unknown field \\"daat\\""')]
    assert b"daat" not in answer.body


async def test_unknown_fields_can_be_passed_over(cluster: Cluster) -> None:
    answer = await cluster.whole("POST", MAPS, TYPO, fieldValidation="Ignore")
    assert (answer.status, answer.headers) == (201, [])


async def test_duplicate_fields_are_told(cluster: Cluster) -> None:
    body = b'{"metadata":{"name":"m"},"data":{"a":"1","a":"2"}}'
    answer = await cluster.whole("POST", MAPS, body)
    assert 'duplicate field \\"data.a\\"' in dict(answer.headers)["Warning"]


async def test_parameters_nobody_knows_are_invalid(cluster: Cluster) -> None:
    status = await cluster.refused("POST", MAPS, MAP, fieldValidation="Loose")
    assert status["code"] == 422
    assert "CreateOptions.meta.k8s.io" in status["message"]
    assert (await cluster.refused("POST", MAPS, MAP, dryRun="Some"))["code"] == 422


async def test_kinds_that_nothing_acts_on_say_so(cluster: Cluster) -> None:
    path = "/apis/networking.k8s.io/v1/ingressclasses"
    body = {"metadata": {"name": "m"}, "spec": {"controller": "example.com/balancer"}}
    answer = await cluster.whole("POST", path, body)
    assert answer.status == 201
    (header,) = answer.headers
    assert "nothing acts on them yet" in header[1]


async def test_replacing(cluster: Cluster) -> None:
    await cluster.json("POST", MAPS, MAP)
    found = await cluster.json("PUT", f"{MAPS}/m", {**MAP, "data": {"a": "c"}})
    assert found["data"] == {"a": "c"}
    stale = {**MAP, "metadata": {"name": "m", "resourceVersion": "1"}}
    status = await cluster.refused("PUT", f"{MAPS}/m", stale)
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert (await cluster.refused("PUT", f"{MAPS}/x", MAP))["code"] == 404
    nameless = await cluster.refused("PUT", f"{MAPS}/m", {"data": {"a": "c"}})
    assert (nameless["code"], nameless["message"]) == (
        400,
        "the name of the object (m based on URL) was undeterminable: name must be provided",
    )
    other = {**MAP, "metadata": {"name": "x"}}
    assert (await cluster.refused("PUT", f"{MAPS}/m", other))["code"] == 400


PATCHES = [
    (MERGE, {"data": {"a": None, "c": "d"}}),
    (STRATEGIC, {"data": {"a": None, "c": "d"}}),
    (
        JSON_PATCH,
        [{"op": "remove", "path": "/data/a"}, {"op": "add", "path": "/data/c", "value": "d"}],
    ),
]


@pytest.mark.parametrize(("content_type", "patch"), PATCHES)
async def test_every_kind_of_patch(cluster: Cluster, content_type: str, patch: Any) -> None:
    await cluster.json("POST", MAPS, MAP)
    found = await cluster.json("PATCH", f"{MAPS}/m", patch, content_type=content_type)
    assert found["data"] == {"c": "d"}


async def test_a_patch_of_an_unknown_type_is_refused(cluster: Cluster) -> None:
    await cluster.json("POST", MAPS, MAP)
    status = await cluster.refused("PATCH", f"{MAPS}/m", {}, content_type="application/json")
    assert status["code"] == 415


async def test_a_patch_may_name_the_version_it_is_for(cluster: Cluster) -> None:
    await cluster.json("POST", MAPS, MAP)
    patch = {"metadata": {"resourceVersion": "1"}, "data": {"x": "y"}}
    status = await cluster.refused("PATCH", f"{MAPS}/m", patch, content_type=MERGE)
    assert status["reason"] == "Conflict"


async def test_a_strict_patch_with_an_unknown_field_is_invalid(cluster: Cluster) -> None:
    await cluster.json("POST", MAPS, MAP)
    status = await cluster.refused(
        "PATCH", f"{MAPS}/m", {"daat": 1}, content_type=MERGE, fieldValidation="Strict"
    )
    assert status["code"] == 422
    assert status["message"] == (
        ' "" is invalid: patch: Invalid value: "{\\"daat\\":1}": '
        'strict decoding error: unknown field "daat"'
    )
    assert status["details"]["causes"][0]["field"] == "patch"


async def test_a_patch_of_nothing_changes_nothing(cluster: Cluster) -> None:
    first = await cluster.json("POST", MAPS, MAP)
    found = await cluster.json("PATCH", f"{MAPS}/m", {}, content_type=MERGE)
    assert found == first


async def test_the_status_is_written_apart(cluster: Cluster) -> None:
    await cluster.json("POST", PODS, {**POD, "status": {"phase": "Running"}})
    assert (await cluster.json("GET", f"{PODS}/p/status"))["status"]["phase"] == "Pending"
    patch = {"status": {"phase": "Running"}, "metadata": {"labels": {"x": "y"}}}
    found = await cluster.json("PATCH", f"{PODS}/p/status", patch, content_type=MERGE)
    assert found["status"]["phase"] == "Running"
    assert found["metadata"]["labels"] == {"x": "y"}  # as upstream's strategy lets it
    entries = found["metadata"]["managedFields"]
    assert [entry.get("subresource") for entry in entries] == [None, "status"]


async def test_a_dry_run_stores_nothing(cluster: Cluster) -> None:
    revision = cluster.store.revision
    await cluster.json("POST", MAPS, MAP, dryRun="All")
    assert cluster.store.revision == revision


async def test_deleting_answers_a_status_with_the_uid(cluster: Cluster) -> None:
    created = await cluster.json("POST", DEPLOYMENTS, DEPLOYMENT)
    answer = await cluster.whole("DELETE", f"{DEPLOYMENTS}/d")
    assert answer.status == 200
    assert answer.body == (
        b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success",'
        b'"details":{"name":"d","group":"apps","kind":"deployments","uid":"%b"}}\n'
        % created["metadata"]["uid"].encode()
    )


async def test_deleting_some_kinds_answers_the_object(cluster: Cluster) -> None:
    await cluster.json(
        "POST", SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}]}}
    )
    assert (await cluster.json("DELETE", f"{SERVICES}/s"))["kind"] == "Service"
    await cluster.json("POST", PODS, POD)
    assert (await cluster.json("DELETE", f"{PODS}/p"))["kind"] == "Pod"


STORAGE = "/apis/storage.k8s.io/v1"
RETURNED = [
    ("/api/v1/namespaces/default/resourcequotas", {"spec": {"hard": {"pods": "4"}}}),
    ("/api/v1/namespaces/default/podtemplates", {"template": POD}),
    ("/api/v1/namespaces/default/serviceaccounts", {}),
    (f"{STORAGE}/storageclasses", {"provisioner": "example.com/a"}),
    (f"{STORAGE}/csidrivers", {"spec": {}}),
]


@pytest.mark.parametrize(("path", "body"), RETURNED)
async def test_what_upstreams_schema_says_is_returned_is(
    cluster: Cluster, path: str, body: Object
) -> None:
    created = await cluster.json("POST", path, {**body, "metadata": {"name": "x"}})
    assert (await cluster.json("DELETE", f"{path}/x"))["kind"] == created["kind"]


async def test_deletion_that_waits_answers_the_object(cluster: Cluster) -> None:
    await cluster.json("POST", DEPLOYMENTS, DEPLOYMENT)
    found = await cluster.json("DELETE", f"{DEPLOYMENTS}/d", {"propagationPolicy": "Foreground"})
    assert found["metadata"]["finalizers"] == ["foregroundDeletion"]
    held = {"metadata": {"name": "m", "finalizers": ["a.io/b"]}}
    await cluster.json("POST", MAPS, held)
    answer = await cluster.whole("DELETE", f"{MAPS}/m", {"orphanDependents": False})
    assert answer.status == 202


async def test_a_dry_delete_in_the_body_deletes_nothing(cluster: Cluster) -> None:
    await cluster.json("POST", MAPS, MAP)
    await cluster.json("DELETE", f"{MAPS}/m", {"dryRun": ["All"]})
    await cluster.json("GET", f"{MAPS}/m")


async def test_deleting_a_collection_answers_the_list(cluster: Cluster) -> None:
    for name, app in (("a", "x"), ("b", "y"), ("c", "x")):
        metadata = {"name": name, "labels": {"app": app}}
        await cluster.json("POST", MAPS, {**MAP, "metadata": metadata})
    gone = await cluster.json("DELETE", MAPS, labelSelector="app=x")
    assert gone["kind"] == "ConfigMapList"
    assert [item["metadata"]["name"] for item in gone["items"]] == ["a", "c"]
    left = await cluster.json("GET", MAPS)
    assert [item["metadata"]["name"] for item in left["items"]] == ["b"]


async def test_a_patch_that_makes_a_wrong_type_is_invalid(cluster: Cluster) -> None:
    await cluster.json("POST", MAPS, MAP)
    name = MAP["metadata"]["name"]
    patch = {"data": {"a": 1}}
    status = await cluster.refused("PATCH", f"{MAPS}/{name}", patch, content_type=MERGE)
    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["message"].startswith(' "" is invalid: patch: Invalid value: "{')
    assert "cannot unmarshal number into Go struct field ConfigMap.data" in status["message"]
