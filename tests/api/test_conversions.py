"""Custom objects in other versions than they are stored in, by a webhook."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from netemu.api.request import Stream
from netemu.model.meta import Object
from tests.support.api import Cluster
from tests.support.crontabs import CRONTABS, DEFINITIONS, GROUP, crontab, definition, version
from tests.support.hooks import Webhook, webhook

OLD = CRONTABS.replace("/v1/", "/v1beta1/")
MERGE = "application/merge-patch+json"


def older() -> Object:
    """A version that calls the schedule otherwise."""
    spec = {"type": "object", "properties": {"when": {"type": "string"}}}
    schema = {"type": "object", "properties": {"spec": spec}}
    said = version("v1beta1", storage=False)
    return {**said, "schema": {"openAPIV3Schema": schema}, "additionalPrinterColumns": None}


def converted(request: Object) -> Object:
    """What a good webhook answers."""
    wanted = request["desiredAPIVersion"]
    return {
        "result": {"status": "Success"},
        "convertedObjects": [_one(obj, wanted) for obj in request["objects"]],
    }


def _one(obj: Object, wanted: str) -> Object:
    spec = obj.get("spec") or {}
    if wanted.endswith("/v1beta1"):
        spec = {"when": spec.get("cronSpec")}
    else:
        spec = {"cronSpec": spec.get("when"), "replicas": 1}
    return {**obj, "apiVersion": wanted, "spec": spec}


@asynccontextmanager
async def defined(cluster: Cluster, folder: Path, answer: Any) -> AsyncIterator[Webhook]:
    async with webhook(folder, answer) as hook:
        said = {"clientConfig": hook.client_config(), "conversionReviewVersions": ["v1"]}
        conversion = {"strategy": "Webhook", "webhook": said}
        obj = definition(version(), older(), conversion=conversion)
        await cluster.json("POST", DEFINITIONS, obj)
        yield hook


def old(name: str = "o", when: str = "* * * * *") -> Object:
    return {
        "apiVersion": f"{GROUP}/v1beta1",
        "kind": "CronTab",
        "metadata": {"name": name, "labels": {"a": "b"}},
        "spec": {"when": when},
    }


async def test_each_version_shows_the_same_object(cluster: Cluster, tmp_path: Path) -> None:
    async with defined(cluster, tmp_path, converted) as hook:
        await cluster.json("POST", CRONTABS, crontab("n"))
        assert not hook.reviews
        await cluster.json("POST", OLD, old())
        found = await cluster.json("GET", f"{CRONTABS}/o")
        assert (found["apiVersion"], found["spec"]["cronSpec"]) == (f"{GROUP}/v1", "* * * * *")
        assert found["metadata"]["labels"] == {"a": "b"}
        assert (await cluster.json("GET", f"{OLD}/n"))["spec"] == {"when": "* * * * */5"}
        items = (await cluster.json("GET", OLD))["items"]
        assert [item["spec"]["when"] for item in items] == ["* * * * */5", "* * * * *"]
        new = await cluster.json("PATCH", f"{OLD}/n", {"spec": {"when": "1 * * * *"}},
                                 content_type=MERGE)  # fmt: skip
        assert new["spec"] == {"when": "1 * * * *"}
        found = await cluster.json("GET", f"{CRONTABS}/n")
        assert found["spec"]["cronSpec"] == "1 * * * *"


async def test_what_was_converted_is_kept(cluster: Cluster, tmp_path: Path) -> None:
    async with defined(cluster, tmp_path, converted) as hook:
        await cluster.json("POST", CRONTABS, crontab("n"))
        await cluster.json("GET", f"{OLD}/n")
        await cluster.json("GET", OLD)
        assert len(hook.reviews) == 1


async def test_a_watch_shows_its_version(cluster: Cluster, tmp_path: Path) -> None:
    async with defined(cluster, tmp_path, converted):
        await cluster.json("POST", CRONTABS, crontab("n"))
        found = await cluster.ask("GET", OLD, watch="true")
        assert isinstance(found, Stream)
        first = msgspec.json.decode(await anext(found.pieces))
        assert first["object"]["spec"] == {"when": "* * * * */5"}
        later = asyncio.ensure_future(anext(found.pieces))  # noqa: TID251
        await asyncio.sleep(0)
        await cluster.json("PATCH", f"{CRONTABS}/n", {"spec": {"cronSpec": "1 * * * *"}},
                           content_type=MERGE)  # fmt: skip
        second = msgspec.json.decode(await later)
        assert (second["type"], second["object"]["spec"]) == ("MODIFIED", {"when": "1 * * * *"})
        await found.pieces.aclose()


HEAD = f"Internal error occurred: conversion webhook for {GROUP}/v1, Kind=CronTab "


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            {"result": {"status": "Failure", "message": "no way"}},
            "failed: no way",
        ),
        ({"result": {"status": "Failure"}}, "failed: response.result.status was 'Failure', not"),
        (
            {"result": {"status": "Success"}, "convertedObjects": []},
            "returned 0 objects, expected 1",
        ),
        (
            {"result": {"status": "Success"}, "convertedObjects": [{"apiVersion": "x/v1"}]},
            "returned invalid converted object at index 0: invalid groupVersion (expected",
        ),
    ],
)
async def test_bad_answers(cluster: Cluster, tmp_path: Path, answer: Object, words: str) -> None:
    async with defined(cluster, tmp_path, lambda _: dict(answer)):
        await cluster.json("POST", CRONTABS, crontab("n"))
        status = await cluster.refused("GET", f"{OLD}/n")
    assert status["code"] == 500
    assert status["message"].startswith(HEAD + words)
