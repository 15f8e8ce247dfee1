"""Evictions over the API: who pays, and what is written."""

import pytest

from netemu.api.evicting import evict
from netemu.api.writeoptions import WriteOptions
from netemu.model import resources
from netemu.model.client import DeleteOptions
from netemu.model.conditions import condition
from netemu.model.errors import NotFound, TooManyRequests
from netemu.model.meta import Object, is_deleting
from tests.support.control import Control, control

CONTAINER = {"name": "main", "image": "pause"}
PLAIN = DeleteOptions()


def deployment(replicas: int) -> Object:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [CONTAINER]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"namespace": "default", "name": "web"}, "spec": spec}


def budget(**spec: object) -> Object:
    return {
        "metadata": {"namespace": "default", "name": "b"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


async def evicted(plane: Control, pod: Object, *, dry_run: bool = False) -> None:
    key = "default", pod["metadata"]["name"]
    await evict(plane.registry, key, PLAIN, WriteOptions(manager="t", dry_run=dry_run))


async def test_exactly_as_many_as_the_budget_allows() -> None:
    """13.5 and 13.6 of the upstream catalogue."""
    async with control() as plane:
        await plane.apply(resources.POD_DISRUPTION_BUDGETS, budget(minAvailable=2))
        await plane.apply(resources.DEPLOYMENTS, deployment(3))
        await plane.all_ready()
        first, second, _ = plane.running()
        await evicted(plane, first, dry_run=True)
        assert len(plane.running()) == 3
        await evicted(plane, first)
        gone = plane.get(resources.PODS, first["metadata"]["name"])
        assert is_deleting(gone)
        assert (condition(gone, "DisruptionTarget") or {})["reason"] == "EvictionByEvictionAPI"
        with pytest.raises(TooManyRequests):
            await evicted(plane, second)
        await plane.settled()
        await plane.change(resources.POD_DISRUPTION_BUDGETS, "b", minAvailable=1)
        await evicted(plane, second)


async def test_two_evictions_at_once_have_one_disruption() -> None:
    async with control() as plane:
        await plane.apply(resources.POD_DISRUPTION_BUDGETS, budget(maxUnavailable=1))
        await plane.apply(resources.DEPLOYMENTS, deployment(2))
        await plane.all_ready()
        one, two = plane.running()
        await evicted(plane, one)
        with pytest.raises(TooManyRequests):
            await evicted(plane, two)


async def test_a_pod_that_is_not_there() -> None:
    async with control() as plane:
        with pytest.raises(NotFound):
            await evicted(plane, {"metadata": {"name": "nope"}})
