"""Rules of security contexts, as far as numbers can be wrong in them."""

import re

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.model import names
from netemu.model.meta import Object

_MOST = 0xFFFFFFFF
"""The highest user or group id."""


_SYSCTL_PART = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = rf"({_SYSCTL_PART}[\./])*{_SYSCTL_PART}"
_LONGEST_SYSCTL = 253


def _identity(value: int | None, path: Path) -> Causes:
    if value is not None and not 0 <= value <= _MOST:
        yield from each_invalid(path, value, [names.out_of_range(0, _MOST)])


def _sysctl(name: str, path: Path) -> Causes:
    if not name:
        yield field.required(path)
    elif len(name) > _LONGEST_SYSCTL or not re.fullmatch(_SYSCTL, name):
        rule = f"must have at most {_LONGEST_SYSCTL} characters and match regex ^{_SYSCTL}$"
        yield field.invalid(path, name, rule)


def pod_security(context: Object, path: Path) -> Causes:
    """The securityContext of a pod."""
    for key in ("fsGroup", "runAsUser", "runAsGroup"):
        yield from _identity(context.get(key), path.child(key))
    for number, group in enumerate(context.get("supplementalGroups") or ()):
        yield from _identity(group, path.child("supplementalGroups").index(number))
    for number, item in enumerate(context.get("sysctls") or ()):
        yield from _sysctl(item.get("name", ""), path.child("sysctls").index(number).child("name"))
    policy, known = context.get("fsGroupChangePolicy"), ("Always", "OnRootMismatch")
    if policy is not None and policy not in known:
        yield field.not_supported(path.child("fsGroupChangePolicy"), policy, known)


def container_security(context: Object, path: Path) -> Causes:
    """The securityContext of a container."""
    for key in ("runAsUser", "runAsGroup"):
        yield from _identity(context.get(key), path.child(key))
