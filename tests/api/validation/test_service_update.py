from typing import Any

import pytest

from tests.support.objects import a_service, changed, created, refusals

BALANCED = created(
    "services",
    a_service(
        type="LoadBalancer",
        externalTrafficPolicy="Local",
        healthCheckNodePort=31000,
        loadBalancerClass="a/b",
    ),
)


def test_what_a_balancer_needs_stays() -> None:
    assert refusals("services", BALANCED, BALANCED) == []
    new = changed(BALANCED, "spec.loadBalancerClass", None)
    assert refusals("services", new, BALANCED) == [
        'spec.loadBalancerClass: Invalid value: "null": may not change once set'
    ]
    new = changed(BALANCED, "spec.healthCheckNodePort", 31001)
    assert refusals("services", new, BALANCED) == [
        "spec.healthCheckNodePort: Forbidden: field is immutable"
    ]


def test_a_change_is_judged_like_a_new_service() -> None:
    new = changed(BALANCED, "spec.ports", [])
    assert refusals("services", new, BALANCED) == ["spec.ports: Required value"]


def status(service: dict[str, Any], *ingress: dict[str, Any]) -> list[str]:
    new = {**service, "status": {"loadBalancer": {"ingress": list(ingress)}}}
    return refusals("services", new, service)


@pytest.mark.parametrize(
    "ingress",
    [{"ip": "1.2.3.4"}, {"ip": "1.2.3.4", "ipMode": "Proxy"}, {"hostname": "lb.example.com"}],
)
def test_a_balancer_has_addresses_or_names(ingress: dict[str, Any]) -> None:
    assert status(BALANCED, ingress) == []


def test_other_ways_in_are_refused() -> None:
    at = "status.loadBalancer.ingress"
    assert status(
        BALANCED,
        {"ip": "x", "ipMode": "Magic"},
        {"ipMode": "VIP", "hostname": "1.2.3.4"},
    ) == [
        (
            f'{at}[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
            "2001:db8::ffff)"
        ),
        f'{at}[0].ipMode: Unsupported value: "Magic": supported values: "Proxy", "VIP"',
        f"{at}[1].ipMode: Forbidden: may not be specified when `ip` is not set",
        f'{at}[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]
    assert status(created("services", a_service()), {"ip": "1.2.3.4"}) == [
        f"{at}: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"
    ]
