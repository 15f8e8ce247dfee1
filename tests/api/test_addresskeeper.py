"""Addresses follow what becomes of the writes that took them."""

import random

import pytest

from netemu.api.addresskeeper import AddressKeeper
from netemu.api.defaults import with_defaults
from netemu.api.strategies import prepare_create
from netemu.model.errors import Invalid
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from netemu.store.memory import MemoryStore
from tests.support.api import ADDRESSING, Cluster
from tests.support.bodies import MERGE
from tests.support.clock import FakeClock
from tests.support.objects import a_service

SERVICE, CONFIG_MAP = BY_KEY["services"], BY_KEY["configmaps"]
ASKED = "10.96.0.77"


def a_keeper() -> AddressKeeper:
    return AddressKeeper(MemoryStore(), ADDRESSING, (30000, 32767), random.Random(1), FakeClock())


def wanted() -> Object:
    service = a_service(clusterIP=ASKED, clusterIPs=[ASKED])
    return prepare_create(SERVICE, with_defaults(SERVICE, service))


async def is_free(keeper: AddressKeeper) -> bool:
    try:
        async with keeper.held(SERVICE, wanted(), None, dry_run=True):
            return True
    except Invalid:
        return False


async def test_a_write_that_succeeds_keeps_them_until_the_service_goes() -> None:
    keeper = a_keeper()
    async with keeper.held(SERVICE, wanted(), None, dry_run=False) as made:
        assert made["spec"]["clusterIP"] == ASKED
    assert not await is_free(keeper)
    await keeper.release(SERVICE, made)
    assert await is_free(keeper)


async def test_a_dry_run_takes_nothing() -> None:
    keeper = a_keeper()
    async with keeper.held(SERVICE, wanted(), None, dry_run=True):
        assert not await is_free(keeper)
    assert await is_free(keeper)


async def test_a_write_that_fails_takes_nothing() -> None:
    keeper = a_keeper()
    with pytest.raises(RuntimeError):
        async with keeper.held(SERVICE, wanted(), None, dry_run=False):
            raise RuntimeError
    assert await is_free(keeper)


async def test_other_kinds_pass() -> None:
    async with a_keeper().held(CONFIG_MAP, {"metadata": {}}, None, dry_run=False) as obj:
        assert obj == {"metadata": {}}


PATH = "/apis/networking.k8s.io/v1beta1/ipaddresses"
SERVICES = "/api/v1/namespaces/default/services"
WEB = {"metadata": {"name": "web"}, "spec": {"clusterIP": ASKED, "ports": [{"port": 80}]}}


async def names(cluster: Cluster) -> list[str]:
    return [item["metadata"]["name"] for item in (await cluster.json("GET", PATH))["items"]]


async def test_each_address_of_a_service_has_an_object_for_as_long(cluster: Cluster) -> None:
    await cluster.json("POST", SERVICES, WEB, dryRun="All")
    assert await names(cluster) == []
    await cluster.json("POST", SERVICES, WEB)
    obj = await cluster.json("GET", f"{PATH}/{ASKED}")
    parent = {"name": "web", "namespace": "default", "resource": "services"}
    assert obj["spec"] == {"parentRef": parent}
    assert obj["metadata"]["uid"]
    assert obj["metadata"]["managedFields"][0]["manager"] == "kube-apiserver"
    alias = {"spec": {"type": "ExternalName", "externalName": "a.b", "clusterIP": None,
                      "clusterIPs": None, "ports": None}}  # fmt: skip
    await cluster.json("PATCH", f"{SERVICES}/web", alias, content_type=MERGE)
    assert await names(cluster) == []
    other = {**WEB, "metadata": {"name": "other"}}
    await cluster.json("POST", SERVICES, other)
    await cluster.json("DELETE", f"{SERVICES}/other")
    assert await names(cluster) == []


async def test_an_address_taken_by_hand_is_no_services(cluster: Cluster) -> None:
    parent = {"group": "gateway.networking.k8s.io", "resource": "gateways", "name": "g"}
    mine = {"metadata": {"name": ASKED}, "spec": {"parentRef": parent}}
    await cluster.json("POST", PATH, mine)
    status = await cluster.refused("POST", SERVICES, WEB)
    assert "provided IP is already allocated" in status["message"]
    changed = {"spec": {"parentRef": {"name": "h"}}}
    status = await cluster.refused("PATCH", f"{PATH}/{ASKED}", changed, content_type=MERGE)
    assert status["message"].endswith("field is immutable")
    await cluster.json("DELETE", f"{PATH}/{ASKED}")
    await cluster.json("POST", SERVICES, WEB)
    assert await names(cluster) == [ASKED]


async def test_deleting_its_object_does_not_free_a_services_address(cluster: Cluster) -> None:
    await cluster.json("POST", SERVICES, WEB)
    await cluster.json("DELETE", f"{PATH}/{ASKED}")
    other = {**WEB, "metadata": {"name": "other"}}
    assert (await cluster.refused("POST", SERVICES, other))["code"] == 422


async def test_what_was_taken_by_hand_stays_so_over_a_restart() -> None:
    store = MemoryStore()
    parent = {"resource": "gateways", "name": "g"}
    mine = {"metadata": {"name": ASKED}, "spec": {"parentRef": parent}}
    await store.create("ipaddresses.networking.k8s.io", ("", ASKED), mine)
    keeper = AddressKeeper(store, ADDRESSING, (30000, 32767), random.Random(1), FakeClock())
    assert not await is_free(keeper)
