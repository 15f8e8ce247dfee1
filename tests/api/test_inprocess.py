import asyncio
from typing import Any

import pytest

from netemu.api.inprocess import StoreChanges
from netemu.api.registry import Registry
from netemu.config.settings import StoreSettings
from netemu.model.client import Change, DeleteOptions
from netemu.model.conditions import holds
from netemu.model.errors import Conflict, NotFound
from netemu.model.meta import Object, name_of
from netemu.model.selectorparser import parse
from netemu.store.memory import MemoryStore
from tests.support.api import add_namespace, new_registry


def config_map(name: str = "a", **more: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "default", **more}, "data": {"k": "v"}}


@pytest.fixture
async def registry() -> Registry:
    found = new_registry()
    await add_namespace(found)
    return found


async def test_what_is_created_can_be_read_and_listed(registry: Registry) -> None:
    client = registry.client("me")
    obj = await client.create("configmaps", config_map(labels={"x": "1"}))
    await client.create("configmaps", config_map("b"))
    assert obj["kind"] == "ConfigMap"
    assert client.get("configmaps", "default", "a") is obj
    assert client.get("configmaps", "default", "nope") is None
    assert [name_of(o) for o in client.list("configmaps")] == ["a", "b"]
    assert client.list("configmaps", "default", parse("x=1")) == [obj]
    assert client.list("configmaps", "elsewhere") == []


async def test_an_update_of_an_old_version_conflicts(registry: Registry) -> None:
    client = registry.client("me")
    first = await client.create("configmaps", config_map())
    await client.update("configmaps", {**first, "data": {"k": "w"}})
    with pytest.raises(Conflict):
        await client.update("configmaps", {**first, "data": {"k": "x"}})


async def test_the_status_alone_is_replaced(registry: Registry) -> None:
    client = registry.client("me")
    obj = await client.create(
        "pods",
        {
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"containers": [{"name": "c", "image": "x"}]},
        },
    )
    found = await client.update_status("pods", {**obj, "spec": {}, "status": {"phase": "Running"}})
    assert found["spec"] == obj["spec"]
    assert found["status"] == {"phase": "Running"}


async def test_a_pod_is_bound_to_a_node_once(registry: Registry) -> None:
    client = registry.client("me")
    await client.create(
        "pods",
        {
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"containers": [{"name": "c", "image": "x"}]},
        },
    )
    await client.bind("default", "p", "n1")
    pod = client.get("pods", "default", "p")
    assert pod is not None
    assert pod["spec"]["nodeName"] == "n1"
    assert holds(pod, "PodScheduled")
    with pytest.raises(Conflict, match="already assigned"):
        await client.bind("default", "p", "n2")


async def test_a_namespace_goes_when_it_is_said_to_be_empty(registry: Registry) -> None:
    client = registry.client("me")
    await add_namespace(registry, "x")
    await client.delete("namespaces", "", "x")
    assert client.get("namespaces", "", "x") is not None
    await client.finalize("x")
    assert client.get("namespaces", "", "x") is None


async def test_a_namespace_with_finalizers_of_its_own_stays(registry: Registry) -> None:
    client = registry.client("me")
    await client.create("namespaces", {"metadata": {"name": "x", "finalizers": ["a/b"]}})
    await client.delete("namespaces", "", "x")
    await client.finalize("x")
    left = client.get("namespaces", "", "x")
    assert left is not None
    assert not left["spec"].get("finalizers")


async def test_deleting_nothing_is_told(registry: Registry) -> None:
    with pytest.raises(NotFound):
        await registry.client("me").delete("configmaps", "default", "a", DeleteOptions())


async def test_a_watch_tells_what_is_there_and_then_what_changes(registry: Registry) -> None:
    client = registry.client("me")
    first = await client.create("configmaps", config_map())
    changes = client.watch("configmaps", "secrets")
    assert await changes.batch() == (Change("configmaps", None, first),)
    second = await client.update("configmaps", {**first, "data": {"k": "w"}})
    await client.delete("configmaps", "default", "a")
    modified, deleted = await changes.batch()
    assert modified == Change("configmaps", first, second)
    assert deleted.new is None
    assert deleted.object["data"] == {"k": "w"}
    changes.close()


async def test_a_watch_of_nothing_waits(registry: Registry) -> None:
    changes = registry.client("me").watch("configmaps")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await changes.batch()


async def test_a_watcher_that_fell_behind_gets_the_difference() -> None:
    store = MemoryStore(StoreSettings(watch_queue=3))
    registry = new_registry(store=store)
    await add_namespace(registry)
    client = registry.client("me")
    for name in "abc":
        await client.create("configmaps", config_map(name))
    changes = StoreChanges(store, ["configmaps"])
    before = {name_of(change.object): change.new for change in await changes.batch()}
    await client.delete("configmaps", "default", "a")
    for number in range(4):
        b = client.get("configmaps", "default", "b")
        assert b is not None
        await client.update("configmaps", {**b, "data": {"k": str(number)}})
    await client.create("configmaps", config_map("d"))
    after = await changes.batch()
    assert [(name_of(c.object), c.old is not None, c.new is not None) for c in after] == [
        ("b", True, True),
        ("d", False, True),
        ("a", True, False),
    ]
    assert after[0].old is before["b"]
    assert after[0].object["data"] == {"k": "3"}
