"""Quotas judge writes, in upstream's words."""

import asyncio
from typing import Any

import pytest

from netemu.model.errors import Forbidden
from netemu.model.resources import PODS, RESOURCE_QUOTAS, SERVICES
from tests.support.api import registry_with_default


def quota(**hard: str) -> Any:
    return {"metadata": {"name": "q", "namespace": "default"}, "spec": {"hard": hard}}


def pod(name: str, **resources: Any) -> Any:
    container = {"name": "c", "image": "x", "resources": resources}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": [container]}}


async def test_what_is_too_much_is_refused_even_when_all_come_at_once() -> None:
    async with registry_with_default() as registry:
        client = registry.client("test")
        await client.create(RESOURCE_QUOTAS, quota(pods="2"))
        done = await asyncio.gather(
            *(client.create(PODS, pod(f"p{number}")) for number in range(4)),
            return_exceptions=True,
        )
        refused = [str(error) for error in done if isinstance(error, Forbidden)]
        assert refused == [
            f'pods "p{number}" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, '
            "limited: pods=2"
            for number in (2, 3)
        ]


async def test_what_is_not_told_is_refused() -> None:
    async with registry_with_default() as registry:
        client = registry.client("test")
        await client.create(RESOURCE_QUOTAS, quota(**{"limits.memory": "1Gi", "cpu": "1"}))
        with pytest.raises(Forbidden) as refused:
            await client.create(PODS, pod("p"))
        assert refused.value.message == (
            'pods "p" is forbidden: failed quota: q: must specify cpu for: c; limits.memory for: c'
        )
        enough = {"requests": {"cpu": "600m"}, "limits": {"memory": "64Mi"}}
        await client.create(PODS, pod("p", **enough))
        with pytest.raises(Forbidden) as refused:
            await client.create(PODS, pod("q", **enough))
        assert "requested: cpu=600m, used: cpu=600m, limited: cpu=1" in refused.value.message


async def test_an_update_may_not_take_more_either() -> None:
    async with registry_with_default() as registry:
        client = registry.client("test")
        await client.create(RESOURCE_QUOTAS, quota(**{"services.nodeports": "0"}))
        metadata = {"name": "s", "namespace": "default"}
        spec = {"ports": [{"port": 80}]}
        made = await client.create(SERVICES, {"metadata": metadata, "spec": spec})
        with pytest.raises(Forbidden):
            await client.update(SERVICES, {**made, "spec": {**made["spec"], "type": "NodePort"}})
        await client.update(SERVICES, {**made, "metadata": {**made["metadata"], "labels": {}}})
