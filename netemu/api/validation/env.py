"""Rules of environment variables and of what fills them."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from netemu.api.validation import field
from netemu.api.validation.field import Causes, Path, each_invalid
from netemu.model import names
from netemu.model.meta import Object
from netemu.model.quantity import canonical

ENV_FIELDS: Final = frozenset(
    {
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
        "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP",
        "status.podIPs",
    }
)  # fmt: skip
"""What the downward API gives to a variable."""
VOLUME_FIELDS: Final = frozenset(
    {"metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations",
     "metadata.uid"}
)  # fmt: skip
"""What the downward API gives to a file."""
_CONVERTIBLE = ENV_FIELDS | VOLUME_FIELDS | {
    "spec.restartPolicy", "spec.schedulerName", "status.phase", "spec.host"
}  # fmt: skip
_SUBSCRIPTED = re.compile(r"(.*)\['(.*)'\]\Z")

_RESOURCES = tuple(
    f"{kind}.{name}"
    for kind in ("limits", "requests")
    for name in ("cpu", "ephemeral-storage", "memory")
)
_HUGE = ("requests.hugepages-", "limits.hugepages-")
_BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


def env(variables: Iterable[Object], path: Path) -> Causes:
    """The variables of a container."""
    for number, variable in enumerate(variables):
        below = path.index(number)
        if name := variable.get("name"):
            yield from each_invalid(below.child("name"), name, names.env_name(name))
        else:
            yield field.required(below.child("name"))
        if variable.get("valueFrom") is not None:
            yield from _value_from(variable, below.child("valueFrom"))


def _value_from(variable: Object, path: Path) -> Causes:
    source = variable["valueFrom"]
    given = [kind for kind in _SOURCES if source.get(kind) is not None]
    for kind in given:
        yield from _SOURCES[kind](source[kind], path.child(kind))
    if not given:
        rule = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or "
            "`secretKeyRef`"
        )
        yield field.invalid(path, "", rule)
    elif variable.get("value"):
        yield field.invalid(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        yield field.invalid(path, "", "may not have more than one field specified at a time")


def field_ref(reference: Object, allowed: frozenset[str], path: Path) -> Causes:
    """A field of the pod itself."""
    for key in ("apiVersion", "fieldPath"):
        if not reference.get(key):
            yield field.required(path.child(key))
            return
    text, version = reference["fieldPath"], reference["apiVersion"]
    subscripted = _SUBSCRIPTED.match(text)
    name = subscripted[1] if subscripted else text
    if version != "v1" or name not in _CONVERTIBLE:
        why = (
            f"field label not supported: {name}"
            if version == "v1"
            else f"unsupported pod version: {version}"
        )
        yield field.invalid(path.child("fieldPath"), text, f"error converting fieldPath: {why}")
    elif subscripted:
        yield from _subscript(name, subscripted[2], path)
    elif name not in allowed:
        yield field.not_supported(path.child("fieldPath"), name, sorted(allowed))


def _subscript(name: str, key: str, path: Path) -> Causes:
    match name:
        case "metadata.annotations":
            yield from each_invalid(path, key.lower(), names.qualified_name(key.lower()))
        case "metadata.labels":
            yield from each_invalid(path, key, names.qualified_name(key))
        case _:
            yield field.invalid(path, name, "does not support subscript")


def resource_ref(reference: Object, path: Path, *, in_volume: bool = False) -> Causes:
    """A request or limit of a container."""
    resource = reference.get("resource", "")
    if in_volume and not reference.get("containerName"):
        yield field.required(path.child("containerName"))
    elif not resource:
        yield field.required(path.child("resource"))
    elif resource not in _RESOURCES and not resource.startswith(_HUGE):
        yield field.not_supported(path.child("resource"), resource, _RESOURCES)
    yield from _divisor(resource, reference.get("divisor", "0"), path.child("divisor"))


def _divisor(resource: str, value: str, path: Path) -> Causes:
    try:
        divisor = canonical(value)
    except ValueError as error:
        yield field.invalid(path, str(value), str(error))
        return
    if divisor == "0":
        return
    shown = ", ".join(_BYTE_DIVISORS)
    name = resource.partition(".")[2]
    if name == "cpu" and divisor not in ("1m", "1"):
        rule = "only divisor's values 1m and 1 are supported with the cpu resource"
        yield field.invalid(path, resource, rule)
    kinds = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}
    if name in kinds and divisor not in _BYTE_DIVISORS:
        rule = f"only divisor's values {shown} are supported with the {kinds[name]} resource"
        yield field.invalid(path, resource, rule)


def _env_field_ref(reference: Object, path: Path) -> Causes:
    return field_ref(reference, ENV_FIELDS, path)


def _key_ref(reference: Object, path: Path) -> Causes:
    name, key = reference.get("name", ""), reference.get("key", "")
    yield from each_invalid(path.child("name"), name, names.dns_subdomain(name))
    if key:
        yield from each_invalid(path.child("key"), key, names.config_key(key))
    else:
        yield field.required(path.child("key"))


_SOURCES: dict[str, Callable[[Object, Path], Causes]] = {
    "fieldRef": _env_field_ref,
    "resourceFieldRef": resource_ref,
    "configMapKeyRef": _key_ref,
    "secretKeyRef": _key_ref,
}


def env_from(sources: Iterable[Object], path: Path) -> Causes:
    """Whole ConfigMaps and Secrets as variables."""
    for number, source in enumerate(sources):
        below = path.index(number)
        if prefix := source.get("prefix"):
            yield from each_invalid(below.child("prefix"), prefix, names.env_name(prefix))
        given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        for kind in given:
            yield from _whole(source[kind], below.child(kind))
        if not given:
            rule = "must specify one of: `configMapRef` or `secretRef`"
            yield field.invalid(path, "", rule)
        elif len(given) > 1:
            yield field.invalid(path, "", "may not have more than one field specified at a time")


def _whole(reference: Object, path: Path) -> Causes:
    if name := reference.get("name"):
        problems = names.dns_subdomain(names.cut_dash(name))
        yield from each_invalid(path.child("name"), name, problems)
    else:
        yield field.required(path.child("name"))
