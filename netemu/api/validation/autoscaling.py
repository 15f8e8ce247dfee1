"""Rules of HorizontalPodAutoscalers (pkg/apis/autoscaling/validation)."""

from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.meta import object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object

LONGEST_PERIOD: Final = 1800
LONGEST_WINDOW: Final = 3600
_SOURCES: Final = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}


def pod_autoscaler(obj: Object) -> Causes:
    """A new HorizontalPodAutoscaler."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _spec(obj.get("spec") or {})


def pod_autoscaler_update(new: Object, old: Object) -> Causes:
    """An update of a HorizontalPodAutoscaler."""
    yield from object_meta_update(new, old)
    yield from _spec(new.get("spec") or {})


def _spec(spec: Object) -> Causes:
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if least is not None and least < 1:
        yield field.invalid(SPEC.child("minReplicas"), least, "must be greater than or equal to 1")
    if most < 1:
        yield field.invalid(SPEC.child("maxReplicas"), most, "must be greater than 0")
    if least is not None and most < least:
        said = "must be greater than or equal to `minReplicas`"
        yield field.invalid(SPEC.child("maxReplicas"), most, said)
    yield from _target(spec.get("scaleTargetRef") or {}, SPEC.child("scaleTargetRef"))
    for number, metric in enumerate(spec.get("metrics") or ()):
        yield from _metric(metric, SPEC.child("metrics").index(number))
    behavior = spec.get("behavior") or {}
    for key in ("scaleUp", "scaleDown"):
        if behavior.get(key) is not None:
            yield from _rules(behavior[key], SPEC.child("behavior", key))


def _target(target: Object, path: Path) -> Causes:
    for key in ("kind", "name"):
        value = target.get(key, "")
        if not value:
            yield field.required(path.child(key))
        else:
            yield from each_invalid(path.child(key), value, names.path_segment(value))


def _metric(metric: Object, path: Path) -> Causes:
    kind = metric.get("type", "")
    if not kind:
        yield field.required(path.child("type"), "must specify a metric source type")
        return
    if kind not in _SOURCES:
        yield field.not_supported(path.child("type"), kind, sorted(_SOURCES))
        return
    key = _SOURCES[kind]
    source = metric.get(key)
    if source is None:
        yield field.required(
            path.child(key), "must populate information for the given metric source"
        )
        return
    if kind in ("Resource", "ContainerResource"):
        if not source.get("name"):
            yield field.required(path.child(key, "name"), "must specify a resource name")
        yield from _metric_target(source.get("target") or {}, path.child(key, "target"))


def _metric_target(target: Object, path: Path) -> Causes:
    kind, allowed = target.get("type", ""), ("Utilization", "Value", "AverageValue")
    if not kind:
        yield field.required(path.child("type"), "must specify a metric target type")
    elif kind not in allowed:
        said = "must be either Utilization, Value, or AverageValue"
        yield field.invalid(path.child("type"), kind, said)
    share, amount = target.get("averageUtilization"), target.get("averageValue")
    if share is not None and share < 1:
        yield field.invalid(path.child("averageUtilization"), share, "must be greater than 0")
    if share is None and amount is None:
        said = "must set either a target raw value or a target utilization"
        yield field.required(path.child("averageUtilization"), said)
    elif share is not None and amount is not None:
        said = "may not set both a target raw value and a target utilization"
        yield field.forbidden(path.child("averageValue"), said)


def _rules(rules: Object, path: Path) -> Causes:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and not 0 <= window <= LONGEST_WINDOW:
        said = (
            f"must be less than or equal to {LONGEST_WINDOW}" if window > 0 else field.NOT_NEGATIVE
        )
        yield field.invalid(path.child("stabilizationWindowSeconds"), window, said)
    select, allowed = rules.get("selectPolicy"), ("Disabled", "Max", "Min")
    if select is not None and select not in allowed:
        yield field.not_supported(path.child("selectPolicy"), select, allowed)
    policies = rules.get("policies") or ()
    if not policies:
        yield field.required(path.child("policies"), "must specify at least one Policy")
    for number, policy in enumerate(policies):
        yield from _policy(policy, path.child("policies").index(number))


def _policy(policy: Object, path: Path) -> Causes:
    kind, value, period = policy.get("type"), policy.get("value"), policy.get("periodSeconds")
    if kind not in ("Percent", "Pods"):
        yield field.not_supported(path.child("type"), kind or "", ("Percent", "Pods"))
    for key, number in (("value", value or 0), ("periodSeconds", period or 0)):
        if number <= 0:
            yield field.invalid(path.child(key), number, "must be greater than zero")
    if (period or 0) > LONGEST_PERIOD:
        said = f"must be less than or equal to {LONGEST_PERIOD}"
        yield field.invalid(path.child("periodSeconds"), period, said)
