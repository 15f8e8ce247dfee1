"""Who gets which load balancer address: MetalLB's rules."""

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from netemu.controllers.balancerpick import Request, Unavailable, pick, request_from
from netemu.controllers.balancerpools import Pool, own_pool, pool_from
from netemu.model.meta import Object
from tests.support.families import BOTH
from tests.support.samples import service

OWN = own_pool((IPv4Address("172.30.0.240"), IPv4Address("172.30.0.241")))
WEB = Request(key=("default", "web"), ports=(("TCP", 80),), labels={"app": "web"})
OTHER = replace(WEB, key=("default", "other"))


def pool(name: str = "lan", addresses: str = "10.64.140.43-10.64.140.44", **spec: Any) -> Pool:
    obj = {"metadata": {"name": name}, "spec": {"addresses": addresses.split(","), **spec}}
    return pool_from(obj)


LAN = pool()
SHOP = pool("shop", "10.7.0.0/24", serviceAllocation={"namespaces": ["shop"]})
CAREFUL = pool("careful", "10.8.0.0/24", avoidBuggyIPs=True, autoAssign=False)
SHARING = replace(WEB, sharing="key")

PICKS = [
    pytest.param(WEB, (), {}, "172.30.0.240", id="ours, while there is no other pool"),
    pytest.param(WEB, (LAN,), {}, "10.64.140.43", id="theirs, once there is one"),
    pytest.param(WEB, (LAN,), {"10.64.140.43": [OTHER]}, "10.64.140.44", id="the next free one"),
    pytest.param(
        replace(WEB, held=("10.64.140.44",)), (LAN,), {}, "10.64.140.44", id="what it has, it keeps"
    ),
    pytest.param(replace(WEB, held=("172.30.0.240",)), (LAN,), {}, "172.30.0.240", id="ours, too"),
    pytest.param(
        replace(WEB, held=("192.0.2.1",)), (LAN,), {}, "10.64.140.43", id="but not what no pool has"
    ),
    pytest.param(replace(WEB, asked=("10.64.140.44",)), (LAN,), {}, "10.64.140.44", id="as asked"),
    pytest.param(
        replace(WEB, asked=("10.64.140.44",), held=("10.64.140.43",)),
        (LAN,),
        {},
        "10.64.140.44",
        id="as asked by now",
    ),
    pytest.param(
        replace(WEB, asked=("172.30.0.241",)),
        (LAN,),
        {},
        "172.30.0.241",
        id="one of ours, as asked",
    ),
    pytest.param(
        replace(WEB, pool="second"),
        (LAN, pool("second", "10.1.0.0/30")),
        {},
        "10.1.0.0",
        id="the pool asked for",
    ),
    pytest.param(
        WEB,
        (pool("a", "10.1.0.1/32", autoAssign=False), pool("b", "10.2.0.1/32")),
        {},
        "10.2.0.1",
        id="no pool that waits to be asked",
    ),
    pytest.param(
        WEB, (pool("a", "10.1.0.0/24", avoidBuggyIPs=True),), {}, "10.1.0.1", id="no .0 if buggy"
    ),
    pytest.param(
        WEB,
        (
            pool("a", "10.1.0.1/32", serviceAllocation={"priority": 20}),
            pool("b", "10.2.0.1/32", serviceAllocation={"priority": 10}),
            pool("c", "10.3.0.1/32"),
        ),
        {},
        "10.2.0.1",
        id="the lowest number first",
    ),
    pytest.param(
        WEB,
        (
            pool("a", "10.1.0.1/32", serviceAllocation={"namespaces": ["prod"]}),
            pool(
                "b",
                "10.2.0.1/32",
                serviceAllocation={"serviceSelectors": [{"matchLabels": {"app": "db"}}]},
            ),
            pool(
                "c",
                "10.3.0.1/32",
                serviceAllocation={"serviceSelectors": [{"matchLabels": {"app": "web"}}]},
            ),
        ),
        {},
        "10.3.0.1",
        id="only pools that are for it",
    ),
    pytest.param(
        WEB,
        (
            pool("a", "10.1.0.1/32"),
            pool("b", "10.2.0.1/32", serviceAllocation={"namespaces": ["default"]}),
        ),
        {},
        "10.2.0.1",
        id="a pool for its namespace before one for everybody",
    ),
    pytest.param(
        WEB,
        (LAN, pool("b", "10.2.0.1/32", serviceAllocation={"namespaces": ["default"]})),
        {"10.2.0.1": [OTHER]},
        "10.64.140.43",
        id="one for everybody when that is full",
    ),
    pytest.param(
        replace(WEB, namespace_labels={"team": "shop"}),
        (
            pool("a", "10.1.0.1/32"),
            pool(
                "b",
                "10.2.0.1/32",
                serviceAllocation={"namespaceSelectors": [{"matchLabels": {"team": "shop"}}]},
            ),
        ),
        {},
        "10.2.0.1",
        id="a pool for namespaces with a label",
    ),
    pytest.param(
        SHARING,
        (LAN,),
        {"10.64.140.43": [replace(OTHER, sharing="key", ports=(("TCP", 81),))]},
        "10.64.140.43",
        id="shared, with other ports",
    ),
    pytest.param(
        SHARING,
        (LAN,),
        {"10.64.140.43": [replace(OTHER, sharing="key", ports=(("UDP", 80),))]},
        "10.64.140.43",
        id="shared, with another protocol",
    ),
]


@pytest.mark.parametrize(("request_", "pools", "holders", "expected"), PICKS)
def test_a_service_gets(
    request_: Request, pools: tuple[Pool, ...], holders: dict[str, list[Request]], expected: str
) -> None:
    assert pick(request_, pools, OWN, holders).addresses == (expected,)


FULL = {"10.64.140.43": [OTHER], "10.64.140.44": [OTHER]}
REFUSALS = [
    pytest.param(WEB, FULL, "no available IPs", id="full"),
    pytest.param(
        replace(WEB, asked=("10.9.9.9",)),
        {},
        '["10.9.9.9"] is not allowed in config',
        id="no pool's",
    ),
    pytest.param(replace(WEB, mistake="nonsense"), {}, "nonsense", id="nonsense"),
    pytest.param(
        replace(WEB, asked=("10.64.140.43",), pool="wan"),
        {},
        'requested loadBalancer IP(s) ["10.64.140.43"] is not compatible '
        "with requested address pool wan",
        id="of another pool than asked for",
    ),
    pytest.param(
        replace(WEB, asked=("10.64.140.43",), families=("IPv6",)),
        {},
        'requested loadBalancer IP(s) ["10.64.140.43"] does not match the ipFamily of the service',
        id="of another family",
    ),
    pytest.param(
        replace(WEB, asked=("10.7.0.0",)),
        {},
        "pool shop not compatible for ip assignment",
        id="of a pool for others",
    ),
    pytest.param(
        replace(WEB, pool="shop"),
        {},
        "pool shop not compatible for ip assignment",
        id="a pool for others",
    ),
    pytest.param(
        replace(WEB, pool="lan"), FULL, "no available IPs in pool lan", id="the pool asked for full"
    ),
    pytest.param(
        replace(WEB, asked=("10.8.0.0",)),
        {},
        '["10.8.0.0"] is not allowed in config',
        id="what the pool avoids",
    ),
    pytest.param(
        replace(SHARING, asked=("10.64.140.43",), backend="app=web"),
        {"10.64.140.43": [replace(OTHER, sharing="key", ports=(("TCP", 81),))]},
        'can\'t change sharing key for "default/web", address also in use by default/other',
        id="shared by other pods, with the Local policy",
    ),
    pytest.param(
        replace(WEB, asked=("10.64.140.43",)),
        FULL,
        'can\'t change sharing key for "default/web", address also in use by default/other',
        id="another's",
    ),
    pytest.param(
        replace(SHARING, asked=("10.64.140.43",)),
        {"10.64.140.43": [replace(OTHER, sharing="key")]},
        'port TCP/80 is already in use on "10.64.140.43"',
        id="shared, with the same port",
    ),
    pytest.param(replace(WEB, pool="x"), {}, 'unknown pool "x"', id="unknown pool"),
]


@pytest.mark.parametrize(("request_", "holders", "words"), REFUSALS)
def test_a_service_is_refused(
    request_: Request, holders: dict[str, list[Request]], words: str
) -> None:
    with pytest.raises(Unavailable) as refused:
        pick(request_, (LAN, SHOP, CAREFUL), OWN, holders)
    assert str(refused.value) == words


def test_a_service_says_what_it_wants() -> None:
    web = service(type="LoadBalancer", loadBalancerIP="10.64.140.44", externalTrafficPolicy="Local")
    web["metadata"]["annotations"] = {
        "metallb.universe.tf/address-pool": "lan",
        "metallb.io/allow-shared-ip": "key",
    }
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "10.64.140.43"}]}}
    assert request_from(web, {"team": "shop"}) == Request(
        key=("default", "web"),
        asked=("10.64.140.44",),
        pool="lan",
        held=("10.64.140.43",),
        ports=(("TCP", 80),),
        sharing="key",
        backend="app=web",
        labels={"tier": "front"},
        namespace_labels={"team": "shop"},
    )


ASKED = "metallb.io/loadBalancerIPs"
MISTAKES = [
    ("x", "", 'invalid spec.loadBalancerIP "x"'),
    ("", "10.0.0.1,x", f'invalid {ASKED}: "10.0.0.1,x"'),
    ("10.0.0.1", "10.0.0.2", f"service can not have both {ASKED} and svc.Spec.LoadBalancerIP"),
    (
        "",
        "10.0.0.1,10.0.0.2",
        'IPFamilyForAddresses: same address family ["10.0.0.1" "10.0.0.2"]',
    ),
]


@pytest.mark.parametrize(("field", "annotation", "expected"), MISTAKES)
def test_what_is_wrong_with_addresses_it_asks_for(
    field: str, annotation: str, expected: str
) -> None:
    web = service(type="LoadBalancer", loadBalancerIP=field)
    web["metadata"]["annotations"] = {ASKED: annotation} if annotation else {}
    assert request_from(web, {}).mistake == expected


OWN_BOTH = own_pool(*(each.load_balancers for each in BOTH.families))
DUAL: dict[str, Any] = {"type": "LoadBalancer", "ipFamilies": ["IPv4", "IPv6"]}
V4, V6 = pool("four", "10.1.0.0/24"), pool("six", "2001:db8::/64")


def picked(web: Object, *pools: Pool) -> tuple[str, ...]:
    return pick(request_from(web, {}), pools, OWN_BOTH, {}).addresses


def test_a_service_of_two_families_gets_an_address_of_each() -> None:
    assert picked(service(**DUAL)) == ("172.30.0.240", "fd00:172:30::f0")
    assert picked(service(**{**DUAL, "ipFamilies": ["IPv6", "IPv4"]})) == (
        "fd00:172:30::f0",
        "172.30.0.240",
    )
    lan = pool(addresses="10.64.140.43/32,2001:db8::/64")
    assert picked(service(**DUAL), V4, V6, lan) == ("10.64.140.43", "2001:db8::")


def test_who_only_prefers_two_families_takes_one() -> None:
    web = service(**DUAL, ipFamilyPolicy="PreferDualStack")
    assert picked(web, V6, V4) == ("10.1.0.0",)
    assert picked(web, V6) == ("2001:db8::",)
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "10.1.0.7"}]}}
    assert picked(web, V6, V4) == ("10.1.0.7",)


def test_of_the_addresses_it_asks_for_each_is_of_its_family() -> None:
    web = service(**DUAL)
    web["metadata"]["annotations"] = {ASKED: "fd00:172:30::f7,172.30.0.247"}
    assert picked(web) == ("172.30.0.247", "fd00:172:30::f7")


def test_without_pools_of_metallb_one_address_may_be_asked_for() -> None:
    web = service(**DUAL, loadBalancerIP="172.30.0.247")
    assert picked(web) == ("172.30.0.247", "fd00:172:30::f0")
    with pytest.raises(Unavailable, match="does not match the ipFamily"):
        picked(web, V4)


def test_a_pool_of_one_family_has_nothing_for_the_other() -> None:
    with pytest.raises(Unavailable, match="no available IPs"):
        picked(service(**DUAL), V4, V6)


def test_why_an_address_is_lost_is_told() -> None:
    web = service(type="LoadBalancer")
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    found = pick(request_from(web, {}), (V4,), OWN_BOTH, {})
    assert (found.addresses, found.pool) == (("10.1.0.0",), "four")
    assert found.lost == '["192.0.2.1"] is not allowed in config'
