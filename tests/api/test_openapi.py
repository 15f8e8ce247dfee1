"""OpenAPI v3 documents, judged by what kubectl makes of them."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from netemu.api import openapi
from netemu.model.catalog import BUILT_IN, Catalog
from netemu.model.resources import MEASURED, RESOURCES, Resource

KUBECTL = shutil.which("kubectl")


def paths() -> dict[str, str]:
    index = json.loads(openapi.index())
    return {path: entry["serverRelativeURL"] for path, entry in index["paths"].items()}


def document(path: str) -> Any:
    found = openapi.document(path)
    assert found is not None
    return json.loads(found[0])


def test_the_index_names_every_served_group_with_its_documents_hash() -> None:
    expected = {("apis/" if r.group else "api/") + r.api_version for r in BUILT_IN.kinds}
    expected -= {f"apis/{r.api_version}" for r in MEASURED}
    assert paths().keys() == expected
    for path, url in paths().items():
        found = openapi.document(path)
        assert found is not None
        assert url == f"/openapi/v3/{path}?hash={found[1]}"


def test_documents_are_built_once() -> None:
    assert openapi.document("apis/apps/v1") is openapi.document("apis/apps/v1")


@pytest.mark.parametrize("path", ["", "api", "apis/apps", "apis/apps/v1beta1", "apis/v1"])
def test_what_is_not_served_has_no_document(path: str) -> None:
    assert openapi.document(path) is None


def item_path(resource: Resource) -> tuple[str, str]:
    path = ("apis/" if resource.group else "api/") + resource.api_version
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    return path, f"/{path}{scope}/{resource.plural}/{{name}}"


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.key)
def test_every_kind_can_be_patched_with_validation_and_dry_run(resource: Resource) -> None:
    path, item = item_path(resource)
    patch = document(path)["paths"][item]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {
        "group": resource.group,
        "version": resource.version,
        "kind": resource.kind,
    }
    assert {"dryRun", "fieldValidation"} <= {each["name"] for each in patch["parameters"]}
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


@pytest.mark.parametrize("path", paths())
def test_every_reference_leads_somewhere(path: str) -> None:
    content = document(path)
    known = {f"#/components/schemas/{name}" for name in content["components"]["schemas"]}
    used = {node["$ref"] for node in nodes(content) if isinstance(node.get("$ref"), str)}
    assert used <= known


def test_schemas_say_what_fields_mean_and_how_lists_merge() -> None:
    schemas = document("api/v1")["components"]["schemas"]
    spec = schemas["io.k8s.api.core.v1.PodSpec"]
    assert spec["required"] == ["containers"]
    containers = spec["properties"]["containers"]
    assert containers["description"].startswith("List of containers belonging to the pod.")
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-list-map-keys"] == ["name"]
    affinity = spec["properties"]["affinity"]
    assert affinity["allOf"] == [{"$ref": "#/components/schemas/io.k8s.api.core.v1.Affinity"}]
    pod = schemas["io.k8s.api.core.v1.Pod"]
    assert pod["x-kubernetes-group-version-kind"] == [{"group": "", "kind": "Pod", "version": "v1"}]


class Stub:
    """As much of an API server as `kubectl explain` and `apply` need; it remembers what it got."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, str, Any]] = []
        self.objects: dict[str, Any] = {}

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path.strip("/")
        if request.method in ("POST", "PATCH"):
            return await self._write(request)
        if path == "openapi/v3":
            return web.Response(body=openapi.index(), content_type="application/json")
        if path.startswith("openapi/v3/"):
            found = openapi.document(path.removeprefix("openapi/v3/"))
            assert found is not None
            return web.Response(body=found[0], content_type="application/json")
        answer = self.objects.get(path) or self._discovery(path)
        missing = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
        return web.json_response(answer or missing, status=200 if answer else 404)

    async def _write(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.writes.append((request.method, request.query_string, body))
        key = f"{request.path}/{body['metadata'].get('name')}".strip("/")
        if request.method == "POST":
            self.objects[key] = {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}
        return web.json_response(self.objects.get(key, self.objects.get(request.path.strip("/"))))

    @staticmethod
    def _discovery(path: str) -> Any:
        versions = {resource.api_version for resource in RESOURCES if resource.group}
        if path == "version":
            return {"major": "1", "minor": "32", "gitVersion": "v1.32.0"}
        if path == "api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "apis":
            return {
                "kind": "APIGroupList",
                "apiVersion": "v1",
                "groups": [
                    {"name": each.partition("/")[0], "versions": [entry], "preferredVersion": entry}
                    for each in sorted(versions)
                    for entry in [{"groupVersion": each, "version": each.partition("/")[2]}]
                ],
            }
        kinds = [r for r in RESOURCES if path in (f"api/{r.version}", f"apis/{r.api_version}")]
        kinds = [r for r in kinds if path.startswith("apis") == bool(r.group)]
        return kinds and {
            "kind": "APIResourceList",
            "groupVersion": kinds[0].api_version,
            "resources": [
                {
                    "name": r.plural,
                    "kind": r.kind,
                    "namespaced": r.namespaced,
                    "verbs": ["create", "get", "list", "patch"],
                    "shortNames": list(r.short_names),
                }
                for r in kinds
            ],
        }


@pytest.fixture
async def stub() -> AsyncIterator[tuple[Stub, str]]:
    content = Stub()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", content.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield content, f"http://{host}:{port}"
    await runner.cleanup()


async def kubectl(server: str, home: Path, *arguments: str) -> tuple[int, str]:
    assert KUBECTL is not None
    process = await asyncio.create_subprocess_exec(
        KUBECTL,
        f"--server={server}",
        f"--cache-dir={home}/cache",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, output.decode()


real_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl isn't installed")


@real_kubectl
@pytest.mark.contract
@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (
            "deployment.spec.strategy",
            ["KIND:       Deployment", "GROUP:      apps", "rollingUpdate"],
        ),
        ("pod.spec.containers.resources.limits", ["FIELD: limits <map[string]Quantity>"]),
        ("svc.spec.ports.targetPort", ["FIELD: targetPort <IntOrString>", "Number or name of the"]),
        ("endpointslices.endpoints", ["FIELD: endpoints <[]Endpoint>", "-required-"]),
        ("node.status", ["FIELD: status <NodeStatus>", "capacity"]),
    ],
)
async def test_kubectl_explains_fields(
    stub: tuple[Stub, str], tmp_path: Path, asked: str, shown: list[str]
) -> None:
    code, output = await kubectl(stub[1], tmp_path, "explain", asked)
    assert code == 0, output
    for part in shown:
        assert part in output


MANIFEST = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "i:1"}, {"name": "d", "image": "j"}]},
        },
    },
}


@real_kubectl
@pytest.mark.contract
async def test_kubectl_applies_with_strict_validation_and_merges_lists_by_key(
    stub: tuple[Stub, str], tmp_path: Path
) -> None:
    content, server = stub
    file = tmp_path / "web.json"
    file.write_text(json.dumps(MANIFEST))
    code, output = await kubectl(server, tmp_path, "apply", "-f", str(file))
    assert code == 0, output
    file.write_text(json.dumps(MANIFEST).replace("i:1", "i:2"))
    code, output = await kubectl(server, tmp_path, "apply", "-f", str(file))
    assert code == 0, output

    (method, query, _), (second_method, second_query, change) = content.writes
    assert (method, second_method) == ("POST", "PATCH")
    assert "fieldValidation=Strict" in query
    assert "fieldValidation=Strict" in second_query
    assert change["spec"]["template"]["spec"] == {
        "$setElementOrder/containers": [{"name": "c"}, {"name": "d"}],
        "containers": [{"name": "c", "image": "i:2"}],
    }


def test_a_definition_leaves_the_documents_of_other_groups_as_they_are() -> None:
    found = openapi.document("apis/apps/v1")
    assert found is not None
    again = openapi.document("apis/apps/v1", Catalog([thing()]))
    assert again is not None
    assert again[0] is found[0]


def thing() -> Resource:
    return Resource("a.io", "v1", "Thing", "things", custom=True)
