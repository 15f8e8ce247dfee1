import asyncio
import random
from functools import partial
from typing import Any

import pytest

from netemu.api.metadata import generated_name
from netemu.api.parts import Part
from netemu.api.registry import NAME_ATTEMPTS, Registry
from netemu.api.writeoptions import WriteOptions
from netemu.clock import rfc3339
from netemu.model.client import DeleteOptions
from netemu.model.errors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY
from netemu.store.base import Record
from netemu.store.memory import MemoryStore
from tests.support.api import ADDRESSING, add_namespace, new_registry
from tests.support.clock import FakeClock

CONFIG_MAP, DEPLOYMENT, POD = (BY_KEY[k] for k in ("configmaps", "deployments.apps", "pods"))
NAMESPACE, SERVICE = BY_KEY["namespaces"], BY_KEY["services"]
ME, DRY = WriteOptions(manager="me"), WriteOptions(manager="me", dry_run=True)


def config_map(name: str = "a", **more: Any) -> Object:
    metadata = more.pop("metadata", {})
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": {"k": "v"},
        **more,
    }


def deployment() -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "x"}]},
            },
        },
    }


def pod(**spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "x"}], **spec},
    }


def service(name: str = "s", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}], **spec},
    }


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def registry(clock: FakeClock) -> Registry:
    found = new_registry(clock)
    await add_namespace(found)
    return found


async def test_a_new_object_gets_all_that_the_server_gives(
    registry: Registry, clock: FakeClock
) -> None:
    record = await registry.create(DEPLOYMENT, "default", deployment(), ME)
    metadata = record.obj["metadata"]
    assert metadata["namespace"] == "default"
    assert metadata["creationTimestamp"] == rfc3339(clock.now())
    assert metadata["generation"] == 1
    assert len(metadata["uid"]) == 36
    assert metadata["resourceVersion"] == str(record.revision)
    assert metadata["managedFields"][0]["manager"] == "me"
    assert record.obj["spec"]["replicas"] == 1


async def test_a_name_is_taken_once(registry: Registry) -> None:
    await registry.create(CONFIG_MAP, "default", config_map(), ME)
    with pytest.raises(AlreadyExists):
        await registry.create(CONFIG_MAP, "default", config_map(), ME)
    with pytest.raises(AlreadyExists):
        await registry.create(CONFIG_MAP, "default", config_map(), DRY)


async def test_rules_are_checked_before_anything_is_stored(registry: Registry) -> None:
    revision = registry.store.revision
    with pytest.raises(Invalid, match=r"metadata.name: Invalid value"):
        await registry.create(CONFIG_MAP, "default", config_map("No"), ME)
    with pytest.raises(Invalid, match="name or generateName is required"):
        await registry.create(CONFIG_MAP, "default", config_map(""), ME)
    assert registry.store.revision == revision


async def test_the_namespace_must_exist(registry: Registry) -> None:
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        await registry.create(CONFIG_MAP, "nowhere", config_map(), ME)


async def test_nothing_new_comes_into_a_namespace_that_goes(registry: Registry) -> None:
    await add_namespace(registry, "going")
    await registry.delete(NAMESPACE, ("", "going"), DeleteOptions())
    with pytest.raises(Forbidden) as refused:
        await registry.create(CONFIG_MAP, "going", config_map(), ME)
    assert str(refused.value) == (
        'configmaps "a" is forbidden: unable to create new content in namespace going because it '
        "is being terminated"
    )


async def test_a_generated_name_that_is_taken_is_drawn_again() -> None:
    store = MemoryStore()
    registry = Registry(store, clock=FakeClock(), rng=random.Random(5), addressing=ADDRESSING)
    await add_namespace(registry)
    obj = config_map("", metadata={"generateName": "x-"})
    ahead = random.Random()
    ahead.setstate(registry._creation.rng.getstate())
    taken = generated_name("x-", ahead)
    await store.create("configmaps", ("default", taken), config_map(taken))
    record = await registry.create(CONFIG_MAP, "default", obj, ME)
    assert record.key[1] != taken
    assert record.key[1].startswith("x-")


async def test_names_are_not_drawn_for_ever() -> None:
    class Stuck(random.Random):
        drawn = 0

        def choices(self, population: Any, *args: Any, **more: Any) -> list[Any]:
            Stuck.drawn += 1
            return ["b"] * 5

    registry = Registry(MemoryStore(), clock=FakeClock(), rng=Stuck(), addressing=ADDRESSING)
    await add_namespace(registry)
    obj = config_map("", metadata={"generateName": "x-"})
    await registry.create(CONFIG_MAP, "default", obj, ME)
    with pytest.raises(AlreadyExists):
        await registry.create(CONFIG_MAP, "default", obj, ME)
    assert Stuck.drawn == 1 + NAME_ATTEMPTS


async def test_an_update_replaces_the_object(registry: Registry) -> None:
    first = await registry.create(CONFIG_MAP, "default", config_map(), ME)
    second = await registry.update(CONFIG_MAP, first.key, lambda _: config_map(data={"k": "w"}), ME)
    assert second.obj["data"] == {"k": "w"}
    assert second.revision > first.revision
    assert second.obj["metadata"]["uid"] == first.obj["metadata"]["uid"]


async def test_an_old_version_in_the_body_is_a_conflict(registry: Registry) -> None:
    first = await registry.create(CONFIG_MAP, "default", config_map(), ME)
    await registry.update(CONFIG_MAP, first.key, lambda _: config_map(data={"k": "w"}), ME)
    with pytest.raises(Conflict, match="the object has been modified; please apply your changes"):
        await registry.update(CONFIG_MAP, first.key, lambda _: first.obj, ME)


async def test_another_uid_in_the_body_is_a_conflict(registry: Registry) -> None:
    first = await registry.create(CONFIG_MAP, "default", config_map(), ME)
    other = config_map(metadata={"uid": "other"})
    with pytest.raises(Conflict, match="Precondition failed: UID in precondition: other"):
        await registry.update(CONFIG_MAP, first.key, lambda _: other, ME)


async def test_a_change_of_nothing_is_no_change(registry: Registry) -> None:
    first = await registry.create(DEPLOYMENT, "default", deployment(), ME)
    second = await registry.update(DEPLOYMENT, first.key, copied, WriteOptions(manager="another"))
    assert second is first
    third = await registry.update(DEPLOYMENT, first.key, lambda _: deployment(), ME)
    assert third is first


async def test_the_generation_follows_the_spec(registry: Registry) -> None:
    first = await registry.create(DEPLOYMENT, "default", deployment(), ME)

    def labelled(obj: Object) -> Object:
        return {**obj, "metadata": {**obj["metadata"], "labels": {"x": "y"}}}

    def scaled(obj: Object) -> Object:
        return {**obj, "spec": {**obj["spec"], "replicas": 3}}

    second = await registry.update(DEPLOYMENT, first.key, labelled, ME)
    assert second.obj["metadata"]["generation"] == 1
    third = await registry.update(DEPLOYMENT, first.key, scaled, ME)
    assert third.obj["metadata"]["generation"] == 2


async def test_spec_and_status_are_written_apart(registry: Registry) -> None:
    first = await registry.create(DEPLOYMENT, "default", deployment(), ME)

    def both(obj: Object) -> Object:
        return {
            **obj,
            "spec": {**obj["spec"], "replicas": 7},
            "status": {"replicas": 7},
            "metadata": {**obj["metadata"], "labels": {"x": "y"}},
        }

    main = await registry.update(DEPLOYMENT, first.key, both, ME)
    assert main.obj["spec"]["replicas"] == 7
    assert "replicas" not in main.obj.get("status", {})
    status = await registry.update(
        DEPLOYMENT,
        first.key,
        lambda now: {**now, "spec": {}, "status": {"replicas": 7}},
        ME,
        Part.STATUS,
    )
    assert status.obj["spec"] == main.obj["spec"]
    assert status.obj["status"] == {"replicas": 7}
    assert status.obj["metadata"]["generation"] == main.obj["metadata"]["generation"]


async def test_a_status_whose_conditions_have_no_type_is_invalid(registry: Registry) -> None:
    first = await registry.create(DEPLOYMENT, "default", deployment(), ME)
    bad = {"conditions": [{"status": "True"}]}
    with pytest.raises(Invalid, match=r"status.conditions\[0\].type: Required value"):
        await registry.update(
            DEPLOYMENT, first.key, lambda obj: {**obj, "status": bad}, ME, Part.STATUS
        )


async def test_a_dry_run_stores_nothing_and_says_what_it_would_have(registry: Registry) -> None:
    revision = registry.store.revision
    record = await registry.create(SERVICE, "default", service(), DRY)
    assert record.obj["spec"]["clusterIP"].startswith("10.96.")
    assert "resourceVersion" not in record.obj["metadata"]
    assert registry.store.revision == revision
    stored = await registry.create(CONFIG_MAP, "default", config_map(), ME)
    changed = await registry.update(
        CONFIG_MAP, stored.key, lambda _: config_map(data={"k": "w"}), DRY
    )
    assert changed.obj["data"] == {"k": "w"}
    _, gone = await registry.delete(CONFIG_MAP, stored.key, DeleteOptions(dry_run=True))
    assert gone
    assert registry.get(CONFIG_MAP, stored.key) is stored


async def test_addresses_come_and_go_with_the_service(registry: Registry) -> None:
    wish: Any = {"clusterIP": "10.96.9.9", "clusterIPs": ["10.96.9.9"]}
    await registry.create(SERVICE, "default", service(**wish), DRY)
    record = await registry.create(SERVICE, "default", service(**wish), ME)
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        await registry.create(SERVICE, "default", service("t", **wish), ME)
    await registry.delete(SERVICE, record.key, DeleteOptions())
    await registry.create(SERVICE, "default", service("t", **wish), ME)


async def test_addresses_of_stored_services_are_known_after_a_restart() -> None:
    store = MemoryStore()
    first = new_registry(store=store)
    await add_namespace(first)
    wish: Any = {"clusterIP": "10.96.9.9", "clusterIPs": ["10.96.9.9"]}
    await first.create(SERVICE, "default", service(**wish), ME)
    again = new_registry(store=store)
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        await again.create(SERVICE, "default", service("t", **wish), ME)


async def test_the_last_finalizer_of_a_deleting_object_deletes_it(registry: Registry) -> None:
    held = config_map(metadata={"finalizers": ["example.org/a"]})
    record = await registry.create(CONFIG_MAP, "default", held, ME)
    left, gone = await registry.delete(CONFIG_MAP, record.key, DeleteOptions())
    assert not gone
    assert "deletionTimestamp" in left.obj["metadata"]

    def freed(obj: Object) -> Object:
        return {**obj, "metadata": {**obj["metadata"], "finalizers": []}}

    await registry.update(CONFIG_MAP, record.key, freed, ME)
    with pytest.raises(NotFound):
        registry.get(CONFIG_MAP, record.key)


async def test_deleting_twice_changes_nothing_the_second_time(registry: Registry) -> None:
    record = await registry.create(POD, "default", pod(nodeName="n"), ME)
    first, _ = await registry.delete(POD, record.key, DeleteOptions())
    second, gone = await registry.delete(POD, record.key, DeleteOptions())
    assert second is first
    assert not gone


async def test_a_collection_is_deleted_but_for_what_went_before(registry: Registry) -> None:
    for name in "abc":
        await registry.create(CONFIG_MAP, "default", config_map(name), ME)
    keys = [("default", name) for name in "abcx"]
    gone = await registry.delete_all(CONFIG_MAP, keys, DeleteOptions())
    assert [record.key[1] for record in gone] == ["a", "b", "c"]


class LateStore(MemoryStore):
    """A store whose writes take a turn of the loop, as a disk's do."""

    async def update(self, resource: str, key: Any, obj: Object, expected: int) -> Record:
        await asyncio.sleep(0)
        return await super().update(resource, key, obj, expected)


async def test_writes_that_meet_are_done_one_after_the_other() -> None:
    registry = new_registry(store=LateStore())
    await add_namespace(registry)
    record = await registry.create(CONFIG_MAP, "default", config_map(data={}), ME)

    def adding(key: str) -> Any:
        return lambda obj: {**obj, "data": {**obj.get("data", {}), key: "x"}}

    keys = [f"k{number}" for number in range(8)]
    await asyncio.gather(
        *(registry.update(CONFIG_MAP, record.key, adding(key), ME) for key in keys)
    )
    assert sorted(registry.get(CONFIG_MAP, record.key).obj["data"]) == keys


def _instead(body: Object, _: Object) -> Object:
    return body


async def test_of_two_writers_of_one_version_the_second_conflicts() -> None:
    registry = new_registry(store=LateStore())
    await add_namespace(registry)
    record = await registry.create(CONFIG_MAP, "default", config_map(), ME)
    bodies = [{**record.obj, "data": {"by": str(number)}} for number in range(2)]
    results = await asyncio.gather(
        *(registry.update(CONFIG_MAP, record.key, partial(_instead, body), ME) for body in bodies),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [Record, Conflict]


async def test_what_goes_with_its_last_finalizer_takes_no_ports_with_it(
    registry: Registry,
) -> None:
    services = BY_KEY["services"]
    spec = {"type": "NodePort", "ports": [{"name": "a", "port": 1, "nodePort": 30001}]}
    metadata = {"name": "s", "namespace": "default", "finalizers": ["a.io/b"]}
    client = registry.client("tests")
    await client.create("services", {"metadata": metadata, "spec": spec})
    await client.delete("services", "default", "s")
    stored = client.get("services", "default", "s")
    assert stored is not None
    more = [*stored["spec"]["ports"], {"name": "b", "port": 2, "nodePort": 30002}]
    last = {**stored["metadata"], "finalizers": []}
    await client.update(
        "services", {**stored, "metadata": last, "spec": {**stored["spec"], "ports": more}}
    )
    assert registry.store.get(services.key, ("default", "s")) is None
    spec = {"type": "NodePort", "ports": more}
    await client.create(
        "services", {"metadata": {"name": "t", "namespace": "default"}, "spec": spec}
    )


async def test_what_the_server_hands_out_belongs_to_no_writer(registry: Registry) -> None:
    """As in a cluster, where owners are noted before addresses are allocated."""
    services = BY_KEY["services"]
    given = service("web", selector={"a": "b"})
    record = await registry.create(services, "default", given, ME)

    def to_node_port(old: Object) -> Object:
        return {**old, "spec": {**old["spec"], "type": "NodePort"}}

    key = ("default", "web")
    changed = await registry.update(services, key, to_node_port, ME)
    assert changed.obj["spec"]["clusterIP"]
    assert changed.obj["spec"]["ports"][0]["nodePort"]
    for stored in (record.obj, changed.obj):
        [entry] = stored["metadata"]["managedFields"]
        owned = entry["fieldsV1"]["f:spec"]
        assert {"f:ports", "f:selector", "f:type"} <= owned.keys()
        assert not owned.keys() & {"f:clusterIP", "f:clusterIPs", "f:ipFamilies"}
        [(_, port)] = [each for each in owned["f:ports"].items() if each[0].startswith("k:")]
        assert "f:nodePort" not in port
