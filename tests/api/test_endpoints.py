from contextlib import aclosing

import msgspec
import pytest

from netemu.api import endpoints
from netemu.api.request import Stream
from netemu.model.resources import RESOURCES, Resource
from tests.support.api import Cluster

PODS = "/api/v1/namespaces/default/pods"


@pytest.mark.parametrize("path", ["/version", "/api", PODS, "/nothing"])
async def test_nobody_gets_nothing(cluster: Cluster, path: str) -> None:
    answer = await cluster.whole("GET", path, user=None)
    assert answer.body == (
        b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        b'"message":"Unauthorized","reason":"Unauthorized","code":401}\n'
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/pods"),
        ("PUT", PODS),
        ("POST", PODS + "/p"),
        ("DELETE", PODS + "/p/log"),
        ("GET", PODS + "/p/binding"),
        ("DELETE", "/api/v1/namespaces"),
    ],
)
async def test_a_verb_that_is_not_served_is_not_allowed(
    cluster: Cluster, method: str, path: str
) -> None:
    status = await cluster.refused(method, path)
    assert (status["code"], status["reason"]) == (405, "MethodNotAllowed")
    assert status["message"] == "the server does not allow this method on the requested resource"


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("POST", "/version"), ("GET", "/api/v1/nothing")]
)
async def test_a_path_that_is_not_served_is_not_found(
    cluster: Cluster, method: str, path: str
) -> None:
    status = await cluster.refused(method, path)
    assert status["message"] == "the server could not find the requested resource"


async def test_a_watch_in_its_old_form_is_one(cluster: Cluster) -> None:
    maps = "namespaces/default/configmaps"
    for name in ("a", "b"):
        await cluster.json("POST", f"/api/v1/{maps}", {"metadata": {"name": name}})
    found = await cluster.ask("GET", f"/api/v1/watch/{maps}/b")
    assert isinstance(found, Stream)
    async with aclosing(found.pieces) as pieces:
        first = msgspec.json.decode(await anext(pieces))
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "b")
    status = await cluster.refused("POST", f"/api/v1/watch/{maps}", {})
    assert status["code"] == 405


async def test_a_bug_of_ours_is_logged_and_answered(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("oops")

    monkeypatch.setitem(endpoints.HANDLERS, ("object", "GET"), broken)
    status = await cluster.refused("GET", PODS + "/p")
    assert (status["code"], status["message"]) == (500, "Internal error occurred: oops")
    assert "RuntimeError: oops" in caplog.text


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.key)
async def test_every_verb_and_subresource_of_discovery_is_served(resource: Resource) -> None:
    served = {asked for asked, _ in endpoints.HANDLERS}
    assert set(resource.subresources) <= served


async def test_every_kind_can_be_listed_in_every_form(cluster: Cluster) -> None:
    for resource in RESOURCES:
        group = f"/apis/{resource.group}" if resource.group else "/api"
        path = f"{group}/{resource.version}/{resource.plural}"
        listed = await cluster.json("GET", path)
        assert listed["kind"] == f"{resource.kind}List"
        table = await cluster.whole(
            "GET", path, accept="application/json;as=Table;v=v1;g=meta.k8s.io"
        )
        assert msgspec.json.decode(table.body)["kind"] == "Table"


async def test_answers_come_as_yaml_to_who_prefers_it(cluster: Cluster) -> None:
    found = await cluster.whole("GET", PODS, accept="application/yaml,application/json")
    assert found.content_type == "application/yaml"
    assert found.body.startswith(b"apiVersion: v1\nitems: []\nkind: PodList\n")
    refused = await cluster.whole("GET", f"{PODS}/x", accept="application/yaml")
    assert b"reason: NotFound\n" in refused.body
    plain = await cluster.whole("GET", PODS, accept="application/json,application/yaml")
    assert plain.content_type == "application/json"


@pytest.mark.parametrize("path", ["/version", "/readyz", "/apis"])
async def test_documents_have_heads(cluster: Cluster, path: str) -> None:
    assert (await cluster.whole("HEAD", path)).status == 200


async def test_objects_have_none(cluster: Cluster) -> None:
    assert (await cluster.refused("HEAD", PODS))["code"] == 405
