"""What may change in a pod: images, the deadline, tolerations by addition, gates by removal."""

import json
from collections.abc import Sequence
from typing import Any

from netemu.api.validation import field
from netemu.api.validation.field import SPEC, Causes, Path
from netemu.api.validation.meta import object_meta_update
from netemu.api.validation.pod import MOST_SECONDS, pod_object
from netemu.model import names
from netemu.model.errors import Cause
from netemu.model.meta import Object, copied

_UPDATABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_update(new: Object, old: Object) -> Causes:
    """An update of a pod by somebody who isn't its node."""
    yield from object_meta_update(new, old)
    yield from pod_object(new)
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    for key in ("containers", "initContainers"):
        have, had = spec.get(key) or [], before.get(key) or []
        if len(have) != len(had):
            rule = "pod updates may not add or remove containers"
            yield field.forbidden(SPEC.child(key), rule)
            return
    stopped = [*_deadline(spec, before)]
    yield from stopped
    if stopped and "activeDeadlineSeconds" in spec:
        return
    yield from _only_added(spec, before, SPEC.child("tolerations"))
    yield from _only_lifted(spec, before, SPEC.child("schedulingGates"))
    allowed = _with_allowed_changes(before, spec)
    yield from _gated(spec, before)
    if before.get("schedulingGates"):
        allowed = {**allowed, "nodeSelector": spec.get("nodeSelector")}
    if not field.same(allowed, spec):
        yield _refused(allowed, spec)


def _deadline(spec: Object, before: Object) -> Causes:
    key = "activeDeadlineSeconds"
    seconds, had = spec.get(key), before.get(key)
    if seconds is None:
        if had is not None:
            rule = "must not update from a positive integer to nil value"
            yield field.invalid(SPEC.child(key), None, rule)
    elif not 0 <= seconds <= MOST_SECONDS:
        rule = names.out_of_range(0, MOST_SECONDS)
        yield field.invalid(SPEC.child(key), seconds, rule)
    elif had is not None and had < seconds:
        rule = "must be less than or equal to previous value"
        yield field.invalid(SPEC.child(key), seconds, rule)


def _only_added(spec: Object, before: Object, path: Path) -> Causes:
    def key(item: Object) -> Object:
        return {name: value for name, value in item.items() if name != "tolerationSeconds"}

    have = [key(item) for item in spec.get("tolerations") or ()]
    if any(key(item) not in have for item in before.get("tolerations") or ()):
        rule = "existing toleration can not be modified except its tolerationSeconds"
        yield field.forbidden(path, rule)


def _only_lifted(spec: Object, before: Object, path: Path) -> Causes:
    had = {gate.get("name") for gate in before.get("schedulingGates") or ()}
    for number, gate in enumerate(spec.get("schedulingGates") or ()):
        if gate.get("name") not in had:
            rule = f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'"
            yield field.forbidden(path.index(number).child("name"), rule)


def _gated(spec: Object, before: Object) -> Causes:
    if not before.get("schedulingGates"):
        return
    have, had = spec.get("nodeSelector") or {}, before.get("nodeSelector") or {}
    if any(have.get(key) != value for key, value in had.items()):
        rule = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        yield field.invalid(SPEC.child("nodeSelector"), have, rule)


def _with_allowed_changes(before: Object, spec: Object) -> Object:
    """The old spec with those changes of the new one that are allowed."""
    allowed: Object = copied(before)
    for key in ("containers", "initContainers"):
        for had, have in zip(allowed.get(key) or (), spec.get(key) or (), strict=True):
            had["image"] = have.get("image")
    for key in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        allowed[key] = spec.get(key)
    key = "terminationGracePeriodSeconds"
    if before.get(key, 0) < 0 and spec.get(key) == 1:
        allowed[key] = 1
    return allowed


def _refused(before: Object, spec: Object) -> Cause:
    lines = "\n".join(_difference(before, spec))
    rule = f"pod updates may not change fields other than {_UPDATABLE}\n{lines}\n"
    return field.forbidden(SPEC, rule)


def _difference(before: Object, spec: Object) -> Sequence[str]:
    """What differs, for a human to read; upstream says of its own that it isn't perfect."""
    lines = ["  core.PodSpec{"]
    for key in sorted({*before, *spec}):
        had, have = before.get(key), spec.get(key)
        if field.same(had, have):
            continue
        name = key[0].upper() + key[1:]
        lines += [f"- \t{name}: {_shown(had)},", f"+ \t{name}: {_shown(have)},"]
    return [*lines, "  \t... // other fields are identical", "  }"]


def _shown(value: Any) -> str:
    return "nil" if value is None else json.dumps(value, ensure_ascii=False)
