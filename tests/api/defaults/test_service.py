from typing import Any, NamedTuple

import pytest

from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY
from tests.support.objects import a_service


def defaulted(obj: Object) -> Any:
    return with_defaults(BY_KEY["services"], obj)


def test_a_service_is_a_cluster_ip_with_tcp_ports() -> None:
    assert defaulted(a_service())["spec"] == {
        "type": "ClusterIP",
        "selector": {"app": "web"},
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
    }


class Case(NamedTuple):
    name: str
    given: dict[str, Any]
    expected: dict[str, Any]


CASES = [
    Case(
        "a node port is reached from outside",
        {"type": "NodePort"},
        {"externalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": None},
    ),
    Case(
        "external addresses make a cluster IP reachable, too",
        {"externalIPs": ["1.2.3.4"]},
        {"externalTrafficPolicy": "Cluster"},
    ),
    Case(
        "a load balancer has node ports",
        {"type": "LoadBalancer"},
        {"allocateLoadBalancerNodePorts": True, "externalTrafficPolicy": "Cluster"},
    ),
    Case(
        "a load balancer may do without",
        {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False},
        {"allocateLoadBalancerNodePorts": False},
    ),
    Case(
        "an alias has no traffic policy",
        {"type": "ExternalName", "externalName": "x.org"},
        {"internalTrafficPolicy": None, "externalTrafficPolicy": None},
    ),
    Case(
        "no affinity has no settings",
        {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}},
        {"sessionAffinityConfig": None},
    ),
    Case(
        "affinity lasts three hours",
        {"sessionAffinity": "ClientIP"},
        {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}},
    ),
    Case(
        "affinity lasts as long as is said",
        {
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}},
        },
        {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}},
    ),
    Case(
        "a target port by name stays",
        {"ports": [{"port": 53, "protocol": "UDP", "targetPort": "dns"}]},
        {"ports": [{"port": 53, "protocol": "UDP", "targetPort": "dns"}]},
    ),
    Case(
        "no target port is the port",
        {"ports": [{"port": 53, "targetPort": 0, "nodePort": 0}]},
        {"ports": [{"port": 53, "protocol": "TCP", "targetPort": 53}]},
    ),
    Case("no address is none", {"clusterIP": "", "clusterIPs": []}, {"clusterIP": None}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_defaults(case: Case) -> None:
    spec = defaulted(a_service(**case.given))["spec"]
    assert {key: spec.get(key) for key in case.expected} == case.expected


def test_an_address_of_a_load_balancer_is_a_virtual_one() -> None:
    service = a_service(type="LoadBalancer")
    ingress = [{"ip": "1.2.3.4"}, {"hostname": "x.org"}, {"ip": "1.2.3.5", "ipMode": "Proxy"}]
    service["status"] = {"loadBalancer": {"ingress": ingress}}
    assert defaulted(service)["status"]["loadBalancer"]["ingress"] == [
        {"ip": "1.2.3.4", "ipMode": "VIP"},
        {"hostname": "x.org"},
        {"ip": "1.2.3.5", "ipMode": "Proxy"},
    ]
