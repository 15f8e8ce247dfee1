"""Rows of disruption budgets, autoscalers and priorities."""

from typing import Any

from netemu.api.tables.wording import age
from netemu.model.meta import Object, name_of
from netemu.model.quantity import canonical

MOST_METRICS = 2
"""Metrics of an autoscaler that a cell names before it only counts."""


def disruption_budget(obj: Object, now: float) -> list[Any]:
    """Name, Min Available, Max Unavailable, Allowed Disruptions, Age."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    return [
        name_of(obj),
        _or_nothing(spec.get("minAvailable")),
        _or_nothing(spec.get("maxUnavailable")),
        status.get("disruptionsAllowed", 0),
        age(obj, now),
    ]


def _or_nothing(value: Any) -> str:
    return "N/A" if value is None else str(value)


def priority_class(obj: Object, now: float) -> list[Any]:
    """Name, Value, Global-Default, Age, PreemptionPolicy."""
    return [
        name_of(obj),
        obj.get("value") or 0,
        bool(obj.get("globalDefault")),
        age(obj, now),
        obj.get("preemptionPolicy", ""),
    ]


def pod_autoscaler(obj: Object, now: float) -> list[Any]:
    """Name, Reference, Targets, MinPods, MaxPods, Replicas, Age."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    target = spec.get("scaleTargetRef") or {}
    least = spec.get("minReplicas")
    return [
        name_of(obj),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _targets(spec.get("metrics") or [], status.get("currentMetrics") or []),
        "<unset>" if least is None else str(least),
        spec.get("maxReplicas") or 0,
        status.get("currentReplicas") or 0,
        age(obj, now),
    ]


def _targets(metrics: list[Object], current: list[Object]) -> str:
    if not metrics:
        return "<none>"
    shown = [
        _metric(metric, current[number] if number < len(current) else {})
        for number, metric in enumerate(metrics)
    ]
    text = ", ".join(shown[:MOST_METRICS])
    more = len(shown) - MOST_METRICS
    return f"{text} + {more} more..." if more > 0 else text


def _metric(metric: Object, current: Object) -> str:
    kind = metric.get("type", "")
    key = kind[:1].lower() + kind[1:]
    source, found = metric.get(key) or {}, (current.get(key) or {}).get("current") or {}
    target = source.get("target") or {}
    name = f"{source['name']}: " if source.get("name") else ""
    if target.get("averageUtilization") is not None:
        have = found.get("averageUtilization")
        shown = "<unknown>" if have is None else f"{have}%"
        return f"{name}{shown}/{target['averageUtilization']}%"
    for field in ("averageValue", "value"):
        if target.get(field) is not None:
            have = found.get(field)
            shown = "<unknown>" if have is None else canonical(have)
            return f"{name}{shown}/{canonical(target[field])}"
    return f"{name}<unknown>/<auto>"
