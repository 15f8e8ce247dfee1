from typing import Any

import pytest

from netemu.api.defaults import with_defaults
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, RESOURCES


def filled(key: str, **obj: Any) -> Object:
    resource = BY_KEY[key]
    metadata = {"name": "x"}
    return with_defaults(resource, {"kind": resource.kind, "metadata": metadata, **obj})


def test_a_policy_is_about_what_it_says() -> None:
    key = "networkpolicies.networking.k8s.io"
    found = filled(key, spec={"egress": [{"ports": [{"port": 1}]}]})
    assert found["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert found["spec"]["egress"][0]["ports"] == [{"port": 1, "protocol": "TCP"}]


def test_requests_follow_limits_and_limits_the_maximum() -> None:
    item = {"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}}
    (found,) = filled("limitranges", spec={"limits": [item]})["spec"]["limits"]
    assert found["default"] == {"cpu": "2"}
    assert found["defaultRequest"] == {"cpu": "2", "memory": "1Mi"}


def test_webhooks_fail_closed() -> None:
    key = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
    client = {"service": {"name": "s", "namespace": "n"}}
    (hook,) = filled(key, webhooks=[{"name": "a", "rules": [{}], "clientConfig": client}])[
        "webhooks"
    ]
    assert hook["failurePolicy"] == "Fail"
    assert hook["reinvocationPolicy"] == "Never"
    assert hook["rules"] == [{"scope": "*"}]
    assert hook["clientConfig"]["service"]["port"] == 443


@pytest.mark.parametrize("key", sorted({resource.key for resource in RESOURCES}))
def test_filling_in_twice_changes_nothing(key: str) -> None:
    once = filled(key, spec={})
    assert with_defaults(BY_KEY[key], once) == once
