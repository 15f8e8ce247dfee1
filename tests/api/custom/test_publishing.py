"""Custom kinds in OpenAPI documents."""

import json

from netemu.api import openapi
from tests.support.api import Cluster
from tests.support.crontabs import DEFINITIONS, GROUP, definition

NAME = "com.example.stable.v1.CronTab"


async def test_kinds_are_published_at_once(cluster: Cluster) -> None:
    path = f"apis/{GROUP}/v1"
    assert path not in (await cluster.json("GET", "/openapi/v3"))["paths"]
    await cluster.json("POST", DEFINITIONS, definition())
    assert path in (await cluster.json("GET", "/openapi/v3"))["paths"]
    found = openapi.document(path, cluster.registry.catalog)
    assert found is not None
    document = json.loads(found[0])
    schema = document["components"]["schemas"][NAME]
    assert schema["properties"]["spec"]["properties"]["replicas"]["default"] == 1
    assert schema["x-kubernetes-group-version-kind"] == [
        {"group": GROUP, "version": "v1", "kind": "CronTab"}
    ]
    one = document["paths"][f"/{path}/namespaces/{{namespace}}/crontabs/{{name}}"]
    content = one["patch"]["requestBody"]["content"]
    assert "application/strategic-merge-patch+json" not in content
