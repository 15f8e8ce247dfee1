from typing import Any

import msgspec
import pytest

from netemu.api import openapi, openapi2
from netemu.api.protowire import fields
from tests.support.api import Cluster
from tests.support.crontabs import DEFINITIONS, definition, version

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


@pytest.fixture(scope="module")
def parts() -> tuple[bytes, ...]:
    index = msgspec.json.decode(openapi.index())["paths"]
    return tuple(found[0] for path in index if (found := openapi.document(path)))


@pytest.fixture(scope="module")
def swagger(parts: tuple[bytes, ...]) -> Any:
    return msgspec.json.decode(openapi2.document(parts))


def test_references_stand_beside_what_is_said_of_them(swagger: Any) -> None:
    pod = swagger["definitions"]["io.k8s.api.core.v1.Pod"]
    assert pod["properties"]["spec"]["$ref"] == "#/definitions/io.k8s.api.core.v1.PodSpec"
    assert pod["properties"]["spec"]["description"].startswith("Specification of the desired")
    assert pod["x-kubernetes-group-version-kind"] == [{"group": "", "version": "v1", "kind": "Pod"}]


def test_there_is_no_one_of(swagger: Any) -> None:
    port = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
    assert swagger["definitions"][port]["type"] == "string"
    assert b'"oneOf":[' not in msgspec.json.encode(swagger)  # but as the name of a field


def test_every_reference_leads_somewhere(swagger: Any) -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        if isinstance(value, list):
            return set().union(*map(references, value))
        return set()

    known = {f"#/definitions/{name}" for name in swagger["definitions"]}
    assert references(swagger) <= known


def test_a_patch_says_what_it_takes(swagger: Any) -> None:
    path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    patch = swagger["paths"][path]["patch"]
    assert "application/strategic-merge-patch+json" in patch["consumes"]
    assert {"dryRun", "fieldValidation", "body"} <= {each["name"] for each in patch["parameters"]}


def message(data: bytes) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for number, _, value in fields(data):
        found.setdefault(number, []).append(value if isinstance(value, bytes) else b"")
    return found


def named(entries: list[bytes]) -> dict[str, dict[int, list[bytes]]]:
    read = map(message, entries)
    return {entry[1][0].decode(): message(entry[2][0]) for entry in read}


def test_protocol_buffers_say_the_same(parts: tuple[bytes, ...], swagger: Any) -> None:
    document = message(openapi2.packed(parts))
    assert document[1] == [b"2.0"]
    definitions = named(message(document[9][0])[1])
    assert definitions.keys() == swagger["definitions"].keys()
    spec = definitions["io.k8s.api.apps.v1.DeploymentSpec"]
    properties = named(message(spec[25][0])[1])
    wanted = swagger["definitions"]["io.k8s.api.apps.v1.DeploymentSpec"]
    assert properties.keys() == wanted["properties"].keys()
    assert properties["template"][1] == [b"#/definitions/io.k8s.api.core.v1.PodTemplateSpec"]
    assert message(properties["replicas"][22][0])[1] == [b"integer"]
    assert [name.decode() for name in spec[19]] == wanted["required"]
    paths = named(message(document[8][0])[2])
    patch = message(paths["/api/v1/namespaces/{namespace}/pods/{name}"][8][0])
    kind = named(patch[13])["x-kubernetes-group-version-kind"]
    assert msgspec.json.decode(kind[2][0]) == {"group": "", "version": "v1", "kind": "Pod"}
    queries = [message(message(message(p)[1][0]).get(2, [b""])[0]).get(3) for p in patch[8]]
    names = [message(query[0])[4][0] for query in queries if query]
    assert b"dryRun" in names


async def test_clients_say_which_form_they_read(cluster: Cluster) -> None:
    found = await cluster.whole("GET", "/openapi/v2", accept=PROTOBUF)
    assert found.content_type == openapi2.PROTOBUF
    assert message(found.body)[1] == [b"2.0"]
    assert (await cluster.json("GET", "/openapi/v2"))["swagger"] == "2.0"


async def test_custom_kinds_are_told_of(cluster: Cluster) -> None:
    made = version()
    schema = made["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    await cluster.json("POST", DEFINITIONS, definition(made))
    definitions = (await cluster.json("GET", "/openapi/v2"))["definitions"]
    spec = definitions["com.example.stable.v1.CronTab"]["properties"]["spec"]
    assert spec["type"] == "object"
    found = await cluster.whole("GET", "/openapi/v2", accept=PROTOBUF)
    assert "com.example.stable.v1.CronTab" in named(message(message(found.body)[9][0])[1])
