"""Rules of Deployments, ReplicaSets, ReplicationControllers and StatefulSets."""

import re
from collections.abc import Callable
from typing import Any

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal, quoted, selector_literal, string_map
from netemu.api.validation.meta import (
    annotations,
    label_selector,
    labels,
    object_meta,
    object_meta_update,
)
from netemu.api.validation.pod import template
from netemu.model import names
from netemu.model.meta import Object
from netemu.model.selector import from_object, matches

_MISMATCH = "`selector` does not match template `labels`"


def deployment(obj: Object) -> Causes:
    """A new Deployment."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _deployment_spec(obj.get("spec") or {})


def deployment_update(new: Object, old: Object) -> Causes:
    """An update of a Deployment; its selector stays."""
    yield from object_meta_update(new, old)
    yield from _deployment_spec(new.get("spec") or {})
    yield from same_selector(new, old)


def _deployment_spec(spec: Object) -> Causes:
    yield from field.not_negative(SPEC.child("replicas"), spec.get("replicas"))
    yield from selected(spec, "empty selector is invalid for deployment", _template)
    yield from _strategy(spec.get("strategy") or {}, SPEC.child("strategy"))
    for key in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        yield from field.not_negative(SPEC.child(key), spec.get(key))
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        rule = "must be greater than minReadySeconds"
        yield field.invalid(SPEC.child("progressDeadlineSeconds"), deadline, rule)


def replica_set(obj: Object) -> Causes:
    """A new ReplicaSet."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _replica_set_spec(obj.get("spec") or {})


def replica_set_update(new: Object, old: Object) -> Causes:
    """An update of a ReplicaSet; its selector stays."""
    yield from object_meta_update(new, old)
    yield from _replica_set_spec(new.get("spec") or {})
    yield from same_selector(new, old)


def _replica_set_spec(spec: Object) -> Causes:
    for key in ("replicas", "minReadySeconds"):
        yield from field.not_negative(SPEC.child(key), spec.get(key))
    yield from selected(spec, "empty selector is invalid for deployment", _template)


def same_selector(new: Object, old: Object) -> Causes:
    """The selector stays."""
    selector = (new.get("spec") or {}).get("selector")
    if not field.same(selector, (old.get("spec") or {}).get("selector")):
        yield field.invalid(SPEC.child("selector"), _shown(selector), field.IMMUTABLE)


def _shown(selector: Object | None) -> Literal | None:
    return None if selector is None else selector_literal(selector)


def selected(spec: Object, if_empty: str, check: Callable[[Object, Path], Causes]) -> Causes:
    """The selector, and the template whose pods it must find."""
    selector, path = spec.get("selector"), SPEC.child("selector")
    if selector is None:
        yield field.required(path)
    else:
        yield from label_selector(selector, path)
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            yield field.invalid(path, _shown(selector), if_empty)
    if not is_usable(selector):
        yield field.invalid(path, _shown(selector), "invalid label selector")
        return
    inner, below = spec.get("template") or {}, SPEC.child("template")
    own = (inner.get("metadata") or {}).get("labels")
    wanted = from_object(selector)
    if wanted is None or not matches(wanted, own or {}):
        shown = Literal(string_map(own))
        yield field.invalid(below.child("metadata", "labels"), shown, _MISMATCH)
    yield from check(inner, below)


def is_usable(selector: Object | None) -> bool:
    """Whether a selector can be read; what is wrong with it is told elsewhere."""
    if selector is None:
        return True
    for key, value in (selector.get("matchLabels") or {}).items():
        if names.qualified_name(key) or names.label_value(value):
            return False
    return all(_is_requirement(item) for item in selector.get("matchExpressions") or ())


def _is_requirement(item: Object) -> bool:
    operator, values = item.get("operator"), item.get("values") or ()
    wants_values = operator in ("In", "NotIn")
    return (
        (wants_values or operator in ("Exists", "DoesNotExist"))
        and bool(values) == wants_values
        and not names.qualified_name(item.get("key", ""))
        and not any(names.label_value(value) for value in values)
    )


def _template(value: Object, path: Path) -> Causes:
    yield from template(value, path)
    yield from keeps_running(value, path, "ReplicaSet")


def keeps_running(value: Object, path: Path, kind: str) -> Causes:
    """Pods of a template that must never end by themselves."""
    spec = value.get("spec") or {}
    restart = spec.get("restartPolicy", "")
    if restart != "Always":
        yield field.not_supported(path.child("spec", "restartPolicy"), restart, ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        rule = f"activeDeadlineSeconds in {kind} is not Supported"
        yield field.forbidden(path.child("spec", "activeDeadlineSeconds"), rule)


def _strategy(strategy: Object, path: Path) -> Causes:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    if kind == "Recreate":
        if rolling is not None:
            rule = "may not be specified when strategy `type` is 'Recreate'"
            yield field.forbidden(path.child("rollingUpdate"), rule)
    elif kind == "RollingUpdate":
        yield from _rolling_update(rolling or {}, path.child("rollingUpdate"))
    else:
        shown = (
            f"apps.DeploymentStrategy{{Type:{quoted(kind)}, "
            "RollingUpdate:(*apps.RollingUpdateDeployment)(nil)}"
        )
        yield field.not_supported(path, Literal(shown), ("Recreate", "RollingUpdate"))


def _rolling_update(rolling: Object, path: Path) -> Causes:
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    yield from count_or_percent(unavailable, path.child("maxUnavailable"))
    yield from count_or_percent(surge, path.child("maxSurge"))
    if number_of(unavailable) == 0 and number_of(surge) == 0:
        rule = "may not be 0 when `maxSurge` is 0"
        yield field.invalid(path.child("maxUnavailable"), int_or_string(unavailable), rule)
    yield from at_most_all(unavailable, path.child("maxUnavailable"))


def count_or_percent(value: Any, path: Path) -> Causes:
    """A number, or a share like ``25%``."""
    if isinstance(value, str):
        yield from each_invalid(path, int_or_string(value), names.percent(value))
    else:
        yield from field.not_negative(path, value)


def at_most_all(value: Any, path: Path) -> Causes:
    """No more than ``100%``."""
    if isinstance(value, str) and not names.percent(value) and int(value[:-1]) > 100:
        yield field.invalid(path, int_or_string(value), "must not be greater than 100%")


def number_of(value: Any) -> int:
    """The number in an IntOrString, as Go reads it."""
    if isinstance(value, str):
        # Go's IntOrString.IntValue: what is no number counts as 0.
        return int(value.removesuffix("%")) if re.fullmatch(r"[0-9]+%?", value) else 0
    return int(value)


def int_or_string(value: Any) -> Literal:
    """An IntOrString as Go prints it."""
    kind, number, text = (1, 0, value) if isinstance(value, str) else (0, value, "")
    shown = f"intstr.IntOrString{{Type:{kind}, IntVal:{number}, StrVal:{quoted(text)}}}"
    return Literal(shown)


def replication_controller(obj: Object) -> Causes:
    """A new ReplicationController."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _replication_controller_spec(obj.get("spec") or {})


def replication_controller_update(new: Object, old: Object) -> Causes:
    """An update of a ReplicationController; even its selector may change."""
    yield from object_meta_update(new, old)
    yield from _replication_controller_spec(new.get("spec") or {})


def _replication_controller_spec(spec: Object) -> Causes:
    yield from field.not_negative(SPEC.child("minReadySeconds"), spec.get("minReadySeconds"))
    wanted, below = spec.get("selector") or {}, SPEC.child("template")
    if not wanted:
        yield field.required(SPEC.child("selector"))
    yield from field.not_negative(SPEC.child("replicas"), spec.get("replicas"))
    inner = spec.get("template") or {}
    own = (inner.get("metadata") or {}).get("labels")
    if wanted and not wanted.items() <= (own or {}).items():
        shown = Literal(string_map(own))
        yield field.invalid(below.child("metadata", "labels"), shown, _MISMATCH)
    yield from template(inner, below)
    yield from keeps_running(inner, below, "ReplicationController")


def stateful_set(obj: Object) -> Causes:
    """A new StatefulSet; its name is the first part of host names, so it is a label."""
    yield from object_meta(obj, True, names.dns_label)
    yield from _stateful_set_spec(obj.get("spec") or {})


_MAY_CHANGE = (
    "replicas", "template", "updateStrategy", "minReadySeconds", "ordinals",
    "persistentVolumeClaimRetentionPolicy",
)  # fmt: skip


def stateful_set_update(new: Object, old: Object) -> Causes:
    """An update of a StatefulSet; most of its spec stays."""
    yield from object_meta_update(new, old)
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    yield from _stateful_set_spec(spec)
    if not field.same({**spec, **{key: before.get(key) for key in _MAY_CHANGE}}, before):
        rule = (
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
            "'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and "
            "'minReadySeconds' are forbidden"
        )
        yield field.forbidden(SPEC, rule)


def _stateful_set_spec(spec: Object) -> Causes:
    policy, allowed = spec.get("podManagementPolicy", ""), ("OrderedReady", "Parallel")
    if not policy:
        yield field.required(SPEC.child("podManagementPolicy"))
    elif policy not in allowed:
        rule = "must be 'OrderedReady' or 'Parallel'"
        yield field.invalid(SPEC.child("podManagementPolicy"), policy, rule)
    yield from _update_strategy(spec.get("updateStrategy") or {}, SPEC.child("updateStrategy"))
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for key, value in retention.items():
        if value not in ("Retain", "Delete"):
            path = SPEC.child("persistentVolumeClaimRetentionPolicy", key)
            yield field.not_supported(path, value, ("Retain", "Delete"))
    for key in ("replicas", "minReadySeconds"):
        yield from field.not_negative(SPEC.child(key), spec.get(key))
    start = (spec.get("ordinals") or {}).get("start")
    yield from field.not_negative(SPEC.child("ordinals.start"), start)
    yield from selected(spec, "empty selector is invalid for statefulset", _stateful_template)
    yield from keeps_running(spec.get("template") or {}, SPEC.child("template"), "StatefulSet")


def _stateful_template(value: Object, path: Path) -> Causes:
    # Upstream leaves the pod spec to the pods: volume claims aren't among its volumes yet.
    meta = value.get("metadata") or {}
    yield from labels(meta.get("labels"), path.child("labels"))
    yield from annotations(meta.get("annotations"), path.child("annotations"))


def _update_strategy(strategy: Object, path: Path) -> Causes:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    below = path.child("rollingUpdate")
    match kind:
        case "":
            yield field.required(path)
        case "OnDelete" if rolling is not None:
            shown = Literal(
                "apps.RollingUpdateStatefulSetStrategy{"
                f"Partition:{rolling.get('partition', 0)}, "
                "MaxUnavailable:(*intstr.IntOrString)(nil)}"
            )
            yield field.invalid(below, shown, "only allowed for updateStrategy 'RollingUpdate'")
        case "OnDelete":
            pass
        case "RollingUpdate":
            partition = (rolling or {}).get("partition")
            yield from field.not_negative(below.child("partition"), partition)
        case _:
            shown = Literal(
                f"apps.StatefulSetUpdateStrategy{{Type:{quoted(kind)}, "
                "RollingUpdate:(*apps.RollingUpdateStatefulSetStrategy)(nil)}"
            )
            yield field.invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")
