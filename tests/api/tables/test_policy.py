from netemu.api.tables.policy import disruption_budget, pod_autoscaler, priority_class
from netemu.clock import rfc3339
from netemu.model.meta import Object

NOW = 1_000_000.0
METADATA = {"name": "web", "creationTimestamp": rfc3339(NOW - 5)}


def test_a_disruption_budget() -> None:
    obj = {
        "metadata": METADATA,
        "spec": {"maxUnavailable": "50%"},
        "status": {"disruptionsAllowed": 1},
    }
    assert disruption_budget(obj, NOW) == ["web", "N/A", "50%", 1, "5s"]


def test_a_priority_class() -> None:
    obj = {"metadata": METADATA, "value": 7, "preemptionPolicy": "Never"}
    assert priority_class(obj, NOW) == ["web", 7, False, "5s", "Never"]


def scaler(*metrics: Object, current: list[Object] | None = None) -> Object:
    target = {"kind": "Deployment", "name": "web"}
    return {
        "metadata": METADATA,
        "spec": {"scaleTargetRef": target, "maxReplicas": 5, "metrics": list(metrics)},
        "status": {"currentReplicas": 2, "currentMetrics": current},
    }


def metric(name: str, **target: object) -> Object:
    return {"type": "Resource", "resource": {"name": name, "target": target}}


def test_an_autoscaler() -> None:
    shown = [
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 40}}}
    ]
    obj = scaler(metric("cpu", averageUtilization=80), current=shown)
    row = ["web", "Deployment/web", "cpu: 40%/80%", "<unset>", 5, 2, "5s"]
    assert pod_autoscaler(obj, NOW) == row


def test_what_is_not_known_and_what_is_too_much() -> None:
    three = [metric("cpu", averageUtilization=80), metric("memory", averageValue="1Gi"),
             metric("x", value="3")]  # fmt: skip
    assert pod_autoscaler(scaler(*three), NOW)[2] == (
        "cpu: <unknown>/80%, memory: <unknown>/1Gi + 1 more..."
    )
    assert pod_autoscaler(scaler(), NOW)[2] == "<none>"
