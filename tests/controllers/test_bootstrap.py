"""What every cluster starts with."""

import random

import pytest

from netemu.api.registry import Registry
from netemu.controllers import bootstrap
from netemu.controllers.bootstrap import plan, wanted
from netemu.model import resources
from netemu.model.addressing import Addressing
from netemu.model.errors import Invalid
from netemu.model.meta import labels_of, uid_of
from netemu.model.service import service_from
from netemu.store.memory import MemoryStore
from tests.support.clock import FakeClock
from tests.support.control import addressing, control
from tests.support.families import BOTH, IPV4, IPV6, IPV6_FIRST
from tests.support.pile import Pile


def test_planning_on_its_own_result_gives_nothing() -> None:
    for want in wanted(addressing()):
        pile = Pile()
        pile.apply(plan(want, None))
        assert plan(want, pile.one(want.resource)) == []


async def test_a_second_start_changes_nothing() -> None:
    async with control(nodes=0) as plane:
        before = plane.store.revision
        await bootstrap(plane.client, addressing())
        assert plane.store.revision == before


async def test_the_api_and_dns_have_their_addresses() -> None:
    async with control(nodes=0) as plane:
        kubernetes = plane.get(resources.SERVICES, "kubernetes")
        assert kubernetes["spec"]["clusterIP"] == "10.96.0.1"
        (part,) = plane.all(resources.ENDPOINT_SLICES)
        assert part["endpoints"][0]["addresses"] == ["172.30.0.10"]
        (subset,) = plane.get(resources.ENDPOINTS, "kubernetes")["subsets"]
        assert subset["addresses"] == [{"ip": "172.30.0.10"}]
        dns = plane.get(resources.SERVICES, "kube-dns", "kube-system")
        assert dns["spec"]["clusterIP"] == "10.96.0.10"
        assert not service_from(dns).proxied
        assert labels_of(dns)["k8s-app"] == "kube-dns"
        assert plane.all(resources.ENDPOINT_SLICES, "kube-system") == []


async def test_what_is_deleted_comes_back() -> None:
    async with control(nodes=0) as plane:
        before = plane.get(resources.SERVICES, "kubernetes")
        await plane.client.delete(resources.SERVICES, "default", "kubernetes")
        await plane.settled()
        after = plane.get(resources.SERVICES, "kubernetes")
        assert uid_of(before) != uid_of(after)
        assert after["spec"]["clusterIP"] == "10.96.0.1"
        assert plane.get(resources.ENDPOINTS, "kubernetes")["subsets"]


async def test_changed_ranges_give_the_services_their_new_addresses() -> None:
    store = MemoryStore()
    for services, expected in (("10.96.0.0/12", "10.96.0.1"), ("10.32.0.0/16", "10.32.0.1")):
        where = addressing(services)
        registry = Registry(store, clock=FakeClock(), rng=random.Random(1), addressing=where)
        client = registry.client("netemu")
        await bootstrap(client, where)
        kubernetes = client.get(resources.SERVICES, "default", "kubernetes")
        assert kubernetes is not None
        assert kubernetes["spec"]["clusterIP"] == expected
        with pytest.raises(Invalid):  # the address is really taken
            await client.create(
                resources.SERVICES,
                {
                    "metadata": {"namespace": "default", "name": "thief"},
                    "spec": {"clusterIP": expected, "ports": [{"port": 80}]},
                },
            )


@pytest.mark.parametrize("where", [BOTH, IPV6_FIRST, IPV6], ids=["both", "IPv6 first", "IPv6"])
def test_planning_for_other_families_gives_nothing_the_second_time(where: Addressing) -> None:
    for want in wanted(where):
        pile = Pile()
        pile.apply(plan(want, None))
        assert plan(want, pile.one(want.resource)) == []


async def test_from_start_to_start_the_families_may_change() -> None:
    store = MemoryStore()
    for where, families in ((IPV4, ["IPv4"]), (BOTH, ["IPv4", "IPv6"]), (IPV6, ["IPv6"])):
        registry = Registry(store, clock=FakeClock(), rng=random.Random(1), addressing=where)
        client = registry.client("netemu")
        await bootstrap(client, where)
        dns = client.get(resources.SERVICES, "kube-system", "kube-dns")
        api = client.get(resources.SERVICES, "default", "kubernetes")
        part = client.get(resources.ENDPOINT_SLICES, "default", "kubernetes")
        assert dns is not None
        assert api is not None
        assert part is not None
        assert dns["spec"]["ipFamilies"] == families
        assert dns["spec"]["clusterIPs"] == [each.dns for each in where.families]
        assert api["spec"]["clusterIPs"] == [where.api], "the API's has the primary family alone"
        assert part["addressType"] == families[0]
