"""A container's environment: Services, envFrom and env, with ``$(VAR)`` filled in.

The order is the kubelet's (makeEnvironmentVariables): later definitions win, and an expression
sees what was defined before it, then the Services.
"""

import base64
from collections.abc import Callable, Mapping

from msgspec import Struct

from netemu.model.meta import Object
from netemu.node.expansion import expand
from netemu.node.field_values import Place, field_value, resource_value

Lookup = Callable[[str, str], Object | None]
"""A ConfigMap or Secret of the pod's namespace: (resource, name)."""

CONFIG_MAPS, SECRETS = "configmaps", "secrets"
_TITLES = {CONFIG_MAPS: "ConfigMap", SECRETS: "Secret"}


class ConfigError(Exception):
    """What the container refers to isn't there; the text is the kubelet's."""


class Sources(Struct, frozen=True, kw_only=True):
    """Where values come from."""

    services: Mapping[str, str]
    place: Place
    lookup: Lookup


def environment(pod: Object, container: Object, sources: Sources) -> dict[str, str]:
    """What the pod says the container's environment is. Raises ConfigError."""
    env: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        env |= _all_of(pod, source, sources)
    for item in container.get("env") or ():
        value = _value(pod, container, item, env, sources)
        if value is not None:
            env[item["name"]] = value
    return {**sources.services, **env}


def _value(
    pod: Object, container: Object, item: Object, env: Mapping[str, str], sources: Sources
) -> str | None:
    """One variable's value; None leaves it out."""
    if "valueFrom" not in item:
        return expand(item.get("value") or "", {**sources.services, **env})
    source = item["valueFrom"]
    try:
        if "fieldRef" in source:
            return field_value(pod, source["fieldRef"]["fieldPath"], sources.place)
        if "resourceFieldRef" in source:
            return _resource(pod, container, source["resourceFieldRef"], sources.place)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if "configMapKeyRef" in source:
        return _key(pod, CONFIG_MAPS, source["configMapKeyRef"], sources.lookup)
    if "secretKeyRef" in source:
        return _key(pod, SECRETS, source["secretKeyRef"], sources.lookup)
    return ""


def _resource(pod: Object, container: Object, ref: Object, place: Place) -> str:
    name = ref.get("containerName")
    if name:
        every = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
        found = next((item for item in every if item["name"] == name), None)
        if found is None:
            raise ConfigError(f"container {name} not found")
        container = found
    return resource_value(container, ref["resource"], str(ref.get("divisor") or "1"), place)


def _key(pod: Object, resource: str, ref: Object, lookup: Lookup) -> str | None:
    obj = lookup(resource, ref.get("name") or "")
    if obj is None:
        if ref.get("optional"):
            return None
        raise ConfigError(_not_found(resource, ref.get("name") or ""))
    value = _data(resource, obj).get(ref["key"])
    if value is None and not ref.get("optional"):
        where = f"{pod['metadata']['namespace']}/{ref.get('name')}"
        raise ConfigError(f"couldn't find key {ref['key']} in {_TITLES[resource]} {where}")
    return value


def _all_of(pod: Object, source: Object, sources: Sources) -> dict[str, str]:
    resource = CONFIG_MAPS if "configMapRef" in source else SECRETS
    ref = source.get("configMapRef") or source.get("secretRef") or {}
    obj = sources.lookup(resource, ref.get("name") or "")
    if obj is None:
        if ref.get("optional"):
            return {}
        raise ConfigError(_not_found(resource, ref.get("name") or ""))
    prefix = source.get("prefix") or ""
    data = _data(resource, obj)
    # Any key does as a name but for "=" (KEP-4369), which no key of either kind may have.
    return {prefix + name: data[name] for name in sorted(data)}


def _not_found(resource: str, name: str) -> str:
    return f'{_TITLES[resource].lower()} "{name}" not found'


def _data(resource: str, obj: Object) -> dict[str, str]:
    data: dict[str, str] = obj.get("data") or {}
    if resource == CONFIG_MAPS:
        return data
    return {name: base64.b64decode(text).decode(errors="replace") for name, text in data.items()}
