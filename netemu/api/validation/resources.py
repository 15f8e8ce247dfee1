"""Rules of resource requests, limits and capacities."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.model import names
from netemu.model.meta import Object
from netemu.model.quantity import canonical, parse_quantity

_CONTAINER = frozenset({"cpu", "memory", "ephemeral-storage"})
_COUNTED = frozenset(
    {
        "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    }
)  # fmt: skip
_STANDARD = (
    _CONTAINER
    | _COUNTED
    | {f"{kind}.{name}" for kind in ("requests", "limits") for name in _CONTAINER}
    | {"storage", "requests.storage"}
)
_HUGE = "hugepages-"


def requirements(resources: Object, path: Path) -> Causes:
    """Requests and limits of a container."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name in sorted(limits):
        yield from _resource(name, limits[name], path.child("limits").key(name))
    for name in sorted(requests):
        yield from _resource(name, requests[name], path.child("requests").key(name))
        yield from _within_limit(name, requests[name], limits.get(name), path)
    used = {*limits, *requests}
    if any(name.startswith(_HUGE) for name in used) and not used & {"cpu", "memory"}:
        yield field.forbidden(path, "HugePages require cpu or memory")


def _resource(name: str, value: Any, path: Path) -> Causes:
    yield from container_resource(name, path)
    yield from amount(name, value, path)


def _within_limit(name: str, request: Any, limit: Any, path: Path) -> Causes:
    overcommits = _is_native(name) and not name.startswith(_HUGE)
    if limit is None:
        if not overcommits:
            rule = "Limit must be set for non overcommitable resources"
            yield field.required(path.child("limits"), rule)
        return
    wanted, most = _number(request), _number(limit)
    if wanted is None or most is None:
        return
    if wanted != most and not overcommits:
        rule = f"must be equal to {name} limit of {canonical(limit)}"
        yield field.invalid(path.child("requests"), canonical(request), rule)
    elif wanted > most:
        rule = f"must be less than or equal to {name} limit of {canonical(limit)}"
        yield field.invalid(path.child("requests"), canonical(request), rule)


def _number(value: Any) -> Decimal | None:
    try:
        return parse_quantity(value)
    except ValueError:  # told by `amount` already
        return None


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def standard_resource(name: str, path: Path) -> Causes:
    """The name of something that can be counted."""
    problems = names.qualified_name(name)
    yield from each_invalid(path, name, problems)
    # What a quota counts as ``count/deployments.apps`` is qualified, too.
    if not problems and "/" not in name and name not in _STANDARD and _HUGE not in name:
        yield field.invalid(path, name, "must be a standard resource type or fully qualified")


def container_resource(name: str, path: Path) -> Causes:
    """The name of something a container can ask for."""
    problems = names.qualified_name(name)
    yield from each_invalid(path, name, problems)
    if "/" in name:
        if not _is_native(name) and (problems or name.startswith("requests.")):
            yield field.invalid(path, name, "doesn't follow extended resource name standard")
        return
    if not problems and name not in _STANDARD and not name.startswith(_HUGE):
        yield field.invalid(path, name, "must be a standard resource type or fully qualified")
    if name not in _CONTAINER and not name.startswith(_HUGE):
        yield field.invalid(path, name, "must be a standard resource for containers")


def amount(name: str, value: Any, path: Path) -> Causes:
    """A quantity of a resource: not negative, and whole when it counts things."""
    try:
        number = parse_quantity(value)
    except ValueError as error:
        yield field.invalid(path, str(value), str(error))
        return
    if number < 0:
        yield field.invalid(path, canonical(value), field.NOT_NEGATIVE)
    if (name in _COUNTED or not _is_native(name)) and number != int(number):
        yield field.invalid(path, canonical(value), "must be an integer")


def amounts(values: Mapping[str, Any] | None, path: Path) -> Causes:
    """A node's capacity or what is allocatable of it."""
    for name in sorted(values or {}):
        yield from amount(name, (values or {})[name], path.child(name))
