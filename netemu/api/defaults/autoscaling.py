"""Defaults of HorizontalPodAutoscalers (autoscaling/v2) and PriorityClasses."""

from netemu.api.defaults.parts import child, fill, fill_absent
from netemu.model.meta import Object

TARGET = 80
"""Percent of the requested processor time that is aimed at when nothing is said."""


def pod_autoscaler(obj: Object) -> None:
    """A HorizontalPodAutoscaler."""
    spec = child(obj, "spec")
    fill_absent(spec, minReplicas=1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": TARGET}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if spec.get("behavior") is not None:
        _behavior(spec["behavior"])


def _behavior(behavior: Object) -> None:
    up, down = child(behavior, "scaleUp"), child(behavior, "scaleDown")
    fill_absent(up, stabilizationWindowSeconds=0, selectPolicy="Max")
    fill_absent(down, selectPolicy="Max")
    whole = {"type": "Percent", "value": 100, "periodSeconds": 15}
    if not up.get("policies"):
        up["policies"] = [{"type": "Pods", "value": 4, "periodSeconds": 15}, whole]
    if not down.get("policies"):
        down["policies"] = [dict(whole)]


def priority_class(obj: Object) -> None:
    """A PriorityClass."""
    fill(obj, preemptionPolicy="PreemptLowerPriority")
