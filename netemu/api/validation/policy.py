"""Rules of PodDisruptionBudgets and PriorityClasses."""

from typing import Any, Final

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal, quoted
from netemu.api.validation.meta import label_selector, object_meta, object_meta_update
from netemu.model import names
from netemu.model.meta import Object

HIGHEST_PRIORITY: Final = 1_000_000_000
"""The highest value for users' classes; what is above is the system's."""
SYSTEM_PREFIX: Final = "system-"
SYSTEM_CLASSES: Final = {
    "system-node-critical": 2_000_001_000,
    "system-cluster-critical": 2_000_000_000,
}


def disruption_budget(obj: Object) -> Causes:
    """A new PodDisruptionBudget."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _budget_spec(obj.get("spec") or {})


def disruption_budget_update(new: Object, old: Object) -> Causes:
    """An update of a PodDisruptionBudget."""
    yield from object_meta_update(new, old)
    yield from _budget_spec(new.get("spec") or {})


def _budget_spec(spec: Object) -> Causes:
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        shown = Literal("policy.PodDisruptionBudgetSpec{…}")
        yield field.invalid(SPEC, shown, "minAvailable and maxUnavailable cannot be both set")
    for key, value in (("minAvailable", least), ("maxUnavailable", most)):
        if value is not None:
            yield from _share(value, SPEC.child(key))
    yield from label_selector(spec.get("selector"), SPEC.child("selector"))
    policy, allowed = spec.get("unhealthyPodEvictionPolicy"), ("AlwaysAllow", "IfHealthyBudget")
    if policy is not None and policy not in allowed:
        yield field.not_supported(SPEC.child("unhealthyPodEvictionPolicy"), policy, allowed)


def _share(value: Any, path: Path) -> Causes:
    """A number of pods, or a percentage of at most 100."""
    if not isinstance(value, str):
        yield from field.not_negative(path, value)
        return
    problems = names.percent(value)
    shown = Literal(f"intstr.IntOrString{{Type:1, IntVal:0, StrVal:{quoted(value)}}}")
    yield from each_invalid(path, shown, problems)
    if not problems and int(value[:-1]) > 100:
        yield field.invalid(path, shown, "must not be greater than 100%")


def priority_class(obj: Object) -> Causes:
    """A new PriorityClass."""
    yield from object_meta(obj, False, names.dns_subdomain)
    name, value = obj["metadata"].get("name", ""), obj.get("value") or 0
    if SYSTEM_CLASSES.get(name) == value:
        pass
    elif name.startswith(SYSTEM_PREFIX):
        said = (
            "priority class names with 'system-' prefix are reserved for system use only. error: "
        )
        yield field.forbidden(Path("metadata.name"), f"{said}{name} is not a known system "
                              "priority class")  # fmt: skip
    elif value > HIGHEST_PRIORITY:
        said = f"maximum allowed value of a user defined priority is {HIGHEST_PRIORITY}"
        yield field.forbidden(Path("value"), said)
    yield from _preemption(obj)


def _preemption(obj: Object) -> Causes:
    policy, allowed = obj.get("preemptionPolicy"), ("PreemptLowerPriority", "Never")
    if policy not in allowed:
        yield field.not_supported(Path("preemptionPolicy"), policy or "", sorted(allowed))


def priority_class_update(new: Object, old: Object) -> Causes:
    """An update of a PriorityClass; its value stays."""
    yield from object_meta_update(new, old)
    if (new.get("value") or 0) != (old.get("value") or 0):
        yield field.forbidden(Path("value"), "may not be changed in an update.")
    yield from field.immutable(
        Path("preemptionPolicy"), new.get("preemptionPolicy"), old.get("preemptionPolicy")
    )
