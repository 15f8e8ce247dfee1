"""Kinds that come while the server runs, over the whole API."""

from typing import Any

import pytest

from netemu.api.custom.resource import resources_of
from netemu.api.request import Stream
from netemu.model.meta import Object
from tests.support.api import Cluster
from tests.support.crontabs import CRONTABS, DEFINITIONS, GROUP, crontab, definition, version

MERGE = "application/merge-patch+json"


@pytest.fixture
async def defined(cluster: Cluster) -> Cluster:
    await cluster.json("POST", DEFINITIONS, definition())
    return cluster


def test_nothing_is_served_until_it_is_established() -> None:
    assert not [*resources_of(definition())]


async def test_a_definition_is_established_at_once(cluster: Cluster) -> None:
    found = await cluster.json("POST", DEFINITIONS, definition())
    assert found["spec"]["names"] == {
        "plural": "crontabs",
        "singular": "crontab",
        "kind": "CronTab",
        "listKind": "CronTabList",
        "shortNames": ["ct"],
    }
    conditions = {item["type"]: item["status"] for item in found["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert found["status"]["storedVersions"] == ["v1"]


async def test_it_is_discovered_at_once_and_gone_with_its_definition(cluster: Cluster) -> None:
    await cluster.refused("GET", CRONTABS)
    await cluster.json("POST", DEFINITIONS, definition())
    listed = await cluster.json("GET", f"/apis/{GROUP}/v1")
    assert [item["name"] for item in listed["resources"]] == [
        "crontabs",
        "crontabs/scale",
        "crontabs/status",
    ]
    assert (await cluster.json("GET", CRONTABS))["kind"] == "CronTabList"
    held = await cluster.json("DELETE", f"{DEFINITIONS}/crontabs.{GROUP}")
    assert held["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    free = {"metadata": {"finalizers": None}}
    path = f"{DEFINITIONS}/crontabs.{GROUP}"
    await cluster.json("PATCH", path, free, content_type=MERGE)
    await cluster.refused("GET", CRONTABS)
    groups = (await cluster.json("GET", "/apis"))["groups"]
    assert GROUP not in [group["name"] for group in groups]


async def test_objects_are_filled_in_pruned_and_counted(defined: Cluster) -> None:
    found = await defined.whole("POST", CRONTABS, crontab(imge="x", extra={"any": [1]}))
    assert ("Warning", '299 - "unknown field \\"spec.imge\\""') in found.headers
    obj = await defined.json("GET", f"{CRONTABS}/c")
    assert obj["spec"] == {
        "cronSpec": "* * * * */5",
        "extra": {"any": [1]},
        "image": "busybox",
        "replicas": 1,
    }
    assert obj["metadata"]["generation"] == 1
    patch = {"spec": {"replicas": 3}, "status": {"replicas": 9}}
    obj = await defined.json("PATCH", f"{CRONTABS}/c", patch, content_type=MERGE)
    assert obj["metadata"]["generation"] == 2
    assert "status" not in obj


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"replicas": 0}, "spec.replicas in body should be greater than or equal to 1"),
        ({"replicas": "x"}, 'spec.replicas in body must be of type integer: "string"'),
        ({"cronSpec": "never"}, "spec.cronSpec in body should match '^"),
        ({"cronSpec": None}, "spec.cronSpec: Required value"),
    ],
)
async def test_objects_must_meet_the_schema(
    defined: Cluster, spec: dict[str, Any], words: str
) -> None:
    obj = crontab(**spec)
    obj["spec"] = {name: value for name, value in obj["spec"].items() if value is not None}
    refused = await defined.refused("POST", CRONTABS, obj)
    assert (refused["code"], refused["reason"]) == (422, "Invalid")
    assert refused["message"].startswith(f'CronTab.{GROUP} "c" is invalid: ')
    assert words in refused["message"]


async def test_strict_clients_are_told_of_unknown_fields(defined: Cluster) -> None:
    refused = await defined.refused("POST", CRONTABS, crontab(x=1), fieldValidation="Strict")
    assert refused["message"].endswith('strict decoding error: unknown field "spec.x"')


async def test_status_and_scale_are_written_apart(defined: Cluster) -> None:
    await defined.json("POST", CRONTABS, crontab())
    status = {"status": {"replicas": 2, "labelSelector": "a=b"}, "spec": {"replicas": 7}}
    found = await defined.json("PATCH", f"{CRONTABS}/c/status", status, content_type=MERGE)
    assert found["spec"]["replicas"] == 1
    scale = await defined.json("GET", f"{CRONTABS}/c/scale")
    assert scale["status"] == {"replicas": 2, "selector": "a=b"}
    patch = {"spec": {"replicas": 4}}
    scale = await defined.json("PATCH", f"{CRONTABS}/c/scale", patch, content_type=MERGE)
    assert scale["spec"] == {"replicas": 4}
    assert (await defined.json("GET", f"{CRONTABS}/c"))["spec"]["replicas"] == 4


async def test_strategic_patches_need_merge_keys(defined: Cluster) -> None:
    await defined.json("POST", CRONTABS, crontab())
    media = "application/strategic-merge-patch+json"
    refused = await defined.refused("PATCH", f"{CRONTABS}/c", {}, content_type=media)
    assert refused["code"] == 415


async def test_appliers_own_their_fields(defined: Cluster) -> None:
    asked: dict[str, Any] = {"content_type": "application/apply-patch+yaml"}
    await defined.json("PATCH", f"{CRONTABS}/c", crontab(), fieldManager="one", **asked)
    other = {**crontab(), "spec": {"cronSpec": "1 * * * *"}}
    refused = await defined.refused("PATCH", f"{CRONTABS}/c", other, fieldManager="two", **asked)
    assert refused["message"] == (
        'Apply failed with 1 conflict: conflict with "one": .spec.cronSpec'
    )


async def test_every_version_shows_the_same_objects(cluster: Cluster) -> None:
    versions = version("v1"), version("v1beta1", storage=False)
    await cluster.json("POST", DEFINITIONS, definition(*versions))
    beta = CRONTABS.replace("/v1/", "/v1beta1/")
    given: Object = {**crontab(), "apiVersion": f"{GROUP}/v1beta1"}
    created = await cluster.json("POST", beta, given)
    assert created["apiVersion"] == f"{GROUP}/v1beta1"
    assert (await cluster.json("GET", f"{CRONTABS}/c"))["apiVersion"] == f"{GROUP}/v1"
    (item,) = (await cluster.json("GET", beta))["items"]
    assert item["apiVersion"] == f"{GROUP}/v1beta1"
    patch = {"spec": {"replicas": 2}}
    found = await cluster.json("PATCH", f"{beta}/c", patch, content_type=MERGE)
    assert (found["apiVersion"], found["spec"]["replicas"]) == (f"{GROUP}/v1beta1", 2)


async def test_in_process_clients_see_it(defined: Cluster) -> None:
    await defined.json("POST", CRONTABS, crontab())
    client = defined.registry.client("tests")
    key = f"crontabs.{GROUP}"
    assert key in [kind.key for kind in client.kinds()]
    assert client.get(key, "default", "c") is not None


async def test_fields_that_a_definition_names_can_be_selected(cluster: Cluster) -> None:
    one = version(selectableFields=[{"jsonPath": ".spec.image"}])
    await cluster.json("POST", DEFINITIONS, definition(one))
    for name in ("a", "b"):
        await cluster.json("POST", CRONTABS, crontab(name, image=name))
    found = await cluster.json("GET", CRONTABS, fieldSelector="spec.image=b")
    assert [item["metadata"]["name"] for item in found["items"]] == ["b"]
    await cluster.refused("GET", CRONTABS, fieldSelector="spec.replicas=1")


def test_two_definitions_of_one_kind_are_told_apart() -> None:
    established = [{"type": "Established", "status": "True"}]
    (one,), (other,) = (
        resources_of({**definition(), "status": {"conditions": established}}) for _ in range(2)
    )
    assert (one == one, one == other, len({one, other})) == (True, False, 2)


def versions() -> Object:
    """A definition of two versions whose schemas differ."""
    old = version("v1beta1", storage=False, deprecated=True)
    old["schema"] = {
        "openAPIV3Schema": {
            "type": "object",
            "properties": {
                "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
            },
        }
    }
    return definition(version(), old)


OLD = CRONTABS.replace("/v1/", "/v1beta1/")


async def test_each_version_judges_what_is_written_in_it(cluster: Cluster) -> None:
    await cluster.json("POST", DEFINITIONS, versions())
    obj = {**crontab(replicas=50, odd="x"), "apiVersion": f"{GROUP}/v1beta1"}
    await cluster.json("POST", OLD, obj)
    assert (await cluster.json("GET", f"{CRONTABS}/c"))["spec"] == {
        "cronSpec": "* * * * */5",
        "replicas": 50,
        "image": "busybox",
    }
    (owner,) = (await cluster.json("GET", f"{OLD}/c"))["metadata"]["managedFields"]
    assert owner["apiVersion"] == f"{GROUP}/v1beta1"
    await cluster.refused("POST", CRONTABS, crontab("d", replicas=50))


async def test_users_of_an_old_version_are_told(cluster: Cluster) -> None:
    await cluster.json("POST", DEFINITIONS, versions())
    old = await cluster.whole("GET", OLD)
    said = f'299 - "{GROUP}/v1beta1 CronTab is deprecated; use {GROUP}/v1 CronTab"'
    assert ("Warning", said) in old.headers
    assert "Warning" not in dict((await cluster.whole("GET", CRONTABS)).headers)


async def test_a_new_schema_shows_in_what_there_is(defined: Cluster) -> None:
    await defined.json("POST", CRONTABS, crontab(extra={"a": 1}))
    path = f"{DEFINITIONS}/crontabs.{GROUP}"
    found = await defined.json("GET", path)
    spec = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["color"] = {"type": "string", "default": "red"}
    del spec["properties"]["extra"]
    await defined.json("PUT", path, found)
    obj = await defined.json("GET", f"{CRONTABS}/c")
    assert (obj["spec"]["color"], obj["spec"].get("extra")) == ("red", None)
    (item,) = (await defined.json("GET", CRONTABS))["items"]
    assert item["spec"] == obj["spec"]


async def test_names_of_another_definition_are_not_served(defined: Cluster) -> None:
    other = definition(names={"plural": "others", "kind": "CronTab"})
    other["metadata"]["name"] = f"others.{GROUP}"
    found = await defined.json("POST", DEFINITIONS, other)
    conditions = {item["type"]: item["status"] for item in found["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "False", "Established": "False"}
    await defined.refused("GET", CRONTABS.replace("crontabs", "others"))


async def test_nothing_is_made_while_a_definition_ends(defined: Cluster) -> None:
    await defined.json("DELETE", f"{DEFINITIONS}/crontabs.{GROUP}")
    status = await defined.refused("POST", CRONTABS, crontab())
    assert (status["code"], status["message"]) == (
        405,
        "create not allowed while custom resource definition is terminating",
    )


async def test_the_newest_version_is_preferred(cluster: Cluster) -> None:
    await cluster.json("POST", DEFINITIONS, definition(version(), version("v2", storage=False)))
    group = await cluster.json("GET", f"/apis/{GROUP}")
    assert group["preferredVersion"]["version"] == "v2"


async def watched(cluster: Cluster) -> Stream:
    found = await cluster.ask("GET", CRONTABS, watch="true")
    assert isinstance(found, Stream)
    return found


async def test_a_watch_ends_with_its_definition(defined: Cluster) -> None:
    await defined.json("POST", CRONTABS, crontab())
    stream = await watched(defined)
    assert b'"ADDED"' in await anext(stream.pieces)
    path = f"{DEFINITIONS}/crontabs.{GROUP}"
    found = await defined.json("GET", path)
    await defined.json("PATCH", path, {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
    await defined.json("PATCH", f"{CRONTABS}/c", {"spec": {"replicas": 2}}, content_type=MERGE)
    assert b'"MODIFIED"' in await anext(stream.pieces)
    found = await defined.json("GET", path)
    found["spec"]["names"]["shortNames"] = ["other"]
    await defined.json("PUT", path, found)
    assert [piece async for piece in stream.pieces] == []


async def test_a_watch_from_an_old_version_outlives_what_came_before(defined: Cluster) -> None:
    made = await defined.json("POST", CRONTABS, crontab())
    version = str(int(made["metadata"]["resourceVersion"]) - 2)
    found = await defined.ask("GET", CRONTABS, watch="true", resourceVersion=version)
    assert isinstance(found, Stream)
    assert b'"ADDED"' in await anext(found.pieces)
    await defined.json("DELETE", f"{CRONTABS}/c")
    assert b'"DELETED"' in await anext(found.pieces)
    await found.pieces.aclose()
