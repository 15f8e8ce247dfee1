"""autoscaling/v1: the same HorizontalPodAutoscalers in their older form, which knows only the
processor's share. They are stored as v2; kubectl autoscale still writes v1. Pure.

What v1 cannot say is kept in annotations, in the form that v2beta1 had, so that whoever reads v1
and writes it back loses nothing (pkg/apis/autoscaling/v1/conversion.go).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from netemu.model.meta import Object
from netemu.model.resources import BY_KEY, POD_AUTOSCALERS

_V2: Final = BY_KEY[POD_AUTOSCALERS]
_SHARED: Final = ("scaleTargetRef", "minReplicas", "maxReplicas")
_COUNTS: Final = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")

_PREFIX: Final = "autoscaling.alpha.kubernetes.io/"
METRICS: Final = _PREFIX + "metrics"
CURRENT_METRICS: Final = _PREFIX + "current-metrics"
BEHAVIOR: Final = _PREFIX + "behavior"
CONDITIONS: Final = _PREFIX + "conditions"
_KEPT: Final = (METRICS, CURRENT_METRICS, BEHAVIOR, CONDITIONS)

_NAMED: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # The source; what v1 calls the metric's selector, its value, its average.
    "Object": ("object", "selector", "{}Value", "averageValue"),
    "Pods": ("pods", "selector", "", "{}AverageValue"),
    "External": ("external", "metricSelector", "{}Value", "{}AverageValue"),
}
_MEASURED: Final = {"Resource": "resource", "ContainerResource": "containerResource"}


def stored(obj: Object) -> Object:
    """A v1 object as v2, which is how it is stored."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    noted = _noted(obj)
    new = {key: spec[key] for key in _SHARED if key in spec}
    metrics = [_newer(item, "target") for item in noted.get(METRICS) or ()]
    share = spec.get("targetCPUUtilizationPercentage")
    if share is not None:
        metrics.insert(0, _processor("target", {"type": "Utilization"}, share))
    if metrics:
        new["metrics"] = metrics
    if noted.get(BEHAVIOR):
        new["behavior"] = noted[BEHAVIOR]
    kept = {key: value for key, value in obj.items() if key not in ("spec", "status")}
    if noted:
        kept["metadata"] = _unannotated(obj["metadata"])
    kept |= {"apiVersion": _V2.api_version, "kind": _V2.kind, "spec": new}
    return {**kept, "status": _newer_status(status, noted)} if status else kept


def shown(obj: Object) -> Object:
    """A stored object as v1."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    new = {key: spec[key] for key in _SHARED if key in spec}
    share = _share(spec.get("metrics"), "target")
    if share is not None:
        new["targetCPUUtilizationPercentage"] = share
    counted = {key: status[key] for key in _COUNTS if key in status}
    counted = {"currentReplicas": 0, "desiredReplicas": 0, **counted}
    current = _share(status.get("currentMetrics"), "current")
    if current is not None:
        counted["currentCPUUtilizationPercentage"] = current
    found = {**obj, "apiVersion": "autoscaling/v1", "spec": new, "status": counted}
    return _annotated(found, _beyond(spec, status))


def _beyond(spec: Object, status: Object) -> dict[str, Any]:
    """By annotation, what v1 has no field for."""
    others = [item for item in spec.get("metrics") or () if _share([item], "target") is None]
    return {
        METRICS: [_older(item, "target") for item in others],
        CURRENT_METRICS: [_older(item, "current") for item in status.get("currentMetrics") or ()],
        BEHAVIOR: spec.get("behavior"),
        CONDITIONS: status.get("conditions"),
    }


def _annotated(obj: Object, beyond: dict[str, Any]) -> Object:
    texts = {name: msgspec.json.encode(what).decode() for name, what in beyond.items() if what}
    if not texts:
        return obj
    metadata = obj["metadata"]
    annotations = {**(metadata.get("annotations") or {}), **texts}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


def _noted(obj: Object) -> dict[str, Any]:
    """What the annotations keep; one that can't be read says nothing."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    found: dict[str, Any] = {}
    for name, of in (
        (METRICS, list),
        (CURRENT_METRICS, list),
        (BEHAVIOR, dict),
        (CONDITIONS, list),
    ):
        if name not in annotations:
            continue
        try:
            found[name] = msgspec.json.decode(annotations[name], type=of)
        except msgspec.DecodeError:
            found[name] = None
    return found


def _unannotated(metadata: Object) -> Object:
    left = {k: v for k, v in (metadata.get("annotations") or {}).items() if k not in _KEPT}
    bare = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**bare, "annotations": left} if left else bare


def _newer_status(status: Object, noted: dict[str, Any]) -> Object:
    found: Object = {key: status[key] for key in _COUNTS if key in status}
    metrics = [_newer(item, "current") for item in noted.get(CURRENT_METRICS) or ()]
    share = status.get("currentCPUUtilizationPercentage")
    if share is not None and _share(metrics, "current") is None:
        metrics.append(_processor("current", {}, share))
    if metrics:
        found["currentMetrics"] = metrics
    if noted.get(CONDITIONS):
        found["conditions"] = noted[CONDITIONS]
    return found


def _processor(key: str, value: Object, share: int) -> Object:
    resource = {"name": "cpu", key: {**value, "averageUtilization": share}}
    return {"type": "Resource", "resource": resource}


def _share(metrics: list[Object] | None, key: str) -> int | None:
    for metric in metrics or ():
        source = metric.get("resource") or {}
        if metric.get("type") == "Resource" and source.get("name") == "cpu":
            found: int | None = (source.get(key) or {}).get("averageUtilization")
            return found
    return None


def _put(found: Object, name: str, value: object) -> None:
    if name and value is not None:
        found[name] = value


def _older(metric: Object, key: str) -> Object:
    """One v2 metric as v1's annotations have it; `key` is "target" or "current"."""
    kind = str(metric.get("type", ""))
    if kind in _MEASURED:
        source = metric.get(_MEASURED[kind]) or {}
        value = source.get(key) or {}
        old = {name: source[name] for name in ("name", "container") if name in source}
        _put(old, f"{key}AverageUtilization", value.get("averageUtilization"))
        _put(old, f"{key}AverageValue", value.get("averageValue"))
        return {"type": kind, _MEASURED[kind]: old}
    if kind not in _NAMED:
        return metric
    source_name, selector, whole, average = _NAMED[kind]
    source = metric.get(source_name) or {}
    named, value = source.get("metric") or {}, source.get(key) or {}
    old = {"metricName": named.get("name", "")}
    _put(old, "target", source.get("describedObject"))
    _put(old, selector, named.get("selector"))
    _put(old, whole.format(key), value.get("value"))
    _put(old, average.format(key), value.get("averageValue"))
    return {"type": kind, source_name: old}


def _newer(metric: Object, key: str) -> Object:
    """The v2 metric that `_older` made it of."""
    kind = str(metric.get("type", ""))
    if kind in _MEASURED:
        old = metric.get(_MEASURED[kind]) or {}
        new = {name: old[name] for name in ("name", "container") if name in old}
        share = old.get(f"{key}AverageUtilization")
        new[key] = _value(key, None, old.get(f"{key}AverageValue"), share)
        return {"type": kind, _MEASURED[kind]: new}
    if kind not in _NAMED:
        return metric
    source_name, selector, whole, average = _NAMED[kind]
    old = metric.get(source_name) or {}
    named: Object = {"name": old.get("metricName", "")}
    _put(named, "selector", old.get(selector))
    new = {"metric": named}
    _put(new, "describedObject", old.get("target"))
    new[key] = _value(key, old.get(whole.format(key)), old.get(average.format(key)), None)
    return {"type": kind, source_name: new}


def _value(key: str, whole: object, average: object, share: object) -> Object:
    found: Object = {}
    _put(found, "value", whole)
    _put(found, "averageValue", average)
    _put(found, "averageUtilization", share)
    if key == "target":
        found["type"] = _TARGETS.get(next(iter(found), ""), "Value")
    return found


_TARGETS: Final = {
    "value": "Value",
    "averageValue": "AverageValue",
    "averageUtilization": "Utilization",
}
