"""Rules of DaemonSets."""

from netemu.api.validation import field
from netemu.api.validation.apps import (
    at_most_all,
    count_or_percent,
    int_or_string,
    keeps_running,
    number_of,
    same_selector,
    selected,
)
from netemu.api.validation.field import SPEC, Causes, Path
from netemu.api.validation.meta import object_meta, object_meta_update
from netemu.api.validation.pod import template
from netemu.model import names
from netemu.model.meta import Object


def daemon_set(obj: Object) -> Causes:
    """A new DaemonSet."""
    yield from object_meta(obj, True, names.dns_subdomain)
    yield from _spec(obj.get("spec") or {})


def daemon_set_update(new: Object, old: Object) -> Causes:
    """An update of a DaemonSet; its selector stays."""
    yield from object_meta_update(new, old)
    yield from _spec(new.get("spec") or {})
    yield from same_selector(new, old)


def _spec(spec: Object) -> Causes:
    yield from selected(spec, "empty selector is invalid for daemonset", _template)
    for key in ("minReadySeconds", "revisionHistoryLimit"):
        yield from field.not_negative(SPEC.child(key), spec.get(key))
    yield from _strategy(spec.get("updateStrategy") or {}, SPEC.child("updateStrategy"))


def _template(value: Object, path: Path) -> Causes:
    yield from template(value, path)
    yield from keeps_running(value, path, "DaemonSet")


def _strategy(strategy: Object, path: Path) -> Causes:
    kind, rolling = strategy.get("type", ""), strategy.get("rollingUpdate")
    below = path.child("rollingUpdate")
    if kind == "OnDelete":
        return
    if kind != "RollingUpdate":
        yield field.not_supported(path.child("type"), kind, ("OnDelete", "RollingUpdate"))
    elif rolling is None:
        yield field.required(below)
    else:
        yield from _rolling_update(rolling, below)


def _rolling_update(rolling: Object, path: Path) -> Causes:
    unavailable, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    for key, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
        yield from count_or_percent(value, path.child(key))
        yield from at_most_all(value, path.child(key))
    has_unavailable, has_surge = number_of(unavailable) != 0, number_of(surge) != 0
    if has_unavailable and has_surge:
        rule = "may not be set when `maxUnavailable` is non-zero"
        yield field.invalid(path.child("maxSurge"), int_or_string(surge), rule)
    if not has_unavailable and not has_surge:
        rule = "cannot be 0 when maxSurge is 0"
        yield field.required(path.child("maxUnavailable"), rule)
