"""Autoscalers over the real API, with measurements that a test makes up."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from netemu.clock import rfc3339
from netemu.model import resources
from netemu.model.conditions import condition
from netemu.model.meta import Object, uid_of
from netemu.model.usage import Amount, PodUsage
from tests.support import crontabs
from tests.support.control import Control, control

LABELS = {"app": "web"}


class MadeUp:
    """Every pod uses the same."""

    plane: Control
    cpu = 0.0

    async def pods(self) -> Mapping[str, PodUsage]:
        await asyncio.sleep(0)
        at = self.plane.clock.now()
        used = PodUsage(containers={"main": Amount(self.cpu, 1000)}, at=at, window=1)
        return {uid_of(pod): used for pod in self.plane.all(resources.PODS)}


def deployment() -> Object:
    container = {"name": "main", "image": "x", "resources": {"requests": {"cpu": "100m"}}}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
    return {"metadata": {"namespace": "default", "name": "web"}, "spec": spec}


def scaler(**spec: object) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metadata = {"namespace": "default", "name": "web"}
    return {"metadata": metadata, "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec}}


@asynccontextmanager
async def scaling() -> AsyncIterator[tuple[Control, MadeUp]]:
    usage = MadeUp()
    async with control(usage=usage) as plane:
        usage.plane = plane
        await plane.apply(resources.DEPLOYMENTS, deployment())
        await all_started(plane)
        yield plane, usage


async def all_started(plane: Control) -> None:
    await plane.all_ready()
    for pod in plane.all(resources.PODS):
        if "startTime" not in pod["status"]:
            stamp = rfc3339(plane.clock.now() - 1000)
            status = {**pod["status"], "startTime": stamp}
            await plane.client.update_status(resources.PODS, {**pod, "status": status})
    await plane.settled()


def replicas(plane: Control) -> int:
    return int(plane.get(resources.DEPLOYMENTS, "web")["spec"]["replicas"])


async def test_it_grows_with_the_load_and_shrinks_when_it_has_been_low_for_long() -> None:
    async with scaling() as (plane, usage):
        usage.cpu = 0.3
        target = {"type": "Utilization", "averageUtilization": 100}
        metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
        await plane.apply(resources.POD_AUTOSCALERS, scaler(metrics=[metric]))
        assert replicas(plane) == 3
        (said,) = plane.events("SuccessfulRescale")
        why = "cpu resource utilization (percentage of request) above target"
        assert said == f"web: New size: 3; reason: {why}"
        usage.cpu = 0.1
        await all_started(plane)
        await plane.advance(31.0)
        shown = plane.get(resources.POD_AUTOSCALERS, "web")
        assert (condition(shown, "ScalingActive") or {})["reason"] == "ValidMetricFound"
        assert shown["status"]["currentReplicas"] == 3
        assert shown["status"]["currentMetrics"][0]["resource"]["current"] == {
            "averageUtilization": 100,
            "averageValue": "100m",
        }
        usage.cpu = 0.01
        await plane.advance(200.0)
        assert replicas(plane) == 3
        shown = plane.get(resources.POD_AUTOSCALERS, "web")
        assert (condition(shown, "AbleToScale") or {})["reason"] == "ScaleDownStabilized"
        await plane.advance(150.0)
        assert replicas(plane) == 1


async def test_a_target_that_is_not_there() -> None:
    async with scaling() as (plane, _):
        obj = scaler()
        obj["spec"]["scaleTargetRef"]["name"] = "nope"
        await plane.apply(resources.POD_AUTOSCALERS, obj)
        shown = plane.get(resources.POD_AUTOSCALERS, "web")
        assert (condition(shown, "AbleToScale") or {})["reason"] == "FailedGetScale"


async def test_a_target_of_nothing_is_left_alone() -> None:
    async with scaling() as (plane, _):
        await plane.change(resources.DEPLOYMENTS, "web", replicas=0)
        await plane.apply(resources.POD_AUTOSCALERS, scaler())
        shown = plane.get(resources.POD_AUTOSCALERS, "web")
        assert (condition(shown, "ScalingActive") or {})["reason"] == "ScalingDisabled"
        assert replicas(plane) == 0


async def test_a_custom_kind_that_has_a_scale_is_scaled() -> None:
    async with control() as plane:
        definition, obj = custom()
        await plane.client.create(resources.CUSTOM_RESOURCE_DEFINITIONS, definition)
        await plane.client.create("crontabs.stable.example.com", obj)
        target = {"apiVersion": "stable.example.com/v1", "kind": "CronTab", "name": "c"}
        await plane.apply(resources.POD_AUTOSCALERS, scaler(minReplicas=3, scaleTargetRef=target))
        (found,) = plane.all("crontabs.stable.example.com")
        assert found["spec"]["replicas"] == 3
        assert scaler_says(plane, "AbleToScale") == "SucceededRescale"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("CronTab", 'crontabs.stable.example.com "x" not found'),
        (
            "Other",
            (
                "unable to determine resource for scale target reference: no matches for kind "
                '"Other" in group "stable.example.com"'
            ),
        ),
    ],
)
async def test_why_there_is_nothing_to_scale(kind: str, words: str) -> None:
    async with control() as plane:
        await plane.client.create(resources.CUSTOM_RESOURCE_DEFINITIONS, custom()[0])
        target = {"apiVersion": "stable.example.com/v1", "kind": kind, "name": "x"}
        await plane.apply(resources.POD_AUTOSCALERS, scaler(scaleTargetRef=target))
        (found,) = plane.all(resources.POD_AUTOSCALERS)
        said = condition(found, "AbleToScale")
        assert said is not None
        assert said["message"].endswith(f"get the target's current scale: {words}")


def custom() -> tuple[Object, Object]:
    """A custom kind with a Scale, and an object of it."""
    definition = crontabs.definition()
    spec = definition["spec"]
    spec["names"] |= {"singular": "crontab", "listKind": "CronTabList"}
    obj = crontabs.crontab()
    return definition, {**obj, "metadata": {"name": "c", "namespace": "default"}}


def scaler_says(plane: Control, kind: str) -> str:
    (found,) = plane.all(resources.POD_AUTOSCALERS)
    said = condition(found, kind)
    return "" if said is None else str(said["reason"])
