"""Rules of security contexts. netemu gives no privileges; the rules hold all the same."""

import re
from collections.abc import Sequence
from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.api.validation.goformat import Literal
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
    yield from _sysctls(context.get("sysctls") or (), path.child("sysctls"))
    yield from _seccomp(context.get("seccompProfile"), path.child("seccompProfile"))
    policy, known = context.get("fsGroupChangePolicy"), ("Always", "OnRootMismatch")
    if policy is not None and policy not in known:
        yield field.not_supported(path.child("fsGroupChangePolicy"), policy, known)


def container_security(context: Object, path: Path) -> Causes:
    """The securityContext of a container."""
    for key in ("runAsUser", "runAsGroup"):
        yield from _identity(context.get(key), path.child(key))
    mount, known = context.get("procMount"), ("Default", "Unmasked")
    if mount is not None and mount not in known:
        yield field.not_supported(path.child("procMount"), mount, known)
    yield from _seccomp(context.get("seccompProfile"), path.child("seccompProfile"))
    if context.get("allowPrivilegeEscalation") is False:
        yield from _escalation(context, path)


def _escalation(context: Object, path: Path) -> Causes:
    shown, head = (
        Literal("core.SecurityContext{…}"),
        "cannot set `allowPrivilegeEscalation` to false",
    )
    if context.get("privileged"):
        yield field.invalid(path, shown, f"{head} and `privileged` to true")
    if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
        yield field.invalid(path, shown, f"{head} and `capabilities.Add` CAP_SYS_ADMIN")


_SEGMENT: Final = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL: Final = rf"^({_SEGMENT}[\./])*{_SEGMENT}$"
_LONGEST_SYSCTL: Final = 253


def _sysctls(items: Sequence[Object], path: Path) -> Causes:
    seen: set[str] = set()
    for number, item in enumerate(items):
        below, name = path.index(number).child("name"), item.get("name", "")
        if not name:
            yield field.required(below)
        elif len(name) > _LONGEST_SYSCTL or not re.fullmatch(_SYSCTL, name):
            rule = f"must have at most {_LONGEST_SYSCTL} characters and match regex {_SYSCTL}"
            yield field.invalid(below, name, rule)
        elif name in seen:
            yield field.duplicate(below, name)
        seen.add(name)


def _seccomp(profile: Object | None, path: Path) -> Causes:
    if profile is None:
        return
    kind, known = profile.get("type", ""), ("Localhost", "RuntimeDefault", "Unconfined")
    if not kind:
        yield field.required(path.child("type"), "type is required when seccompProfile is set")
    elif kind not in known:
        yield field.not_supported(path.child("type"), kind, known)
    below = path.child("localhostProfile")
    if kind == "Localhost" and profile.get("localhostProfile") is None:
        yield field.required(below, "must be set when seccomp type is Localhost")
    if kind != "Localhost" and profile.get("localhostProfile") is not None:
        rule = "can only be set when seccomp type is Localhost"
        yield field.invalid(below, Literal("core.SeccompProfile{…}"), rule)


def operating_system(system: Object | None, path: Path) -> Causes:
    """What a pod says of the system it is made for."""
    if system is None:
        return
    if not system.get("name"):
        yield field.required(path.child("name"), "cannot be empty")
    elif system["name"] not in ("linux", "windows"):
        yield field.not_supported(path, system["name"], ("linux", "windows"))


def shared_processes(spec: Object, path: Path) -> Causes:
    """A pod's containers see each other's processes, or the node's, not both."""
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        rule = "ShareProcessNamespace and HostPID cannot both be enabled"
        yield field.invalid(path.child("shareProcessNamespace"), True, rule)
