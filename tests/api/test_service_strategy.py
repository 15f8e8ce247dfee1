from typing import Any, NamedTuple

import pytest

from netemu.api.strategies import prepare_create, prepare_update
from netemu.model.meta import Object, copied
from netemu.model.resources import BY_KEY
from tests.support.objects import a_service

SERVICES = BY_KEY["services"]
A, B = "10.96.0.5", "10.96.0.6"
ADDRESSED = {
    "clusterIP": A,
    "clusterIPs": [A],
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}


def updated(new: Object, old: Object) -> Any:
    before = copied(new), copied(old)
    result = prepare_update(SERVICES, new, old)
    assert (new, old) == before
    return result


def test_a_new_service_has_no_status_of_its_own_making() -> None:
    service = {**a_service(clusterIP=A), "status": {"loadBalancer": {"ingress": [{"ip": B}]}}}
    made = prepare_create(SERVICES, service)
    assert made["status"] == {"loadBalancer": {}}
    assert made["spec"]["clusterIPs"] == [A]


class Case(NamedTuple):
    name: str
    old: dict[str, Any]
    new: dict[str, Any]
    expected: dict[str, Any]


def ports(**by_name: int) -> list[dict[str, Any]]:
    return [
        {"name": name, "port": 80, **({"nodePort": number} if number else {})}
        for name, number in by_name.items()
    ]


LOCAL = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 31000}
CASES = [
    Case("an address left out is kept", ADDRESSED, {}, {"clusterIP": A, "clusterIPs": [A]}),
    Case(
        "an address that changed is left for the rules to refuse",
        ADDRESSED,
        {"clusterIP": B, "clusterIPs": [A]},
        {"clusterIP": B, "clusterIPs": [B]},
    ),
    Case(
        "node ports are kept by the names of their ports",
        {"type": "NodePort", "ports": ports(a=30001, b=30002)},
        {"type": "NodePort", "ports": ports(b=0, c=0)},
        {"ports": ports(b=30002, c=0)},
    ),
    Case(
        "a node port that moved to another port is not given twice",
        {"type": "NodePort", "ports": ports(a=30001)},
        {"type": "NodePort", "ports": ports(a=0, b=30001)},
        {"ports": ports(a=0, b=30001)},
    ),
    Case(
        "a health check is kept while it is needed",
        LOCAL,
        {"type": "LoadBalancer", "externalTrafficPolicy": "Local"},
        {"healthCheckNodePort": 31000},
    ),
    Case(
        "an alias has no address",
        ADDRESSED,
        {**ADDRESSED, "type": "ExternalName"},
        dict.fromkeys(ADDRESSED),
    ),
    Case(
        "an alias that asks for another address is refused later",
        ADDRESSED,
        {**ADDRESSED, "clusterIP": B, "clusterIPs": [B], "type": "ExternalName"},
        {"clusterIP": B, "clusterIPs": [B], "ipFamilies": None},
    ),
    Case(
        "inside, there are no node ports and no outer policy",
        {"type": "NodePort", "ports": ports(a=30001), "externalTrafficPolicy": "Cluster"},
        {"type": "ClusterIP", "ports": ports(a=30001), "externalTrafficPolicy": "Cluster"},
        {"ports": ports(a=0), "externalTrafficPolicy": None},
    ),
    Case(
        "a new node port inside is refused later",
        {"type": "NodePort", "ports": ports(a=30001)},
        {"type": "ClusterIP", "ports": ports(a=30002)},
        {"ports": ports(a=30002)},
    ),
    Case(
        "with external addresses the outer policy still applies",
        {"type": "NodePort", "externalTrafficPolicy": "Local"},
        {"externalIPs": ["1.2.3.4"], "externalTrafficPolicy": "Local"},
        {"externalTrafficPolicy": "Local"},
    ),
    Case(
        "what only a balancer has goes with it",
        {**LOCAL, "allocateLoadBalancerNodePorts": True, "loadBalancerClass": "a/b"},
        {
            **LOCAL,
            "type": "NodePort",
            "allocateLoadBalancerNodePorts": True,
            "loadBalancerClass": "a/b",
        },
        {
            "healthCheckNodePort": None,
            "allocateLoadBalancerNodePorts": None,
            "loadBalancerClass": None,
            "externalTrafficPolicy": "Local",
        },
    ),
    Case("the selector stays", {}, {"type": "ExternalName"}, {"selector": {"app": "web"}}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_updates(case: Case) -> None:
    spec = updated(a_service(**case.new), a_service(**case.old))["spec"]
    assert {key: spec.get(key) for key in case.expected} == case.expected


def test_the_status_is_the_stored_one_and_goes_with_the_balancer() -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}
    old = {**a_service(type="LoadBalancer"), "status": status}
    assert updated({**a_service(type="LoadBalancer"), "status": {}}, old)["status"] == status
    assert updated(a_service(), old)["status"] == {"loadBalancer": {}}
