"""Who gets which address: MetalLB's rules, and how its pools are written."""

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import yaml

from netemu.controllers.balancerpools import (
    BadPool,
    Pool,
    Request,
    Unavailable,
    own_pool,
    pick,
    pool_from,
    pools_from_config,
    requests_from,
)
from netemu.model.meta import Object
from tests.support.families import BOTH
from tests.support.samples import service

SEEDS = Path(__file__).parents[1] / "seeds"
OWN = own_pool((IPv4Address("172.30.0.240"), IPv4Address("172.30.0.241")))
WEB = Request(key=("default", "web"), ports=frozenset({("TCP", 80)}), labels={"app": "web"})
OTHER = replace(WEB, key=("default", "other"))


def pool(name: str = "lan", addresses: str = "10.64.140.43-10.64.140.44", **spec: Any) -> Pool:
    obj = {"metadata": {"name": name}, "spec": {"addresses": addresses.split(","), **spec}}
    return pool_from(obj)


LAN = pool()
SHARING = replace(WEB, sharing="key")

PICKS = [
    pytest.param(WEB, (), {}, "172.30.0.240", id="ours, while there is no other pool"),
    pytest.param(WEB, (LAN,), {}, "10.64.140.43", id="theirs, once there is one"),
    pytest.param(WEB, (LAN,), {"10.64.140.43": [OTHER]}, "10.64.140.44", id="the next free one"),
    pytest.param(
        replace(WEB, held="10.64.140.44"), (LAN,), {}, "10.64.140.44", id="what it has, it keeps"
    ),
    pytest.param(replace(WEB, held="172.30.0.240"), (LAN,), {}, "172.30.0.240", id="ours, too"),
    pytest.param(
        replace(WEB, held="192.0.2.1"), (LAN,), {}, "10.64.140.43", id="but not what no pool has"
    ),
    pytest.param(replace(WEB, address="10.64.140.44"), (LAN,), {}, "10.64.140.44", id="as asked"),
    pytest.param(
        replace(WEB, address="10.64.140.44", held="10.64.140.43"),
        (LAN,),
        {},
        "10.64.140.44",
        id="as asked by now",
    ),
    pytest.param(
        replace(WEB, address="172.30.0.241"), (LAN,), {}, "172.30.0.241", id="one of ours, as asked"
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
        SHARING,
        (LAN,),
        {"10.64.140.43": [replace(OTHER, sharing="key", ports=frozenset({("TCP", 81)}))]},
        "10.64.140.43",
        id="shared, with other ports",
    ),
    pytest.param(
        SHARING,
        (LAN,),
        {"10.64.140.43": [replace(OTHER, sharing="key", ports=frozenset({("UDP", 80)}))]},
        "10.64.140.43",
        id="shared, with another protocol",
    ),
]


@pytest.mark.parametrize(("request_", "pools", "holders", "expected"), PICKS)
def test_a_service_gets(
    request_: Request, pools: tuple[Pool, ...], holders: dict[str, list[Request]], expected: str
) -> None:
    assert pick(request_, pools, OWN, holders) == expected


FULL = {"10.64.140.43": [OTHER], "10.64.140.44": [OTHER]}
REFUSALS = [
    pytest.param(WEB, FULL, "no available IPs", id="full"),
    pytest.param(
        replace(WEB, address="10.9.9.9"), {}, '"10.9.9.9" is not allowed in config', id="no pool's"
    ),
    pytest.param(replace(WEB, address="x"), {}, 'invalid spec.loadBalancerIP "x"', id="nonsense"),
    pytest.param(
        replace(WEB, address="10.64.140.43"),
        FULL,
        'can\'t change sharing key for "default/web", address also in use by default/other',
        id="another's",
    ),
    pytest.param(
        replace(SHARING, address="10.64.140.43"),
        {"10.64.140.43": [replace(OTHER, sharing="key")]},
        "port tcp/80 is already in use by default/other",
        id="shared, with the same port",
    ),
    pytest.param(replace(WEB, pool="x"), {}, 'unknown pool "x"', id="unknown pool"),
]


@pytest.mark.parametrize(("request_", "holders", "words"), REFUSALS)
def test_a_service_is_refused(
    request_: Request, holders: dict[str, list[Request]], words: str
) -> None:
    with pytest.raises(Unavailable) as refused:
        pick(request_, (LAN,), OWN, holders)
    assert str(refused.value) == words


def test_the_config_map_of_old_is_read() -> None:
    config = yaml.safe_load((SEEDS / "metallb-configmap.yaml").read_text())
    [found] = pools_from_config(config)
    assert found.name == "default"
    assert found.has("10.64.140.43")
    assert found.has("10.64.140.49")
    assert not found.has("10.64.140.50")


@pytest.mark.parametrize(
    "text", ["[", "address-pools: [{addresses: [x]}]", "address-pools: 5", "a"]
)
def test_a_config_that_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(BadPool):
        pools_from_config({"metadata": {}, "data": {"config": text}})


@pytest.mark.parametrize(
    "spec",
    [
        {"addresses": ["10.0.0.0/33"]},
        {"addresses": ["10.0.0.9-x"]},
        {
            "addresses": ["10.0.0.1/32"],
            "serviceAllocation": {"serviceSelectors": [{"matchExpressions": [{"key": "a"}]}]},
        },
    ],
)
def test_a_pool_that_cannot_be_read_is_told(spec: Object) -> None:
    with pytest.raises(BadPool):
        pool_from({"metadata": {"name": "x"}, "spec": spec})


def test_a_service_says_what_it_wants() -> None:
    web = service(type="LoadBalancer", loadBalancerIP="10.64.140.44")
    web["metadata"]["annotations"] = {
        "metallb.universe.tf/address-pool": "lan",
        "metallb.io/allow-shared-ip": "key",
    }
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "10.64.140.43"}]}}
    [request] = requests_from(web)
    assert request == Request(
        key=("default", "web"),
        address="10.64.140.44",
        pool="lan",
        held="10.64.140.43",
        ports=frozenset({("TCP", 80)}),
        sharing="key",
        labels={"tier": "front"},
    )


OWN_BOTH = own_pool(*(each.load_balancers for each in BOTH.families))
DUAL: dict[str, Any] = {"type": "LoadBalancer", "ipFamilies": ["IPv4", "IPv6"]}


def picked(web: Object, *pools: Pool) -> list[str]:
    return [pick(request, pools, OWN_BOTH, {}) for request in requests_from(web)]


def test_a_service_of_two_families_gets_an_address_of_each() -> None:
    assert picked(service(**DUAL)) == ["172.30.0.240", "fd00:172:30::f0"]
    assert picked(service(**{**DUAL, "ipFamilies": ["IPv6", "IPv4"]})) == [
        "fd00:172:30::f0",
        "172.30.0.240",
    ]
    lan = pool(addresses="10.64.140.43/32,2001:db8::/64")
    assert picked(service(**DUAL), lan) == ["10.64.140.43", "2001:db8::"]


def test_of_the_addresses_it_asks_for_each_is_of_its_family() -> None:
    web = service(**DUAL)
    web["metadata"]["annotations"] = {"metallb.io/loadBalancerIPs": "fd00:172:30::f7,172.30.0.247"}
    assert picked(web) == ["172.30.0.247", "fd00:172:30::f7"]


def test_a_pool_of_one_family_has_nothing_for_the_other() -> None:
    with pytest.raises(Unavailable, match="no available IPs"):
        picked(service(**DUAL), LAN)
