import asyncio

from netemu.daemon.follow import follow, settled
from netemu.model.latest import Latest
from netemu.model.resources import ENDPOINT_SLICES, PODS, SERVICES
from netemu.model.snapshot import EMPTY
from netemu.tasks import task_group
from tests.support.api import registry_with_default
from tests.support.clock import FakeClock

POD = {
    "metadata": {"name": "p", "namespace": "default"},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
SLICE = {
    "metadata": {"name": "s", "namespace": "default"},
    "addressType": "IPv4",
    "endpoints": [
        {
            "addresses": ["10.244.0.2"],
            "conditions": {"ready": True},
            "targetRef": {"kind": "Pod", "namespace": "default", "name": "p"},
        }
    ],
    "ports": [],
}


async def test_the_snapshot_is_synced_with_the_first_batch_and_follows_changes() -> None:
    latest = Latest(EMPTY)
    async with registry_with_default() as registry, task_group() as tasks:
        client = registry.client("test")
        tasks.start(follow(client, latest, lambda: 1.5e9), name="follow")
        first = await asyncio.wait_for(latest.newer_than(EMPTY), 5)
        assert first.synced
        assert first.revision == 1_500_000_000
        service = {"metadata": {"name": "web", "namespace": "default"}}
        await client.create(SERVICES, {**service, "spec": {"ports": [{"port": 80}]}})
        second = await asyncio.wait_for(latest.newer_than(first), 5)
        assert ("default", "web") in second.services
        assert second.revision > first.revision


async def test_a_slice_that_promises_a_pod_that_is_not_ready_is_waited_for() -> None:
    clock = FakeClock()
    async with registry_with_default() as registry, task_group() as tasks:
        client = registry.client("test")
        await asyncio.wait_for(settled(client, clock), 5)
        await client.create(PODS, POD)
        await client.create(ENDPOINT_SLICES, SLICE)
        waiting = tasks.start(settled(client, clock), name="settled")
        await clock.advance(0.1)
        assert not waiting.done()
        await client.delete(ENDPOINT_SLICES, "default", "s")
        await clock.advance(0.1)
        assert waiting.done()


async def test_waiting_has_a_deadline() -> None:
    clock = FakeClock()
    async with registry_with_default() as registry, task_group() as tasks:
        client = registry.client("test")
        await client.create(ENDPOINT_SLICES, SLICE)
        waiting = tasks.start(settled(client, clock), name="settled")
        await clock.advance(3)
        assert waiting.done()
