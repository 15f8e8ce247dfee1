"""Rules of security contexts, as far as numbers can be wrong in them."""

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.model import names
from netemu.model.meta import Object

_MOST = 0xFFFFFFFF
"""The highest user or group id."""


def _identity(value: int | None, path: Path) -> Causes:
    if value is not None and not 0 <= value <= _MOST:
        yield from each_invalid(path, value, [names.out_of_range(0, _MOST)])


def pod_security(context: Object, path: Path) -> Causes:
    """The securityContext of a pod."""
    for key in ("fsGroup", "runAsUser", "runAsGroup"):
        yield from _identity(context.get(key), path.child(key))
    for number, group in enumerate(context.get("supplementalGroups") or ()):
        yield from _identity(group, path.child("supplementalGroups").index(number))
    policy, known = context.get("fsGroupChangePolicy"), ("Always", "OnRootMismatch")
    if policy is not None and policy not in known:
        yield field.not_supported(path.child("fsGroupChangePolicy"), policy, known)


def container_security(context: Object, path: Path) -> Causes:
    """The securityContext of a container."""
    for key in ("runAsUser", "runAsGroup"):
        yield from _identity(context.get(key), path.child(key))
