"""Autoscalers that are refused."""

from typing import Any

import pytest

from netemu.api.defaults import with_defaults
from netemu.api.validation import validate
from netemu.model.resources import BY_KEY, POD_AUTOSCALERS

TARGET = {"kind": "Deployment", "name": "web"}


def scaler(**spec: Any) -> list[str]:
    metadata = {"namespace": "default", "name": "web"}
    obj = {"metadata": metadata, "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec}}
    kind = BY_KEY[POD_AUTOSCALERS]
    causes = validate(kind, with_defaults(kind, obj), None)
    return [f"{cause.field}: {cause.message}" for cause in causes]


def cpu(**target: Any) -> list[Any]:
    return [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, ""),
        ({"maxReplicas": 0}, "spec.maxReplicas: Invalid value: 0: must be greater than 0"),
        ({"minReplicas": 4}, "spec.maxReplicas: Invalid value: 3: must be greater than or equal"),
        ({"minReplicas": -1}, "spec.minReplicas: Invalid value: -1"),
        ({"scaleTargetRef": {"kind": "Deployment"}}, "spec.scaleTargetRef.name: Required value"),
        ({"metrics": [{"type": "Odd"}]}, 'spec.metrics[0].type: Unsupported value: "Odd"'),
        ({"metrics": [{"type": "Pods"}]}, "spec.metrics[0].pods: Required value: must populate"),
        (
            {"metrics": cpu(type="Utilization")},
            "spec.metrics[0].resource.target.averageUtilization: Required value",
        ),
        (
            {"metrics": cpu(type="Utilization", averageUtilization=0)},
            "spec.metrics[0].resource.target.averageUtilization: Invalid value: 0",
        ),
        (
            {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 3601}}},
            "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601",
        ),
        (
            {"behavior": {"scaleUp": {"selectPolicy": "Any"}}},
            'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Any"',
        ),
    ],
)
def test_autoscalers(spec: Any, said: str) -> None:
    found = scaler(**spec)
    assert found[0].startswith(said) if said else found == []
