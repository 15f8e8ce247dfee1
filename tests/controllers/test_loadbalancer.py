"""Load balancers, with the real API and every other controller beside."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from netemu.controllers.actions import Action, Tell
from netemu.controllers.balancerpick import FROM_POOL
from netemu.controllers.balancerpools import own_pool, pool_from
from netemu.controllers.loadbalancer import CLASS, FINALIZER, Observed, plan
from netemu.model import resources
from netemu.model.meta import Object, annotations_of
from tests.support.control import Control, addressing, control
from tests.support.families import BOTH
from tests.support.pile import Pile
from tests.support.samples import service

FIRST, SECOND = "172.30.0.240", "172.30.0.241"
PORTS = [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}]


@pytest.fixture
async def plane() -> AsyncIterator[Control]:
    async with control() as plane:
        yield plane


def balancer(name: str = "web", **spec: Any) -> Object:
    metadata = {"namespace": "default", "name": name}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": PORTS, **spec},
    }


def ingress(obj: Object) -> list[Object]:
    return list((obj["status"].get("loadBalancer") or {}).get("ingress") or ())


def addresses(obj: Object) -> list[str]:
    return [item["ip"] for item in ingress(obj)]


def finalizers(obj: Object) -> list[str]:
    return list(obj["metadata"].get("finalizers") or ())


async def test_a_balancer_gets_a_finalizer_and_an_address_and_that_is_told(plane: Control) -> None:
    web = await plane.apply(resources.SERVICES, balancer())
    assert finalizers(web) == [FINALIZER]
    assert ingress(web) == [{"ip": FIRST, "ipMode": "VIP"}]
    assert plane.events("EnsuringLoadBalancer") == ["web: Ensuring load balancer"]
    assert plane.events("IPAllocated") == [f'web: Assigned IP ["{FIRST}"]']
    assert plane.events("EnsuredLoadBalancer") == ["web: Ensured load balancer"]


async def test_each_balancer_has_an_address_of_its_own(plane: Control) -> None:
    for name in ("a", "b"):
        await plane.client.create(resources.SERVICES, balancer(name))
    await plane.settled()
    found = [addresses(plane.get(resources.SERVICES, name)) for name in ("a", "b")]
    assert sorted(found) == [[FIRST], [SECOND]]


async def test_ports_change_and_the_address_stays(plane: Control) -> None:
    await plane.apply(resources.SERVICES, balancer())
    await plane.change(resources.SERVICES, "web", ports=[{**PORTS[0], "port": 81}])
    web = plane.get(resources.SERVICES, "web")
    assert addresses(web) == [FIRST]
    assert len(plane.events("EnsuredLoadBalancer")) == 1


async def test_a_deleted_balancer_frees_its_address(plane: Control) -> None:
    await plane.apply(resources.SERVICES, balancer("a", loadBalancerIP=SECOND))
    waiting = await plane.apply(resources.SERVICES, balancer("b", loadBalancerIP=SECOND))
    assert addresses(waiting) == []
    await plane.client.delete(resources.SERVICES, "default", "a")
    await plane.settled()
    assert plane.client.get(resources.SERVICES, "default", "a") is None
    assert addresses(plane.get(resources.SERVICES, "b")) == [SECOND]


async def test_another_type_frees_it_too_and_back_gets_one_again(plane: Control) -> None:
    await plane.apply(resources.SERVICES, balancer())
    await plane.change(resources.SERVICES, "web", type="ClusterIP")
    web = plane.get(resources.SERVICES, "web")
    assert (ingress(web), finalizers(web)) == ([], [])
    assert plane.events("DeletedLoadBalancer") == ["web: Deleted load balancer"]
    await plane.change(resources.SERVICES, "web", type="LoadBalancer")
    web = plane.get(resources.SERVICES, "web")
    assert (addresses(web), finalizers(web)) == ([FIRST], [FINALIZER])


async def test_an_address_nobody_can_give_is_told_once_and_waited_for(plane: Control) -> None:
    web = await plane.apply(resources.SERVICES, balancer(loadBalancerIP="10.64.140.44"))
    assert addresses(web) == []
    words = 'Failed to allocate IP for "default/web": ["10.64.140.44"] is not allowed in config'
    assert plane.events("AllocationFailed") == [f"web: {words}"]
    await plane.change(resources.SERVICES, "web", sessionAffinity="None")
    assert len(plane.events("AllocationFailed")) == 1
    await plane.apply(resources.IP_ADDRESS_POOLS, pool("lan", "10.64.140.43-10.64.140.49"))
    assert addresses(plane.get(resources.SERVICES, "web")) == ["10.64.140.44"]


async def test_the_config_map_makes_pools(plane: Control) -> None:
    await plane.client.create(resources.NAMESPACES, {"metadata": {"name": "metallb-system"}})
    await plane.settled()
    text = "address-pools:\n- name: lan\n  protocol: layer2\n  addresses: [10.64.140.43/32]\n"
    metadata = {"namespace": "metallb-system", "name": "config"}
    await plane.client.create(
        resources.CONFIG_MAPS, {"metadata": metadata, "data": {"config": text}}
    )
    await plane.settled()
    one = await plane.apply(resources.SERVICES, balancer("one"))
    other = await plane.apply(resources.SERVICES, balancer("other"))
    assert (addresses(one), addresses(other)) == (["10.64.140.43"], [])
    assert plane.events("AllocationFailed") == [
        'other: Failed to allocate IP for "default/other": no available IPs'
    ]


async def test_a_bad_pool_is_told(plane: Control) -> None:
    await plane.apply(resources.IP_ADDRESS_POOLS, pool("lan", "10.64.140.43-x"))
    [told] = plane.events("InvalidConfiguration")
    assert told.startswith('lan: parsing address pool lan: invalid CIDR "10.64.140.43-x"')


async def test_an_address_of_metallb_says_of_which_pool_until_it_is_lost(plane: Control) -> None:
    await plane.apply(resources.IP_ADDRESS_POOLS, pool("lan", "10.64.140.43/32"))
    web = await plane.apply(resources.SERVICES, balancer())
    assert annotations_of(web)[FROM_POOL] == "lan"
    await plane.apply(resources.IP_ADDRESS_POOLS, pool("wan", "10.64.140.44/32"))
    await plane.client.delete(resources.IP_ADDRESS_POOLS, "default", "lan")
    await plane.settled()
    web = plane.get(resources.SERVICES, "web")
    assert (addresses(web), annotations_of(web)[FROM_POOL]) == (["10.64.140.44"], "wan")
    assert plane.events("ClearAssignment") == [
        (
            'web: current IP for "default/web" not allowed by config, '
            'will attempt for new IP assignment: ["10.64.140.43"] is not allowed in config'
        )
    ]
    await plane.apply(resources.IP_ADDRESS_POOLS, pool("lan", "10.64.140.43/32", autoAssign=False))
    await plane.client.delete(resources.IP_ADDRESS_POOLS, "default", "wan")
    await plane.settled()
    web = plane.get(resources.SERVICES, "web")
    assert (addresses(web), FROM_POOL in annotations_of(web)) == ([], False)
    assert len(plane.events("ClearAssignment")) == 2
    await plane.apply(resources.IP_ADDRESS_POOLS, pool("wan", "10.64.140.44/32"))
    assert addresses(plane.get(resources.SERVICES, "web")) == ["10.64.140.44"]
    await plane.change(resources.SERVICES, "web", type="ClusterIP")
    assert FROM_POOL not in annotations_of(plane.get(resources.SERVICES, "web"))


async def test_a_namespace_may_become_one_that_a_pool_is_for(plane: Control) -> None:
    lan = pool("lan", "10.64.140.43/32")
    lan["spec"]["serviceAllocation"] = {"namespaceSelectors": [{"matchLabels": {"team": "shop"}}]}
    await plane.apply(resources.IP_ADDRESS_POOLS, lan)
    assert addresses(await plane.apply(resources.SERVICES, balancer())) == []
    namespace = plane.client.get(resources.NAMESPACES, "", "default")
    assert namespace is not None
    metadata = {**namespace["metadata"], "labels": {"team": "shop"}}
    await plane.client.update(resources.NAMESPACES, {**namespace, "metadata": metadata})
    await plane.settled()
    assert addresses(plane.get(resources.SERVICES, "web")) == ["10.64.140.43"]


@pytest.mark.parametrize(("name", "expected"), [("example.com/other", []), (CLASS, [FIRST])])
async def test_a_class_says_whose_it_is(plane: Control, name: str, expected: list[str]) -> None:
    web = await plane.apply(resources.SERVICES, balancer(loadBalancerClass=name))
    assert addresses(web) == expected
    assert finalizers(web) == ([FINALIZER] if expected else [])


def pool(name: str, addresses: str, **spec: Any) -> Object:
    metadata = {"namespace": "default", "name": name}
    return {"metadata": metadata, "spec": {"addresses": [addresses], **spec}}


@pytest.mark.parametrize("kind", ["LoadBalancer", "ClusterIP"])
def test_planning_on_its_own_result_gives_nothing(kind: str) -> None:
    pile = Pile()
    web = service(type=kind)
    web["metadata"]["finalizers"] = [] if kind == "LoadBalancer" else [FINALIZER, "mine"]
    pile.put(resources.SERVICES, web)
    actions: list[Action] = []
    for _ in range(2):
        found = pile.one(resources.SERVICES)
        own = own_pool(addressing().load_balancers)
        actions = plan(Observed(service=found, pools=(), own=own))
        pile.apply(actions)
    assert actions == []
    expected = [FINALIZER] if kind == "LoadBalancer" else ["mine"]
    assert finalizers(pile.one(resources.SERVICES)) == expected


DUAL: dict[str, Any] = {"type": "LoadBalancer", "ipFamilies": ["IPv4", "IPv6"]}


@pytest.mark.parametrize(
    ("policy", "pools", "expected"),
    [
        ("RequireDualStack", (), ["172.30.0.240", "fd00:172:30::f0"]),
        ("PreferDualStack", ("10.64.140.43/32",), ["10.64.140.43"]),
        ("RequireDualStack", ("10.64.140.43/32",), []),
    ],
)
def test_a_balancer_of_two_families(
    policy: str, pools: tuple[str, ...], expected: list[str]
) -> None:
    pile = Pile()
    web = service(**DUAL, ipFamilyPolicy=policy)
    pile.put(resources.SERVICES, {**web, "status": {}})
    own = own_pool(*(each.load_balancers for each in BOTH.families))
    theirs = tuple(pool_from(pool("lan", each)) for each in pools)
    actions: list[Action] = []
    for _ in range(3):
        found = pile.one(resources.SERVICES)
        actions = plan(Observed(service=found, pools=theirs, own=own))
        pile.apply(actions)
    assert [each for each in actions if not isinstance(each, Tell)] == []
    assert addresses(pile.one(resources.SERVICES)) == expected


def test_a_second_address_goes_with_its_family() -> None:
    web = service(type="LoadBalancer")
    web["metadata"]["finalizers"] = [FINALIZER]
    ips = ("172.30.0.240", "fd00:172:30::f0")
    web["status"] = {"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"} for ip in ips]}}
    pile = Pile()
    pile.put(resources.SERVICES, web)
    own = own_pool(*(each.load_balancers for each in BOTH.families))
    pile.apply(plan(Observed(service=web, pools=(), own=own)))
    assert addresses(pile.one(resources.SERVICES)) == ["172.30.0.240"]
