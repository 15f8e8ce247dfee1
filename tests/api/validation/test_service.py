from typing import Any, NamedTuple

import pytest

from netemu.model.names import dns_1035_label, dns_label, dns_subdomain, port_name, qualified_name
from tests.support.objects import a_service, created, refusals

BAD_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
BAD_RANGE = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
ONLY_BALANCED = "Forbidden: may only be used when `type` is 'LoadBalancer'"


def of(**spec: Any) -> list[str]:
    return refusals("services", created("services", a_service(**spec)))


class Case(NamedTuple):
    name: str
    spec: dict[str, Any]
    refusals: list[str]


def shown(protocol: str, port: int) -> str:
    return (
        f'core.ServicePort{{Name:"", Protocol:"{protocol}", AppProtocol:(*string)(nil), '
        f'Port:{port}, TargetPort:intstr.IntOrString{{Type:0, IntVal:0, StrVal:""}}, NodePort:0}}'
    )


CASES = [
    Case("usual", {}, []),
    Case("headless, without ports", {"clusterIP": "None", "ports": None}, []),
    Case("an alias", {"type": "ExternalName", "externalName": "x.org.", "ports": None}, []),
    Case("no ports", {"ports": []}, ["spec.ports: Required value"]),
    Case(
        "an unknown type",
        {"type": "Magic"},
        [
            (
                'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", '
                '"ExternalName", "LoadBalancer", "NodePort"'
            )
        ],
    ),
    Case(
        "headless and at every node",
        {"type": "NodePort", "clusterIP": "None"},
        [
            (
                "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for "
                "NodePort "
                "services"
            )
        ],
    ),
    Case(
        "headless and balanced",
        {"type": "LoadBalancer", "clusterIP": "None"},
        [
            (
                "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for "
                "LoadBalancer services"
            )
        ],
    ),
    Case(
        "the kubelet's port to the world",
        {"type": "LoadBalancer", "ports": [{"port": 10250}]},
        [
            (
                "spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally "
                "since it is "
                "used by kubelet"
            )
        ],
    ),
    Case(
        "an alias with addresses and no name",
        {"type": "ExternalName", "clusterIP": "10.96.0.5", "ipFamilyPolicy": "SingleStack"},
        [
            "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
            "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
            "spec.externalName: Required value",
        ],
    ),
    Case(
        "an alias for no name",
        {"type": "ExternalName", "externalName": "X_Y"},
        [f'spec.externalName: Invalid value: "X_Y": {dns_subdomain("X_Y")[0]}'],
    ),
    Case(
        "ports",
        {
            "ports": [
                {"port": 80},
                {"name": "a", "port": 0, "protocol": "tcp"},
                {"name": "a", "port": 82, "targetPort": "Web", "appProtocol": "a b"},
                {"name": "A.B", "port": 83, "targetPort": 70000},
            ]
        },
        [
            "spec.ports[0].name: Required value",
            "spec.ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive",
            (
                'spec.ports[1].protocol: Unsupported value: "tcp": supported values: "SCTP", '
                '"TCP", '
                '"UDP"'
            ),
            "spec.ports[1].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
            'spec.ports[2].name: Duplicate value: "a"',
            f'spec.ports[2].targetPort: Invalid value: "Web": {port_name("Web")[0]}',
            f'spec.ports[2].appProtocol: Invalid value: "a b": {qualified_name("a b")[0]}',
            f'spec.ports[3].name: Invalid value: "A.B": {dns_label("A.B")[0]}',
            (
                "spec.ports[3].targetPort: Invalid value: 70000: must be between 1 and 65535, "
                "inclusive"
            ),
        ],
    ),
    Case(
        "one port twice",
        {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]},
        [f"spec.ports[1]: Duplicate value: {shown('TCP', 80)}"],
    ),
    Case(
        "one port by two protocols",
        {
            "type": "NodePort",
            "ports": [
                {"name": "a", "port": 53, "nodePort": 30053},
                {"name": "b", "port": 53, "nodePort": 30053, "protocol": "UDP"},
            ],
        },
        [],
    ),
    Case(
        "one node port twice",
        {
            "type": "NodePort",
            "ports": [
                {"name": "a", "port": 80, "nodePort": 30080},
                {"name": "b", "port": 81, "nodePort": 30080},
            ],
        },
        ["spec.ports[1].nodePort: Duplicate value: 30080"],
    ),
    Case(
        "a node port inside",
        {"ports": [{"port": 80, "nodePort": 30080}]},
        ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ),
    Case(
        "an affinity of another kind",
        {"sessionAffinity": "Cookie"},
        ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
    ),
    *(
        Case(
            f"an affinity of {seconds} s",
            {
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": seconds}},
            },
            [
                (
                    "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: "
                    f"{seconds}: must be greater than 0 and less than 86400"
                )
            ],
        )
        for seconds in (0, 86401)
    ),
    Case(
        "an affinity of a day",
        {
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 86400}},
        },
        [],
    ),
    Case(
        "addresses outside",
        {"externalIPs": ["1.2.3.4", "x", "127.0.0.1"]},
        [
            f'spec.externalIPs[1]: Invalid value: "x": {BAD_IP}',
            (
                'spec.externalIPs[2]: Invalid value: "127.0.0.1": may not be in the loopback range '
                "(127.0.0.0/8, ::1/128)"
            ),
        ],
    ),
    Case(
        "sources of a balancer",
        {"type": "LoadBalancer", "loadBalancerSourceRanges": [" 10.0.0.0/8 ", "x"]},
        [f'spec.LoadBalancerSourceRanges[1]: Invalid value: "x": {BAD_RANGE}'],
    ),
    Case(
        "a balancer's fields without one",
        {
            "loadBalancerSourceRanges": ["10.0.0.0/8"],
            "allocateLoadBalancerNodePorts": True,
            "loadBalancerClass": "a/b",
        },
        [
            f"spec.LoadBalancerSourceRanges: {ONLY_BALANCED}",
            f"spec.allocateLoadBalancerNodePorts: {ONLY_BALANCED}",
            f"spec.loadBalancerClass: {ONLY_BALANCED}",
        ],
    ),
    Case(
        "a class that is no name",
        {"type": "LoadBalancer", "loadBalancerClass": "a b"},
        [f'spec.loadBalancerClass: Invalid value: "a b": {qualified_name("a b")[0]}'],
    ),
    Case(
        "outside policies inside",
        {"externalTrafficPolicy": "Local", "healthCheckNodePort": 30000},
        [
            (
                'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for '
                "externally-accessible services"
            ),
            (
                "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is "
                "'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            ),
        ],
    ),
    Case(
        "unknown policies",
        {
            "type": "NodePort",
            "externalTrafficPolicy": "Near",
            "internalTrafficPolicy": "Far",
            "trafficDistribution": "Anywhere",
        },
        [
            (
                'spec.externalTrafficPolicy: Unsupported value: "Near": supported values: '
                '"Cluster", '
                '"Local"'
            ),
            (
                'spec.internalTrafficPolicy: Unsupported value: "Far": supported values: '
                '"Cluster", '
                '"Local"'
            ),
            (
                'spec.trafficDistribution: Unsupported value: "Anywhere": supported values: '
                '"PreferClose", '
                '"PreferSameNode", '
                '"PreferSameZone"'
            ),
        ],
    ),
    Case(
        "a health check of its own",
        {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "healthCheckNodePort": 70000,
        },
        ["spec.healthCheckNodePort: Invalid value: 70000: must be between 1 and 65535, inclusive"],
    ),
    Case(
        "a selector is made of labels",
        {"selector": {"a b": "c"}},
        [f'spec.selector: Invalid value: "a b": {qualified_name("a b")[0]}'],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_services(case: Case) -> None:
    assert of(**case.spec) == case.refusals


def test_a_name_starts_with_a_letter() -> None:
    service = created("services", a_service("1web"))
    assert refusals("services", service) == [
        f'metadata.name: Invalid value: "1web": {dns_1035_label("1web")[0]}'
    ]


def test_sources_may_be_noted_as_an_annotation() -> None:
    key = "service.beta.kubernetes.io/load-balancer-source-ranges"
    service = created("services", a_service(type="LoadBalancer"))
    service["metadata"]["annotations"] = {key: "10.0.0.0/8, x"}
    at = f"metadata.annotations[{key}]"
    assert refusals("services", service) == [f'{at}: Invalid value: "x": {BAD_RANGE}']
    inside = created("services", a_service())
    inside["metadata"]["annotations"] = {key: " "}
    assert refusals("services", inside) == [f"{at}: {ONLY_BALANCED}"]


def test_both_names_of_the_topology_annotation_agree() -> None:
    mode, older = (f"service.kubernetes.io/topology-{name}" for name in ("mode", "aware-hints"))
    service = created("services", a_service())
    service["metadata"]["annotations"] = {mode: "Auto", older: "Disabled"}
    assert refusals("services", service) == [
        (
            f'metadata.annotations[{mode}]: Invalid value: "Auto": '
            f"must match annotations[{older}] when both are specified"
        )
    ]
    service["metadata"]["annotations"] = {mode: "Auto", older: "Auto"}
    assert refusals("services", service) == []
