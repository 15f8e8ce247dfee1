from typing import Any

import pytest

from netemu.api.tables import cells
from netemu.model.meta import Object
from netemu.model.resources import BY_KEY

INGRESS: Object = {
    "spec": {"rules": [{"host": host} for host in "abcd"], "tls": [{}], "ingressClassName": "i"},
    "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "h"}]}},
}
QUOTA: Object = {
    "spec": {"hard": {"pods": "4", "limits.cpu": "2"}},
    "status": {"hard": {"pods": "4", "limits.cpu": "2"}, "used": {"pods": "1"}},
}


@pytest.mark.parametrize(
    ("key", "obj", "shown"),
    [
        (
            "ingresses.networking.k8s.io",
            INGRESS,
            ["i", "a,b,c + 1 more...", "1.2.3.4,h", "80, 443", "1d"],
        ),
        ("ingresses.networking.k8s.io", {}, ["<none>", "*", "", "80", "1d"]),
        (
            "networkpolicies.networking.k8s.io",
            {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}},
            ["a=b", "1d"],
        ),
        ("resourcequotas", QUOTA, ["pods: 1/4", "limits.cpu: 0/2", "1d"]),
        ("runtimeclasses.node.k8s.io", {"handler": "h"}, ["h", "1d"]),
        ("apiservices.apiregistration.k8s.io", {"spec": {}}, ["Local", "Unknown", "1d"]),
        (
            "apiservices.apiregistration.k8s.io",
            {
                "spec": {"service": {"namespace": "n", "name": "s"}},
                "status": {
                    "conditions": [{"type": "Available", "status": "False", "reason": "Why"}]
                },
            },
            ["n/s", "False (Why)", "1d"],
        ),
        (
            "ipaddresses.networking.k8s.io",
            {"spec": {"parentRef": {"resource": "services", "namespace": "n", "name": "web"}}},
            ["services/n/web"],
        ),
        (
            "servicecidrs.networking.k8s.io",
            {"spec": {"cidrs": ["10.0.0.0/24", "fd00::/112"]}},
            ["10.0.0.0/24,fd00::/112", "1d"],
        ),
        ("csinodes.storage.k8s.io", {"spec": {"drivers": [{}]}}, [1, "1d"]),
        (
            "componentstatuses",
            {"conditions": [{"type": "Healthy", "status": "True", "message": "ok"}]},
            ["Healthy", "ok", ""],
        ),
    ],
)
def test_rows(key: str, obj: Object, shown: list[Any]) -> None:
    metadata = {"name": "x", "creationTimestamp": "1970-01-01T00:00:00Z"}
    row = cells(BY_KEY[key], {"metadata": metadata, **obj}, 86400.0)
    assert row == ["x", *("24h" if cell == "1d" else cell for cell in shown)]
